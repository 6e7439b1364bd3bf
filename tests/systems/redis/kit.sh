#!/bin/sh
# Notes in Redis. Usage: kit.sh start VERSION | stop | backup | validate FILE | deploy VERSION | rollback | restore FILE | status
set -eu
: "${DIR:?}" "${PORT:?}"
DATA=$DIR/data
BACKUPS=$DIR/backup
cli() { redis-cli -p "$PORT" "$@"; }
running() { [ "$(cli ping 2>/dev/null)" = PONG ]; }
until_it() { # until_it WORDS...: for 15 s
    for _ in $(seq 300); do
        "$@" && return
        sleep 0.05
    done
    echo "not after 15 s: $*" >&2
    exit 1
}
stopped() { ! running; }

start() { # start VERSION [more options]
    # The server and the check of its files are one program, which goes by its name.
    server=$(command -v redis-server) || {
        server=$DIR/redis-server
        ln -sf "$(command -v redis-check-rdb)" "$server"
    }
    version=$1
    shift
    "$server" --port "$PORT" --dir "$DATA" --daemonize yes --save '' --logfile "$DIR/redis.log" \
        --appendonly yes --appendfsync always --repl-diskless-sync-delay 0 --proc-title-template "$version" "$@" >&2
    until_it running
    echo "$version" >"$DIR/version"
}
stop() {
    cli shutdown nosave >/dev/null 2>&1 || true
    until_it stopped
}
alone() { # one operation at a time
    exec 9>"$DIR/lock"
    flock -n 9 || {
        echo "another operation has the lock" >&2
        exit 75
    }
}
latest() { find "$BACKUPS" -name '*.rdb' | sort | tail -n 1; }

case $1 in
start) start "$2" ;;
stop) stop ;;
seed) until_it running ;;
backup)
    alone
    name=$BACKUPS/$(date -u +%Y%m%dT%H%M%S.%N)
    trap 'rm -f "$name.part"' EXIT
    cli --rdb "$name.part" >&2
    redis-check-rdb "$name.part" >&2
    sync "$name.part"
    mv "$name.part" "$name.rdb"
    sync "$BACKUPS"
    ;;
validate) redis-check-rdb "$2" >&2 ;;
deploy | rollback)
    alone
    stop
    start "${2:-1}" 9>&-
    ;;
restore)
    alone
    redis-check-rdb "$2" >&2
    stop
    rm -rf "$DATA/appendonlydir"
    cp "$2" "$DATA/dump.rdb"
    sync "$DATA/dump.rdb"
    # With its log on, Redis would begin with an empty one.
    start "$(cat "$DIR/version")" --appendonly no 9>&-
    cli config set appendonly yes >&2
    rewritten() { cli info persistence | grep -q '^aof_rewrite_in_progress:0' && cli info persistence | grep -q '^aof_last_bgrewrite_status:ok'; }
    until_it rewritten
    ;;
status)
    printf '{"latest": "%s", "version": "%s", "backups": [' "$(latest)" "$(cat "$DIR/version")"
    comma=""
    for file in $(find "$BACKUPS" -name '*.rdb' | sort); do
        printf '%s{"name": "%s", "path": "%s", "size": %s, "eligible": true, "kind": "full"}' \
            "$comma" "$(basename "$file")" "$file" "$(stat -c %s "$file")"
        comma=", "
    done
    printf ']}\n'
    ;;
*) echo "no such operation: $1" >&2 && exit 64 ;;
esac
