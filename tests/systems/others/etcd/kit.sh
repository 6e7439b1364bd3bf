#!/bin/sh
# etcd by its own commands, one member. Usage: kit.sh start RELEASE | stop | seed BYTES | backup | validate FILE
#   | deploy RELEASE | rollback | restore FILE | status
set -eu
: "${DIR:?}" "${PORT:?}" "${ETCD:?where etcd-RELEASE is}"
DATA=$DIR/data/member
BACKUPS=$DIR/backup
AT=http://127.0.0.1:$PORT
current() { cat "$DIR/release"; }
tool() { "$ETCD/etcd-$(current)" "$@"; }
start() {
    echo "$1" >"$DIR/release"
    setsid "$ETCD/etcd-$1" server --data-dir "$DATA" --listen-client-urls "$AT" --advertise-client-urls "$AT" \
        --logger zap --log-level warn >>"$DIR/etcd.log" 2>&1 </dev/null 9>&- &
    echo $! >"$DIR/pid"
    for _ in $(seq 100); do
        ! tool ctl --endpoints "$AT" --command-timeout 1s endpoint health >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    echo "etcd $1 is not healthy after 10 s: $(tail -n 1 "$DIR/etcd.log")" >&2
    return 1
}
stop() {
    pid=$(cat "$DIR/pid")
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
}
alone() { exec 9>"$DIR/lock" && flock -n 9 || { echo "another operation has the lock" >&2 && exit 75; }; }

case $1 in
start) start "$2" ;;
stop) stop ;;
seed) # into a server of its own, for the service is not up yet
    start "$OLD"
    tool seed "$AT" "$2"
    stop
    ;;
backup)
    alone
    name=$BACKUPS/$(date -u +%Y%m%dT%H%M%S.%N)
    trap 'rm -rf "$name.part"*' EXIT
    tool ctl --endpoints "$AT" snapshot save "$name.part" >&2
    sync "$name.part"
    mv "$name.part" "$name.db"
    sync "$BACKUPS"
    ;;
validate) # a restore is what looks at the checksum: `snapshot status` does not
    trap 'rm -rf "$DIR/data/tried"' EXIT
    tool snapshot restore "$2" --data-dir "$DIR/data/tried" >&2
    ;;
deploy)
    alone
    old=$(current)
    stop
    start "$2" || { stop && start "$old" && exit 1; }
    ;;
rollback) # the data are taken back to the format of the release before, while etcd runs
    alone
    tool ctl --endpoints "$AT" downgrade enable "$OLD" >&2
    for _ in $(seq 100); do
        ! tool ctl --endpoints "$AT" endpoint status -w json | grep -q "\"storageVersion\":\"${OLD%.*}.0\"" || break
        sleep 0.1
    done
    stop
    start "$OLD"
    ;;
restore)
    alone
    rm -rf "$DIR/data/restored"
    tool snapshot restore "$2" --data-dir "$DIR/data/restored" >&2
    stop
    rm -rf "$DATA"
    mv "$DIR/data/restored" "$DATA"
    start "$(current)"
    ;;
status)
    printf '{"version": "%s", "backups": [' "$(current)"
    comma=""
    for file in "$BACKUPS"/*.db; do
        [ -e "$file" ] || continue
        printf '%s{"name": "%s", "path": "%s", "size": %s, "eligible": true, "kind": "full"}' \
            "$comma" "$(basename "$file")" "$file" "$(stat -c %s "$file")"
        comma=", "
        latest=$file
    done
    printf '], "latest": "%s"}\n' "${latest:-}"
    ;;
*) echo "no such operation: $1" >&2 && exit 64 ;;
esac
