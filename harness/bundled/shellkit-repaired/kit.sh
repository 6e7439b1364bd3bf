#!/bin/sh
# The repaired twin of ../shellkit: the same machine, each step of the procedure done so that it holds. README.md says how.
# Usage: kit.sh start VERSION | stop | seed BYTES | backup | validate BACKUP | deploy VERSION | rollback VERSION
#               | restore BACKUP | status
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
. "$SHELLKIT_MACHINE/machine.sh"
. "$HERE/lock.sh"
. "$HERE/space.sh"
. "$HERE/versions.sh"

clean_up() { # what an operation leaves half-made: our own, or one that was killed
    rm -rf "$BACKUPS"/.new "$BACKUPS"/.trial "$STATE"/front.new
    retire_all_but_current
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
    trial=$BACKUPS/.trial
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
    seed_data "$2"
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
    lock
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
        list="$list${list:+, }{\"name\": \"$number\", \"path\": $latest, \"size\": $(size "$path/database.db.gpg"), \"kind\": \"full\", \"eligible\": true}"
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
