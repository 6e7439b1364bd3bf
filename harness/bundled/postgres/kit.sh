#!/bin/sh
# A kit for the notes service over PostgreSQL: base backups, two versions beside each other, a restore by replacing the
# cluster. nginx, the lock and the switch are those of ../shellkit-repaired.
# Usage: kit.sh start VERSION | stop | seed BYTES | backup | validate BACKUP | deploy VERSION | rollback VERSION
#               | restore BACKUP | status
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../shellkit/machine.sh"
. "$HERE/../shellkit-repaired/lock.sh"
. "$HERE/../shellkit-repaired/space.sh"
. "$HERE/../shellkit-repaired/versions.sh"
SERVICE=$HERE/service.py
SOCKETS=$DIR/socket
DATABASE=$SOCKETS/.s.PGSQL.5432 # where the service finds PostgreSQL
CLUSTER=$DATA/current           # a link to the cluster in use: that it moves is the restore

# -- PostgreSQL ------------------------------------------------------------------------------------------------------
find_postgres() {
    for bin in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin; do
        [ ! -x "$bin/pg_verifybackup" ] || PATH=$bin:$PATH
    done
    command -v pg_verifybackup >/dev/null || die 69 "there is no PostgreSQL server; try: install Debian's package postgresql"
}

as_owner() { # PostgreSQL refuses to run as root
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid="$OWNER" --regid="$(id -g "$OWNER")" --clear-groups "$@" 9>&-
    fi
}

sql() { as_owner psql -XqAt -v ON_ERROR_STOP=1 -h "$SOCKETS" -U notes "$@"; }

up() { as_owner pg_isready -q -h "$SOCKETS" -U notes; }

start_postgres() {
    if [ -s "$CLUSTER/postmaster.pid" ]; then
        # Of before a power cut: the number may be anybody's by now.
        grep -aqs postgres "/proc/$(head -n 1 "$CLUSTER/postmaster.pid")/cmdline" || rm -f "$CLUSTER/postmaster.pid" "$DATABASE"*
    fi
    (cd "$DATA" && as_owner pg_ctl start -w -t 15 -s -D "$CLUSTER" -l "$DIR/pglog/postgres.log" -o "-c fsync=${POSTGRES_FSYNC:-on}")
}

stop_postgres() { as_owner pg_ctl stop -w -s -m "$1" -D "$CLUSTER"; } # MODE

check_machine() {
    need_programs
    find_postgres
    OWNER=$(id -un)
    if [ "$OWNER" = root ]; then
        OWNER=postgres
        id -u postgres >/dev/null 2>&1 || OWNER=nobody
        setpriv --reuid="$OWNER" --regid="$(id -g "$OWNER")" --clear-groups true 2>/dev/null ||
            die 69 "PostgreSQL refuses to run as root, and there is no other user here; try: run as root of the host, or as a user"
    fi
    mkdir -p "$SOCKETS" "$DIR/pglog"
    chmod 711 "$DIR"
    chown "$OWNER" "$SOCKETS" "$DIR/pglog" "$DATA" "$BACKUPS"
}

schema() { sql -c "SELECT version FROM schema"; }

expand() { # the schema version 2 needs; version 1 runs on it as well
    [ "$(schema)" -lt 2 ] || return 0
    require_space "$DATA" 16000000 "the migration"
    sql <<'END'
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE notes ADD COLUMN kind text NOT NULL DEFAULT 'note';
UPDATE schema SET version = 2;
COMMIT;
END
}

clean_up() { # what an operation leaves half-made: our own, or one that was killed
    rm -rf "$BACKUPS/.new" "$STATE/front.new"
    used=$(readlink "$CLUSTER" || true)
    for cluster in "$DATA"/cluster-*; do
        [ "$cluster" = "$used" ] || rm -rf "$cluster"
    done
    retire_all_but_current
}

# -- backups ---------------------------------------------------------------------------------------------------------
bytes_in() { du -sb "$1" | cut -f 1; }

backups() { ls "$BACKUPS" | grep -E '^[0-9]{6}$' || true; }

check_backup() { as_owner pg_verifybackup -q "$1"; } # every file by its checksum, and that the log reads to its end

backup() {
    new=$BACKUPS/.new
    require_space "$BACKUPS" "$(bytes_in "$CLUSTER/")" "a backup"
    as_owner pg_basebackup -h "$SOCKETS" -U notes -D "$new" -c fast -X stream --manifest-checksums=SHA256
    check_backup "$new"
    last=$(backups | tail -n 1)
    number=$(printf '%06d' "$(expr "${last:-0}" + 1)")
    mv -T "$new" "$BACKUPS/$number"
    sync "$BACKUPS"
    echo "kit: backup $number"
}

restore() { # BACKUP: beside the cluster in use, which it replaces by one rename
    check_backup "$1"
    require_space "$DATA" "$(bytes_in "$1")" "the restore"
    old=$(readlink "$CLUSTER")
    new=$DATA/cluster-$(date +%s%N)
    cp -a "$1" "$new"
    find "$new" -exec sync {} +
    name=$(current)
    end_app "$name"
    stop_postgres immediate
    undo="serve_again $name"
    rm -f "$DATA/next"
    ln -s "$new" "$DATA/next"
    mv -fT "$DATA/next" "$CLUSTER"
    sync "$DATA"
    start_postgres
    [ "$(version_of "$name")" -lt 2 ] || expand
    serve_again "$name"
    undo=:
    rm -rf "$old"
    echo "kit: restored ${1##*/}"
}

serve_again() { # NAME
    up || start_postgres
    launch "$1"
    wait_for 150 answers "$1" /ready
}

# ----------------------------------------------------------------------------------------------------------------------
mkdir -p "$RUN" "$LOGS" "$STATE" "$DATA" "$BACKUPS"
check_machine
command=$1
case $command in
seed)
    first=$DATA/cluster-1
    as_owner initdb -D "$first" -U notes -A trust --locale=C --encoding=UTF8 --wal-segsize=1 >"$LOGS/initdb.log"
    cat >>"$first/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$SOCKETS'
shared_buffers = 16MB
min_wal_size = 2MB
max_wal_size = 32MB
wal_keep_size = 8MB
END
    ln -s "$first" "$CLUSTER"
    start_postgres
    sql -d postgres -c "CREATE DATABASE notes"
    sql <<END
CREATE TABLE notes (id bigserial PRIMARY KEY, token text UNIQUE, payload text NOT NULL);
INSERT INTO notes (payload)
    SELECT repeat(md5(n::text), 30) FROM generate_series(1, $2 / 1100) AS n;
CREATE TABLE seeded AS SELECT count(*) AS notes FROM notes;
CREATE TABLE schema (version int NOT NULL);
INSERT INTO schema VALUES (1);
END
    stop_postgres fast
    sync "$STATE" "$DATA" "$DIR"
    ;;
start)
    lock
    name=$(current) || name=app-$2-1
    undo="end_app $name"
    start_postgres
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
    stop_postgres fast
    ;;
backup)
    lock
    backup
    ;;
validate)
    lock
    check_backup "$2"
    echo "kit: ${2##*/} is whole"
    ;;
deploy)
    lock
    serves "$(version_of "$(current)")" || die 1 "the version in service does not answer; nothing was changed"
    [ "$2" -lt 2 ] || expand
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
        list="$list${list:+, }{\"name\": \"$number\", \"path\": $latest, \"size\": $(bytes_in "$path"), \"kind\": \"full\", \"eligible\": true}"
    done
    holder=null
    flock -n "$STATE/lock" true || holder="\"$(cat "$STATE/holder")\""
    echo "{\"version\": \"$(version_of "$(current)")\", \"schema\": \"$(schema)\", \"lock\": $holder," \
        "\"latest\": $latest, \"backups\": [$list]}"
    ;;
*)
    die 64 "what is $command?"
    ;;
esac
