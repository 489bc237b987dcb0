#!/bin/sh
# The official image's contract: make the cluster once, by POSTGRES_*, then become the server.
set -eu

if [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$1" != postgres ]; then
    exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R 999:999 /var/lib/postgresql "$PGDATA" /run/postgresql
    exec setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
fi

make_cluster() {
    password=${POSTGRES_PASSWORD:-}
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        password=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "$password" ]; then
        echo 'error: POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both empty; set one' >&2
        exit 1
    fi
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    file=$(mktemp)
    printf '%s\n' "$password" > "$file"
    # shellcheck disable=SC2086 # several words, as in the official image
    initdb --username="$user" --pwfile="$file" --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 ${POSTGRES_INITDB_ARGS:-}
    rm "$file"
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE "%s";\n' "$database" | postgres --single -j postgres
    fi
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    make_cluster
fi
unset POSTGRES_PASSWORD
exec "$@"
