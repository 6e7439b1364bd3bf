#!/bin/sh
# The repaired twin of ../shellkit: the same machine, each step of the procedure done so that it holds. README.md says how.
# Usage: kit.sh start VERSION | stop | seed BYTES | backup | validate BACKUP | deploy VERSION | rollback VERSION
#               | restore BACKUP | status
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../shellkit/machine.sh"
FRONT=$STATE/front.sock # nginx sends all requests there: a link to the socket of the version in service
MARGIN=4000000          # bytes left over after whatever an operation writes

# -- one at a time ---------------------------------------------------------------------------------------------------
# The lock is the kernel's and goes with its holder. A holder renews a lease beside it; one that stands still is killed
# before it is followed, so that it can do no more.
LEASE_S=4
WAIT_S=3

lock() {
    exec 9>>"$STATE/lock"
    flock -n 9 || await_lock
    echo "$$ $command" >"$STATE/holder"
    trap 'exit 130' INT TERM
    trap end EXIT
    while kill -0 $$ 2>/dev/null; do
        : >"$STATE/lease"
        sleep 0.5
    done 9>&- &
    renewing=$!
    clean_up_after_others
}

await_lock() {
    tenths=0 still=0 lease=
    until flock -n 9; do
        now=$(stat -c %y "$STATE/lease" 2>/dev/null || true)
        if [ "$now" = "$lease" ]; then still=$((still + 1)); else still=0 lease=$now; fi
        if [ $still -ge $((LEASE_S * 10)) ]; then
            end_holder
            still=0
        elif [ $tenths -ge $((WAIT_S * 10)) ] && [ $still -lt 15 ]; then
            die 75 "locked by $(cat "$STATE/holder")"
        elif [ $tenths -ge $((WAIT_S * 40)) ]; then
            die 75 "locked by $(cat "$STATE/holder"), which cannot be ended"
        fi
        tenths=$((tenths + 1))
        sleep 0.1
    done
}

end_holder() { # the whole process group of the one that stands still; services are in sessions of their own
    read -r holder what <"$STATE/holder"
    grep -aqs kit.sh "/proc/$holder/cmdline" || return 0
    group=$(ps -o pgid= -p "$holder" | tr -d ' ')
    echo "kit: $what ($holder) has stood still for $LEASE_S s and is ended"
    kill -KILL -- "-$group" || true
}

undo=: # what takes back a step that has not led to its end
end() {
    code=$?
    set +e
    trap - EXIT
    trap '' INT TERM
    kill "$renewing" 2>/dev/null || true
    [ $code -eq 0 ] || echo "kit: $command failed; taking back what it began" >&2
    $undo
    rm -rf "$BACKUPS"/.new "$BACKUPS"/.trial.$$
    exit $code
}

clean_up_after_others() { # whatever was under way when the last holder died
    rm -rf "$BACKUPS"/.new "$BACKUPS"/.trial.* "$STATE"/front.new
    for file in "$RUN"/app-*.pid; do
        name=${file##*/}
        [ "$name" = "app-*.pid" ] || [ "$name" = "$(current).pid" ] || end_app "${name%.pid}"
    done
}

# -- space -----------------------------------------------------------------------------------------------------------
require_space() { # DIRECTORY, BYTES, for what
    df -Pk "$1" | {
        read -r _
        read -r _ _ _ free _
        [ $((free * 1024)) -ge $(($2 + MARGIN)) ] ||
            die 75 "not enough space in $1 for $3: $((free * 1024)) bytes free, $(($2 + MARGIN)) needed"
    }
}

size() { wc -c <"$1"; }

# -- versions --------------------------------------------------------------------------------------------------------
# app-VERSION-NUMBER is one running instance: its socket, its log, its process.
current() { link=$(readlink "$FRONT") && echo "${link##*/}"; }

version_of() {
    version=${1#app-}
    echo "${version%-*}"
}

launch() { # NAME
    rm -f "$RUN/$1"
    launch_app "$1" "$(version_of "$1")" "$RUN/$1"
}

answers() { curl -fsS --max-time 2 --unix-socket "$RUN/$1" "http://app$2"; } # NAME, PATH

serves() { # VERSION: through nginx
    case $(curl -fsS --max-time 2 "http://127.0.0.1:$PORT/version") in *"\"$1\""*) ;; *) return 1 ;; esac
}

point_front_at() { # NAME: nginx connects by this name for each request, so none is lost and no worker is replaced
    rm -f "$STATE/front.new"
    ln -s "$RUN/$1" "$STATE/front.new"
    mv -fT "$STATE/front.new" "$FRONT"
    sync "$STATE"
}

retire() { # NAME: nobody is sent to it any more; it finishes what it has
    sleep 0.2
    end_app "$1"
    rm -f "$RUN/$1"
}

back_to() { # OLD NEW
    [ "$(current)" = "$1" ] || point_front_at "$1"
    app_is_gone "$2" || retire "$2"
}

bring_in() { # VERSION: beside the old one, tried, then the traffic, and only then the old one goes
    old=$(current)
    number=${old##*-}
    new=app-$1-$((number + 1))
    undo="back_to $old $new"
    launch "$new"
    wait_for 150 answers "$new" /ready || die 1 "version $1 did not get ready"
    answers "$new" "/notes?from=1" >/dev/null || die 1 "version $1 cannot read the notes"
    point_front_at "$new"
    wait_for 50 serves "$1" || die 1 "version $1 does not answer through nginx"
    undo=:
    retire "$old"
    echo "kit: version $1 is in service"
}

expand() { # DATABASE: the schema version 2 needs, if it is not there yet
    [ "$(schema "$1")" -lt 2 ] || return 0
    require_space "${1%/*}" $(($(size "$1") / 4)) "the migration"
    expand_schema "$1"
}

# -- backups ---------------------------------------------------------------------------------------------------------
facts() { # DATABASE: what a backup has to give back
    echo "sha256 $(sha256sum <"$1" | cut -d ' ' -f 1)"
    printf '%s\n' '.mode list' '.separator " "' "SELECT 'notes', count(*), max(id), sum(length(payload)) FROM notes;" \
        "PRAGMA integrity_check;" | sqlite3 -bail "$1"
}

unseal() { # BACKUP: into $trial, compared with what was noted when it was taken
    trial=$BACKUPS/.trial.$$
    require_space "$BACKUPS" "$(size "$1/database.db.gpg")" "the trial restore"
    rm -rf "$trial"
    mkdir "$trial"
    gpg --decrypt --output "$trial/database.db" "$1/database.db.gpg"
    facts "$trial/database.db" >"$trial/facts"
    cmp "$trial/facts" "$1/facts" || die 1 "${1##*/} does not hold what was backed up"
}

backups() { ls "$BACKUPS" | grep -E '^[0-9]{6}$' || true; }

backup() {
    new=$BACKUPS/.new
    require_space "$BACKUPS" $(($(size "$DATABASE") * 2)) "a backup"
    mkdir "$new"
    # One read transaction: a moment of the database, its log included; writers go on.
    sqlite3 -bail "$DATABASE" ".timeout 5000" "VACUUM INTO '$new/database.db'"
    facts "$new/database.db" >"$new/facts"
    gpg --cipher-algo AES256 --compress-algo none --symmetric --output "$new/database.db.gpg" "$new/database.db"
    rm "$new/database.db"
    unseal "$new"
    rm -r "$trial"
    last=$(backups | tail -n 1)
    number=$(printf '%06d' "$(expr "${last:-0}" + 1)")
    sync "$new/database.db.gpg" "$new/facts" "$new"
    mv -T "$new" "$BACKUPS/$number"
    sync "$BACKUPS"
    echo "kit: backup $number, $(sed -n 2p "$BACKUPS/$number/facts")"
}

restore() { # BACKUP: through SQLite, into the database in use: there at once or not at all
    unseal "$1"
    # A backup may be older than the version in service.
    [ "$(version_of "$(current)")" -lt 2 ] || expand "$trial/database.db"
    require_space "$DATA" "$(size "$trial/database.db")" "the restore"
    sqlite3 -bail "$DATABASE" ".timeout 10000" ".restore '$trial/database.db'"
    wait_for 50 serves "$(version_of "$(current)")" || die 1 "the service does not answer"
    echo "kit: restored ${1##*/}"
}

# ----------------------------------------------------------------------------------------------------------------------
mkdir -p "$RUN" "$LOGS" "$STATE"
need_programs
command=$1
case $command in
seed)
    seed_data "$2" wal
    make_key
    sync "$STATE"/* "$GNUPGHOME"/* "$GNUPGHOME" "$STATE" "$DIR" "$DATA" "$BACKUPS"
    ;;
start)
    lock
    name=$(current) || name=app-$2-1
    undo="end_app $name"
    launch "$name"
    wait_for 150 answers "$name" /ready || die 1 "version $(version_of "$name") did not get ready"
    [ -L "$FRONT" ] || point_front_at "$name"
    start_nginx "unix:$FRONT"
    undo=:
    ;;
stop)
    lock
    stop_nginx
    end_app "$(current)"
    ;;
backup)
    lock
    backup
    ;;
validate)
    trap 'rm -rf "$BACKUPS/.trial.$$"' EXIT
    unseal "$2"
    echo "kit: ${2##*/} can be restored, $(sed -n 2p "$2/facts")"
    ;;
deploy)
    lock
    serves "$(version_of "$(current)")" || die 1 "the version in service does not answer; nothing was changed"
    [ "$2" -lt 2 ] || expand "$DATABASE"
    bring_in "$2"
    ;;
rollback) # the schema stays: the old version runs on it, and every write since is kept
    lock
    bring_in "$2"
    ;;
restore)
    lock
    restore "$2"
    ;;
status)
    list= latest=null
    for number in $(backups); do
        path=$BACKUPS/$number
        latest="\"$path\""
        list="$list${list:+, }{\"name\": \"$number\", \"path\": $latest, \"size\": $(size "$path/database.db.gpg"), \"eligible\": true}"
    done
    holder=null
    flock -n "$STATE/lock" true || holder="\"$(cat "$STATE/holder")\""
    echo "{\"version\": \"$(version_of "$(current)")\", \"schema\": \"$(schema "$DATABASE")\", \"lock\": $holder," \
        "\"latest\": $latest, \"backups\": [$list]}"
    ;;
*)
    die 64 "what is $command?"
    ;;
esac
