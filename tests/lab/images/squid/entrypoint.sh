#!/bin/bash
# Starts squid with the given arguments, its log on standard output, as Ubuntu's image does.
set -eu
if [ "${1:0:1}" != - ]; then exec "$@"; fi
touch /var/log/squid/access.log /var/log/squid/cache.log
if [ "$(id -u)" = 0 ]; then chown -R proxy:proxy /var/log/squid /var/spool/squid; fi
tail -F /var/log/squid/access.log /var/log/squid/cache.log 2> /dev/null &
exec squid "$@"
