#!/bin/sh
# Notes in PostgreSQL, with no service before it. Usage: kit.sh start VERSION | stop | backup | validate FILE
#   | deploy VERSION | rollback | restore FILE | status
set -eu
: "${DIR:?}" "${PORT:?}"
DATA=$DIR/data/cluster
BACKUPS=$DIR/backup
LOG=$DIR/log
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
OWNER=$(id -un)
[ "$OWNER" != root ] || OWNER=nobody # PostgreSQL refuses to run as root
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid="$OWNER" --regid="$(id -g "$OWNER")" --clear-groups "$@" 9>&-; fi
}
sql() { psql -XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U notes "$@"; }
alone() { # one operation at a time
    exec 9>"$DIR/lock"
    flock -n 9 || { echo "another operation has the lock" >&2 && exit 75; }
}
backups() { find "$BACKUPS" -name '*.dump' | sort; }

case $1 in
start)
    mkdir -p "$LOG"
    chown "$OWNER" "$LOG" "$DIR/data"
    cd "$DIR/data"
    fresh=no
    [ -s "$DATA/PG_VERSION" ] || fresh=yes
    [ $fresh = no ] || as_owner initdb -A trust -U notes -D "$DATA" >&2
    as_owner pg_ctl start -w -t 30 -s -D "$DATA" -l "$LOG/postgres.log" \
        -o "-h 127.0.0.1 -p $PORT -c unix_socket_directories=" >&2
    [ $fresh = no ] || sql -d postgres -c 'CREATE DATABASE notes' >&2
    [ $fresh = no ] || sql -d notes -c "
        CREATE TABLE notes (token text PRIMARY KEY, payload text NOT NULL);
        CREATE TABLE release (version text NOT NULL);
        INSERT INTO release VALUES ('$2')" >&2
    ;;
stop)
    cd /
    [ ! -e "$DATA/postmaster.pid" ] || as_owner pg_ctl stop -w -s -m fast -D "$DATA" >&2
    ;;
backup)
    alone
    name=$BACKUPS/$(date -u +%Y%m%dT%H%M%S.%N)
    trap 'rm -f "$name.part"' EXIT
    pg_dump -h 127.0.0.1 -p "$PORT" -U notes -Fc -f "$name.part" notes >&2
    pg_restore -f /dev/null "$name.part" >&2
    sha256sum <"$name.part" >"$name.sum"
    sync "$name.part" "$name.sum"
    mv "$name.part" "$name.dump"
    sync "$BACKUPS"
    ;;
validate) sha256sum -c "${2%.dump}.sum" <"$2" >&2 ;;
deploy | rollback)
    alone
    sql -d notes -c "UPDATE release SET version = '${2:-1}'" >&2
    ;;
restore)
    alone
    sha256sum -c "${2%.dump}.sum" <"$2" >&2
    release=$(sql -d notes -c 'SELECT version FROM release')
    # Into a database beside it; nobody sees less than all of it.
    sql -d postgres -c 'DROP DATABASE IF EXISTS made' -c 'CREATE DATABASE made' >&2
    pg_restore -h 127.0.0.1 -p "$PORT" -U notes --exit-on-error -d made "$2" >&2
    sql -d made -c "UPDATE release SET version = '$release'" >&2
    sql -d postgres -c 'ALTER DATABASE notes ALLOW_CONNECTIONS false' \
        -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'notes'" \
        -c 'ALTER DATABASE notes RENAME TO before' -c 'ALTER DATABASE made RENAME TO notes' -c 'DROP DATABASE before' >&2
    ;;
status)
    printf '{"latest": "%s", "backups": [' "$(backups | tail -n 1)"
    comma=""
    for file in $(backups); do
        printf '%s{"name": "%s", "path": "%s", "size": %s, "eligible": true, "kind": "full"}' \
            "$comma" "$(basename "$file")" "$file" "$(stat -c %s "$file")"
        comma=", "
    done
    printf ']}\n'
    ;;
*) echo "no such operation: $1" >&2 && exit 64 ;;
esac
