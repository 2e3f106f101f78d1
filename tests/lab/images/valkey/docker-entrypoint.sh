#!/bin/sh
# Behaves like the official image's entrypoint, as far as the catalog relies on it.
set -eu

case ${1:-valkey-server} in -* | *.conf) set -- valkey-server "$@" ;; esac
if [ "$1" != valkey-server ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
    find . \! -user valkey -exec chown valkey {} +
    exec setpriv --reuid=valkey --regid=valkey --clear-groups "$0" "$@"
fi
# The official image is built with protected mode off.
case " $* " in *" --protected-mode "*) ;; *) set -- "$@" --protected-mode no ;; esac
exec "$@"
