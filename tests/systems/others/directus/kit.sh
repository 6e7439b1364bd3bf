#!/bin/sh
# Directus on SQLite. Usage: kit.sh start RELEASE | stop | version | seed | backup | validate FILE | deploy RELEASE
#   | rollback | restore FILE
set -eu
: "${DIR:?}" "${PORT:?}" "${BUILT:?where build.sh put both releases}" "${OLD:?}"
export DB_CLIENT=sqlite3 DB_FILENAME="$DIR/data/data.db" HOST=127.0.0.1 KEY=of-the-drill SECRET=of-the-drill \
    ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD=of-the-drill TELEMETRY=false LOG_LEVEL=warn STORAGE_LOCAL_ROOT="$DIR/uploads"
BACKUPS=$DIR/backup
AT=http://127.0.0.1:$PORT
directus() { release=$1 && shift && (cd "$BUILT/$release" && node node_modules/directus/cli.js "$@"); }
until_it() { # for 30 s
    for _ in $(seq 300); do "$@" && return || sleep 0.1; done
    echo "not after 30 s: $*" >&2 && exit 1
}
answers() { curl -fs -o /dev/null "$AT/server/ping"; }
version() { tr '\0' ' ' <"/proc/$(cat "$DIR/pid")/environ" | sed -n 's|.*RELEASE=\([0-9.]*\).*|\1|p'; }
start() {
    (cd "$BUILT/$1" && RELEASE=$1 exec setsid node node_modules/directus/cli.js start) >>"$DIR/directus.log" 2>&1 </dev/null 9>&- &
    echo $! >"$DIR/pid"
    until_it answers
}
stop() {
    pid=$(cat "$DIR/pid" 2>/dev/null) && kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.05; done
}
alone() { exec 9>"$DIR/lock" && flock -n 9 || { echo "another operation has the lock" >&2 && exit 75; }; }
whole() { [ "$(sqlite3 "$1" 'PRAGMA integrity_check')" = ok ] || { echo "$1 is damaged" >&2 && exit 1; }; }

case $1 in
start) start "$2" ;;
stop) stop ;;
version) version ;;
seed)
    directus "$OLD" bootstrap >&2
    start "$OLD"
    token=$(curl -fs -H 'Content-Type: application/json' -d "{\"email\": \"$ADMIN_EMAIL\", \"password\": \"$ADMIN_PASSWORD\"}" \
        "$AT/auth/login" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    curl -fs -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$AT/collections" -d '{
        "collection": "notes", "schema": {}, "meta": {},
        "fields": [{"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}},
            {"field": "token", "type": "string"}, {"field": "payload", "type": "string"}]}'
    stop
    ;;
backup)
    alone
    name=$BACKUPS/$(date -u +%Y%m%dT%H%M%S.%N)
    trap 'rm -f "$name.part"' EXIT
    sqlite3 "$DB_FILENAME" ".timeout 5000" ".backup '$name.part'"
    whole "$name.part"
    sha256sum <"$name.part" >"$name.sum"
    sync "$name.part" "$name.sum"
    mv "$name.part" "$name.db"
    sync "$BACKUPS"
    ;;
validate) sha256sum -c "${2%.db}.sum" <"$2" >&2 ;;
deploy)
    alone
    directus "$2" database migrate:latest >&2
    stop
    start "$2"
    ;;
rollback)
    alone
    stop
    start "$OLD"
    ;;
restore)
    alone
    sha256sum -c "${2%.db}.sum" <"$2" >&2
    release=$(version)
    cp "$2" "$DB_FILENAME.new"
    sync "$DB_FILENAME.new"
    stop
    rm -f "$DB_FILENAME-wal" "$DB_FILENAME-shm" "$DB_FILENAME-journal"
    mv "$DB_FILENAME.new" "$DB_FILENAME"
    sync "$DIR/data"
    start "$release"
    ;;
*) echo "no such operation: $1" >&2 && exit 64 ;;
esac
