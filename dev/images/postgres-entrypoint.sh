#!/bin/sh
# Starts PostgreSQL, and makes the database on the first start.
#
# Understands what the official image's users know: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, each also as
# NAME_FILE, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and *.sql, *.sql.gz and *.sh in /docker-entrypoint-initdb.d.
# Runs as the user that it is started as, never as root, and writes to PGDATA and /var/run/postgresql only.
set -eu
umask 077

fail() {
    echo "entrypoint: $1" >&2
    exit 1
}

# from_file NAME: sets NAME from the file that NAME_FILE speaks of.
from_file() {
    eval "file=\${$1_FILE:-}"
    if [ -n "$file" ]; then
        eval "value=\${$1:-}"
        [ -z "$value" ] || fail "$1 and $1_FILE are both set; keep one"
        [ -r "$file" ] || fail "$1_FILE: cannot read $file"
        eval "$1=\$(cat \"\$file\")"
    fi
}

# The database is made in $PGDATA/.making, which becomes $PGDATA/.made in one step, and is then moved up with PG_VERSION
# last. So an interrupted start leaves something that is either started over or finished, and nothing else is deleted.
make_database() {
    making=$PGDATA/.making
    rm -rf "$making"
    for entry in "$PGDATA"/* "$PGDATA"/.[!.]*; do
        case ${entry##*/} in
        '*' | '.[!.]*' | lost+found) ;;
        *) fail "PGDATA is $PGDATA, which holds $entry but no database; empty it, or set PGDATA to a folder below it" ;;
        esac
    done
    mkdir "$making"

    authentication=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$authentication" != trust ]; then
        fail 'POSTGRES_PASSWORD is empty; a new database needs the password of its first user'
    fi
    # shellcheck disable=SC2086 # the arguments are split on purpose
    if [ -n "${POSTGRES_PASSWORD:-}" ]; then
        printf '%s\n' "$POSTGRES_PASSWORD" |
            initdb -D "$making" --username="$POSTGRES_USER" --pwfile=/dev/stdin --encoding=UTF8 \
                --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
    else
        initdb -D "$making" --username="$POSTGRES_USER" --encoding=UTF8 --auth=trust ${POSTGRES_INITDB_ARGS:-}
    fi
    printf '\nhost all all all %s\n' "$authentication" >>"$making/pg_hba.conf"

    # Not reachable until it is complete: no TCP, and the socket where nobody looks.
    pg_ctl -D "$making" -w -o "-c listen_addresses='' -c unix_socket_directories='$making'" -l "$making/.log" start ||
        { cat "$making/.log" >&2; exit 1; }
    export PGHOST="$making" PGUSER="$POSTGRES_USER"
    if [ "$POSTGRES_DB" != postgres ]; then
        echo 'CREATE DATABASE :"name";' | psql -d postgres -v ON_ERROR_STOP=1 -v name="$POSTGRES_DB" -q
    fi
    export PGDATABASE="$POSTGRES_DB"
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sql) echo "entrypoint: $file"; psql -v ON_ERROR_STOP=1 -q -f "$file" ;;
        *.sql.gz) echo "entrypoint: $file"; gunzip -c "$file" | psql -v ON_ERROR_STOP=1 -q ;;
        *.sh) echo "entrypoint: $file"; sh "$file" ;;
        */'*') ;;
        *) echo "entrypoint: $file: not .sql, .sql.gz or .sh; left alone" ;;
        esac
    done
    unset PGHOST PGUSER PGDATABASE
    pg_ctl -D "$making" -w -m fast stop
    rm -f "$making/.log"
    sync
    mv "$making" "$PGDATA/.made"
}

finish_database() {
    made=$PGDATA/.made
    for entry in "$made"/*; do
        case ${entry##*/} in
        PG_VERSION | '*') ;;
        *) mv "$entry" "$PGDATA/" ;;
        esac
    done
    sync
    mv "$made/PG_VERSION" "$PGDATA/"
    rmdir "$made"
    echo "entrypoint: made the database $POSTGRES_DB in $PGDATA"
}

case ${1:-postgres} in
-*) set -- postgres "$@" ;;
esac
if [ "${1:-postgres}" != postgres ]; then
    exec "$@"
fi

from_file POSTGRES_PASSWORD
from_file POSTGRES_USER
from_file POSTGRES_DB
from_file POSTGRES_INITDB_ARGS
POSTGRES_USER=${POSTGRES_USER:-postgres}
POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
export PGDATA="${PGDATA:-/var/lib/postgresql/data}"

[ "$(id -u)" != 0 ] || fail 'PostgreSQL refuses to run as root; run it as user 999'
mkdir -p "$PGDATA" || fail "cannot write to $PGDATA; mount a volume there that user $(id -u) may write to"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # PG_VERSION is not there, so whatever .making holds was interrupted; .made is complete.
    if [ ! -d "$PGDATA/.made" ]; then
        make_database
    fi
    finish_database
else
    rmdir "$PGDATA/.made" 2>/dev/null || true
fi
# The password is in the database now; the server's environment can be read by its functions.
unset POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
shift $(($# > 0 ? 1 : 0))
exec postgres "$@"
