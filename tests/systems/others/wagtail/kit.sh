#!/bin/sh
# A Wagtail site on PostgreSQL, backed up by pgBackRest. Usage: kit.sh start RELEASE | stop | version | seed BYTES
#   | backup | list | latest | validate ID | deploy RELEASE | rollback | restore ID
set -eu
: "${DIR:?}" "${PORT:?}" "${BUILT:?where build.sh put both releases}" "${OLD:?}"
DATA=$DIR/data/cluster
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
export DJANGO_SETTINGS_MODULE=shop.settings.drill DJANGO_SUPERUSER_PASSWORD=of-the-drill
OWNER=$(id -un)
[ "$OWNER" != root ] || OWNER=nobody # PostgreSQL refuses to run as root
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid="$OWNER" --regid="$(id -g "$OWNER")" --clear-groups "$@" 9>&-; fi
}
backrest() { as_owner pgbackrest --config="$DIR/pgbackrest.conf" --stanza=site "$@"; }
manage() { release=$1 && shift && "$BUILT/$release/bin/python" "$BUILT/$release/site/manage.py" "$@" >&2; }
sql() { psql -XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -U site -d site "$@"; }
until_it() { # for 30 s
    for _ in $(seq 300); do "$@" && return || sleep 0.1; done
    echo "not after 30 s: $*" >&2 && exit 1
}
version() { tr '\0' ' ' <"/proc/$(cat "$DIR/web.pid")/cmdline" | sed -n 's|.*/built/\([0-9.]*\)/.*|\1|p'; }
answers() { curl -fs -o /dev/null "http://127.0.0.1:$PORT/admin/login/"; }
recovered() { [ "$(sql -c 'SELECT pg_is_in_recovery()')" = f ]; }
start_postgres() {
    as_owner pg_ctl start -w -s -D "$DATA" -l "$DIR/log/postgres.log" -o "-h 127.0.0.1" >&2
    until_it recovered
}
stop_postgres() { [ ! -e "$DATA/postmaster.pid" ] || as_owner pg_ctl stop -w -s -m fast -D "$DATA" >&2; }
start_web() {
    "$BUILT/$1/bin/gunicorn" -w 3 --threads 4 -b "127.0.0.1:$PORT" --chdir "$BUILT/$1/site" --daemon --pid "$DIR/web.pid" \
        --error-logfile "$DIR/log/web.log" shop.wsgi 9>&-
    until_it answers
}
stop_web() {
    pid=$(cat "$DIR/web.pid" 2>/dev/null) && kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.05; done
}
alone() { exec 9>"$DIR/lock" && flock -n 9 || { echo "another operation has the lock" >&2 && exit 75; }; }

case $1 in
start) start_postgres && start_web "$2" ;;
stop) stop_web && stop_postgres ;;
version) version ;;
seed)
    mkdir -p "$DIR/log"
    printf '[global]\nrepo1-path=%s\nlog-path=%s\nlock-path=%s\nspool-path=%s\nstart-fast=y\nrepo1-retention-full=7\n[site]\npg1-path=%s\npg1-user=site\npg1-database=site\npg1-socket-path=%s\n' \
        "$DIR/backup" "$DIR/log" "$DIR/log" "$DIR/log" "$DATA" "$DIR/log" >"$DIR/pgbackrest.conf"
    chown "$OWNER" "$DIR/data" "$DIR/backup" "$DIR/log"
    cd "$DIR/data"
    as_owner initdb -A trust -U site -D "$DATA" >&2
    printf "archive_mode = on\narchive_command = 'pgbackrest --config=%s --stanza=site archive-push %%p'\nunix_socket_directories = '%s'\n" \
        "$DIR/pgbackrest.conf" "$DIR/log" >>"$DATA/postgresql.conf"
    as_owner pg_ctl start -w -s -D "$DATA" -l "$DIR/log/postgres.log" -o "-h 127.0.0.1" >&2
    psql -Xq -h 127.0.0.1 -U site -d postgres -c 'CREATE DATABASE site' >&2
    backrest --log-level-console=warn stanza-create >&2
    manage "$OLD" migrate --noinput
    manage "$OLD" createsuperuser --noinput --username admin --email admin@shop.test
    sql -c "INSERT INTO wagtailredirects_redirect (old_path, is_permanent, redirect_link, automatically_created, created_at, redirect_page_route_path)
        SELECT '/seed-' || n, true, 'https://shop.test/' || repeat('x', 200), false, now(), '' FROM generate_series(1, $2 / 1024) n" >&2
    stop_postgres
    ;;
backup)
    alone
    backrest --log-level-console=warn --type=incr backup >&2
    ;;
list) backrest info ;;
latest) backrest info | sed -n 's/.* backup: //p' | tail -n 1 ;;
validate) backrest --set="$2" --output=text verify ;;
deploy)
    alone
    manage "$2" migrate --noinput
    stop_web
    start_web "$2"
    ;;
rollback)
    alone
    stop_web
    start_web "$OLD"
    ;;
restore) # and replay what was archived since, to its end
    alone
    release=$(version)
    stop_web
    stop_postgres
    backrest --log-level-console=warn --delta --set="$2" restore >&2
    start_postgres
    start_web "$release"
    ;;
*) echo "no such operation: $1" >&2 && exit 64 ;;
esac
