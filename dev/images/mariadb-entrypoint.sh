#!/bin/sh
# Starts MariaDB, and creates the database on the first start.
#
# Reads the variables of the official image: MARIADB_ROOT_PASSWORD, MARIADB_RANDOM_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER and
# MARIADB_PASSWORD, each also as MYSQL_... and ..._FILE, and *.sql, *.sql.gz and *.sh in /docker-entrypoint-initdb.d.
set -eu

# get NAME: prints the value of MARIADB_NAME, MYSQL_NAME, or of the file that either names.
get() {
    for variable in "MARIADB_$1" "MYSQL_$1"; do
        eval "value=\${$variable:-} file=\${${variable}_FILE:-}"
        [ -z "$file" ] || value=$(cat "$file")
        [ -z "$value" ] || { printf %s "$value"; return; }
    done
}

create_database() {
    root=$(get ROOT_PASSWORD)
    [ -n "$root" ] || [ -z "$(get RANDOM_ROOT_PASSWORD)" ] || root=$(head -c 24 /dev/urandom | base64)
    if [ -z "$root$(get ALLOW_EMPTY_ROOT_PASSWORD)" ]; then
        echo "entrypoint: set MARIADB_ROOT_PASSWORD or MARIADB_RANDOM_ROOT_PASSWORD" >&2
        exit 1
    fi
    mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal --force --skip-test-db
    # Not reachable until it is complete.
    mariadbd --skip-networking --socket=/run/mysqld/first.sock &
    server=$!
    until mariadb-admin --socket=/run/mysqld/first.sock ping --silent; do
        kill -0 $server
        sleep 0.2
    done
    database=$(get DATABASE) user=$(get USER)
    {
        [ -z "$database" ] || echo "CREATE DATABASE \`$database\`;"
        [ -z "$user" ] || echo "CREATE USER '$user'@'%' IDENTIFIED BY '$(get PASSWORD)';"
        [ -z "$user" ] || echo "GRANT ALL ON \`${database:-%}\`.* TO '$user'@'%';"
    } | run_sql mysql
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sql) echo "entrypoint: $file"; run_sql "$database" <"$file" ;;
        *.sql.gz) echo "entrypoint: $file"; gunzip -c "$file" | run_sql "$database" ;;
        *.sh) echo "entrypoint: $file"; sh "$file" ;;
        esac
    done
    echo "ALTER USER root@localhost IDENTIFIED BY '$root'; CREATE USER root@'%' IDENTIFIED BY '$root';
        GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;" | run_sql mysql
    kill $server
    wait $server
}

run_sql() {
    mariadb --socket=/run/mysqld/first.sock --user=root "$1"
}

case ${1:-mariadbd} in
-*) set -- mariadbd "$@" ;;
esac
case $1 in
mariadbd | mysqld) [ -d /var/lib/mysql/mysql ] || create_database ;;
esac
exec "$@"
