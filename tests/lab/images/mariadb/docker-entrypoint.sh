#!/bin/bash
# Behaves like the official MySQL image's entrypoint, as far as the catalog relies on it.
set -eu

# NAME may also be given as a file, NAME_FILE.
from_file() {
    local file="$1_FILE"
    if [ -n "${!file:-}" ]; then export "$1=$(< "${!file}")"; fi
}

# Text as an SQL string.
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\\\'}"
}

statements() {
    # MariaDB makes them without a password; MySQL has none of them.
    echo "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "${MYSQL_ROOT_PASSWORD:-}");"
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted "${MYSQL_ROOT_PASSWORD:-}");"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    if [ -n "${MYSQL_DATABASE:-}" ]; then
        echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
    fi
    if [ -n "${MYSQL_USER:-}" ] && [ -n "${MYSQL_PASSWORD:-}" ]; then
        echo "CREATE USER $(quoted "$MYSQL_USER")@'%' IDENTIFIED BY $(quoted "$MYSQL_PASSWORD");"
        if [ -n "${MYSQL_DATABASE:-}" ]; then
            echo "GRANT ALL ON \`$MYSQL_DATABASE\`.* TO $(quoted "$MYSQL_USER")@'%';"
        fi
    fi
}

initialise() {
    if [ -z "${MYSQL_ROOT_PASSWORD:-}" ] && [ -z "${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
        echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
        echo "    Set MYSQL_ROOT_PASSWORD." >&2
        exit 1
    fi
    mariadb-install-db --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal
    # A temporary server on the socket only: over TCP it must not seem ready yet.
    "$@" --skip-networking &
    until mariadb-admin --user=root --silent ping; do sleep 0.2; done
    statements | mariadb --user=root
    for file in /docker-entrypoint-initdb.d/*.sql; do
        if [ -e "$file" ]; then
            mariadb --user=root --password="${MYSQL_ROOT_PASSWORD:-}" ${MYSQL_DATABASE:-} < "$file"
        fi
    done
    mariadb-admin --user=root --password="${MYSQL_ROOT_PASSWORD:-}" shutdown
    wait
    echo "[Entrypoint]: MySQL init process done. Ready for start up."
}

case ${1:-} in -*) set -- mysqld "$@" ;; esac
if [ "${1:-}" != mysqld ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
    find /var/lib/mysql /var/run/mysqld \! -user mysql -exec chown mysql {} +
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi
# An option that MySQL 8.0 has and MariaDB has not.
for argument; do
    shift
    case $argument in --default-authentication-plugin=*) ;; *) set -- "$@" "$argument" ;; esac
done
from_file MYSQL_ROOT_PASSWORD
from_file MYSQL_PASSWORD
if [ ! -d /var/lib/mysql/mysql ]; then initialise "$@"; fi
exec "$@"
