#!/bin/sh
# The "corrected production deployment procedures" of the review, line by line, stopped at the first error as a person would.
# Usage: procedure.sh start VERSION | stop | seed BYTES | backup | validate BACKUP | deploy VERSION
#                     | rollback VERSION | restore BACKUP | status
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/machine.sh"

# What those lines call, for a machine without systemd. The application is whatever release is installed.
systemctl() {
    case "$*" in
    "reload nginx") reload_nginx ;;
    "stop application") end_app application ;;
    "start application") launch_app application "$(cat "$STATE/release")" 127.0.0.1:8081 ;;
    esac
}

copy_over_database() { # BACKUP: fs.copyFileSync(backupPath, dbPath) of the review's kit, line 459
    gpg --decrypt --output "$RUN/decrypted.db" --yes "$1"
    cp "$RUN/decrypted.db" database.db
}

mkdir -p "$RUN" "$LOGS" "$STATE"
need_programs
command=$1
case $command in seed) ;; *) cd "$DATA" ;; esac

case $command in
seed)
    seed_data "$2"
    make_key
    ;;
start)
    [ -s "$STATE/release" ] || echo "$2" >"$STATE/release"
    systemctl start application
    start_nginx 127.0.0.1:8081
    ;;
stop)
    stop_nginx
    systemctl stop application
    ;;
backup)
    # Phase 1. 1. Validate system resources
    df -h
    free -m
    ulimit -n
    # 2. Create encrypted backup
    gpg --cipher-algo AES256 --compress-algo 1 \
        --symmetric --output "$BACKUPS/database-backup-$(date +%Y%m%d%H%M%S).db.gpg" \
        database.db
    # 3. Enable WAL mode for concurrent access
    sqlite3 database.db "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL;"
    ;;
validate)
    # 4. Validate backup integrity
    gpg --decrypt "$2" | sqlite3 :memory: "PRAGMA integrity_check;"
    ;;
deploy)
    # Phase 2. 2. Gradual service shutdown (drain connections)
    systemctl reload nginx
    sleep "$SHELLKIT_DRAIN_S"
    systemctl stop application
    # 3. Perform database migration
    echo "$2" >"$STATE/release"
    [ "$(schema database.db)" -ge "$2" ] || expand_schema database.db
    # 4. Gradual service restart
    systemctl start application
    sleep "$SHELLKIT_RESTART_S"
    curl -f http://localhost:8081/health || exit 1
    systemctl reload nginx
    ;;
rollback)
    copy_over_database "$(ls "$BACKUPS"/database-backup-*.db.gpg | tail -n 1)"
    systemctl stop application
    echo "$2" >"$STATE/release"
    systemctl start application
    sleep "$SHELLKIT_RESTART_S"
    curl -f http://localhost:8081/health || exit 1
    ;;
restore)
    copy_over_database "$2"
    systemctl stop application
    systemctl start application
    sleep "$SHELLKIT_RESTART_S"
    curl -f http://localhost:8081/health || exit 1
    ;;
status)
    latest=null backups=
    for file in "$BACKUPS"/database-backup-*.db.gpg; do
        [ -e "$file" ] || continue
        latest="\"$file\""
        backups="$backups${backups:+, }{\"name\": \"${file##*/}\", \"path\": $latest, \"size\": $(wc -c <"$file"), \"kind\": \"full\", \"eligible\": true}"
    done
    echo "{\"version\": \"$(cat "$STATE/release")\", \"schema\": \"$(schema database.db || echo unreadable)\"," \
        "\"lock\": null, \"latest\": $latest, \"backups\": [$backups]}"
    ;;
*)
    die 64 "what is $command?"
    ;;
esac
