# Sourced by both kits: where things are, the programs, nginx, the first data.
PATH=$PATH:/usr/sbin:/sbin:$HERE/../../../.tools # Debian's place for nginx; the one `make setup` puts it
DIR=$SHELLKIT_DIR PORT=$SHELLKIT_PORT
DATA=$DIR/data BACKUPS=$DIR/backup LOGS=$DIR/logs RUN=$DIR/run STATE=$DIR/state
DATABASE=$DATA/database.db
SERVICE=$HERE/../shellkit/service.py
export GNUPGHOME="$STATE/gnupg"
umask 077

die() { # EXIT, what went wrong
    code=$1
    shift
    echo "kit: $*" >&2
    exit "$code"
}

need_programs() { # a machine without them cannot run this system at all
    for program in nginx sqlite3 gpg curl flock; do
        command -v "$program" >/dev/null || die 69 "there is no $program; try: make setup, or install Debian's package"
    done
}

wait_for() { # TENTHS of a second, command: until it succeeds
    tenths=$1
    shift
    until "$@" >/dev/null 2>&1; do
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || return 1
        sleep 0.1
    done
}

# -- the application -----------------------------------------------------------------------------------------------
launch_app() { # NAME, VERSION, LISTEN: in a session of its own, without the lock (descriptor 9)
    setsid "$SHELLKIT_PYTHON" "$SERVICE" "$2" "$DATABASE" "$3" 9>&- </dev/null >>"$LOGS/$1.log" 2>&1 &
    echo $! >"$RUN/$1.pid"
}

app_runs() { # NAME: its process is there, and no other has got its number
    [ -s "$RUN/$1.pid" ] && grep -aqs service.py "/proc/$(cat "$RUN/$1.pid")/cmdline"
}

app_is_gone() { ! app_runs "$1"; }

end_app() { # NAME: it answers what it has accepted, and ends
    if app_runs "$1"; then
        kill "$(cat "$RUN/$1.pid")"
        wait_for 80 app_is_gone "$1" || kill -KILL "$(cat "$RUN/$1.pid")"
    fi
    rm -f "$RUN/$1.pid"
}

# -- nginx ---------------------------------------------------------------------------------------------------------
start_nginx() { # UPSTREAM: where all requests go
    mkdir -p "$RUN/nginx"
    cat >"$RUN/nginx.conf" <<END
$([ "$(id -u)" -ne 0 ] || echo "user root root;")
worker_processes 1;
pid $RUN/nginx.pid;
error_log $LOGS/nginx.log;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
    access_log $LOGS/access.log;
    client_body_temp_path $RUN/nginx/body;
    proxy_temp_path $RUN/nginx/proxy;
    fastcgi_temp_path $RUN/nginx/fastcgi;
    uwsgi_temp_path $RUN/nginx/uwsgi;
    scgi_temp_path $RUN/nginx/scgi;
    server {
        listen 127.0.0.1:$PORT;
        location / { proxy_pass http://$1; }
    }
}
END
    rm -f "$RUN/nginx.pid"
    nginx -c "$RUN/nginx.conf" -e "$LOGS/nginx.log" 9>&-
}

reload_nginx() { nginx -c "$RUN/nginx.conf" -e "$LOGS/nginx.log" -s reload; }

stop_nginx() { nginx -c "$RUN/nginx.conf" -e "$LOGS/nginx.log" -s stop; }

# -- data ----------------------------------------------------------------------------------------------------------
seed_data() { # BYTES; in WAL mode, as the procedure leaves a database after the first deployment
    mkdir -p "$DATA" "$BACKUPS" "$STATE"
    sqlite3 "$DATABASE" <<END
PRAGMA journal_mode = wal;
CREATE TABLE notes (id INTEGER PRIMARY KEY, token TEXT UNIQUE, payload TEXT NOT NULL);
INSERT INTO notes (payload)
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < $1 / 1100)
    SELECT hex(randomblob(500)) FROM number;
CREATE TABLE seeded AS SELECT count(*) AS notes FROM notes;
END
}

make_key() { # a passphrase in a file, and gpg told to use it instead of asking a person
    mkdir -p "$GNUPGHOME"
    head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$STATE/passphrase"
    printf '%s\n' batch no-tty no-symkey-cache 's2k-count 65536' 'pinentry-mode loopback' \
        "passphrase-file $STATE/passphrase" >"$GNUPGHOME/gpg.conf"
}

schema() { echo "PRAGMA user_version;" | sqlite3 "$1"; } # DATABASE

# Version 1 runs on it as well.
expand_schema() { # DATABASE: to what version 2 needs; all of it or nothing
    sqlite3 -bail "$1" <<'END'
.timeout 5000
BEGIN IMMEDIATE;
ALTER TABLE notes ADD COLUMN kind TEXT NOT NULL DEFAULT 'note';
CREATE INDEX notes_kind ON notes (kind);
PRAGMA user_version = 2;
COMMIT;
END
}
