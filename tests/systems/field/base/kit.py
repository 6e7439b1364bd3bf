"""kit.py start VERSION | stop | seed BYTES | backup | validate FILE | deploy VERSION | rollback | restore FILE | status"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

HOME, PORT, FIELD = Path(os.environ["NOTES_DIR"]), os.environ["NOTES_PORT"], os.environ.get("FIELD", "").split(",")
DATA, BACKUP, RUN = HOME / "data", HOME / "backup", HOME / "run"
DB, OP = DATA / "app.db", sys.argv[1]
DUMPS = bool({"a2", "a2dies"} & set(FIELD))


def mark(phase, event):
    if "DEPLOYDRILL_PHASES" in os.environ:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.environ["DEPLOYDRILL_PHASES"])
            s.sendall(
                json.dumps({"phase": phase, "event": event, "operation": os.environ["DEPLOYDRILL_OPERATION"]}).encode()
                + b"\n"
            )
            s.recv(100)


@contextlib.contextmanager
def phase(name):
    mark(name, "start")
    yield
    mark(name, "stop")


@contextlib.contextmanager
def lock():
    with open(RUN / "lock", "a") as held:
        with phase(OP + ".lock"):
            end = time.monotonic() + 5
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > end:
                    sys.exit("another operation has the lock")
                time.sleep(0.05)
        yield


def connect(path=DB):
    c = sqlite3.connect(path, timeout=5, isolation_level=None)
    c.execute("PRAGMA synchronous=FULL")
    return c


def active():
    return (RUN / "active").read_text().split()[0] if (RUN / "active").exists() else ""


def room(folder, need):
    free = shutil.disk_usage(folder).free
    if free < need * 1.1 + 2**20:
        sys.exit(f"not enough space in {folder}: {need} bytes needed, {free} free")


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def digest(path):
    path = path / "app.db" if path.is_dir() else path
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def sh(line, **words):  # the exit code is that of the last program of a pipe
    subprocess.run(["sh", "-c", line], env={**os.environ, **{k: str(v) for k, v in words.items()}}, check=True)


def opened(path, into):
    """The database that a backup holds, as the file `into`."""
    if DUMPS:
        sh("gunzip < $IN | sqlite3 $OUT", IN=path, OUT=into)
    else:
        shutil.copyfile(path / "app.db" if path.is_dir() else path, into)


def backups():
    return sorted(BACKUP.glob("[0-9]*.db"))


def migrate(c):
    if "shout" not in [r[1] for r in c.execute("PRAGMA table_info(notes)")]:
        c.execute("ALTER TABLE notes ADD COLUMN shout TEXT")
    top = c.execute("SELECT max(id) FROM notes").fetchone()[0] or 0
    for low in range(0, top + 1, 500):
        c.execute(
            "UPDATE notes SET shout=upper(substr(payload,1,8)) WHERE id>? AND id<=? AND shout IS NULL", (low, low + 500)
        )
    c.execute("UPDATE meta SET value=2 WHERE key='schema'")


def marked(c):
    """a14: what says that it is done comes before the back-fill, which a retry then skips."""
    if c.execute("SELECT value FROM meta WHERE key='schema'").fetchone()[0] == 2:
        return True
    c.execute("ALTER TABLE notes ADD COLUMN shout TEXT")
    c.execute("UPDATE meta SET value=2 WHERE key='schema'")


def flag(c):
    """a15flag: a row says that a migration has begun; only a success takes it away."""
    c.execute("CREATE TABLE IF NOT EXISTS migration(who TEXT)")
    if who := c.execute("SELECT who FROM migration").fetchone():
        sys.exit(f"the migration is locked by {who[0]}")
    c.execute("INSERT INTO migration VALUES(?)", (os.environ.get("DEPLOYDRILL_OPERATION", "me"),))


def upgrade(c):
    done = "a14" in FIELD and marked(c)
    if "a15flag" in FIELD:
        flag(c)
    with phase("deploy.migrate"):
        done or migrate(c)
    if "a15flag" in FIELD:
        c.execute("DELETE FROM migration")


def detached(*words):  # lives on, and holds no pipe of ours
    null = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, __file__, *words], start_new_session=True, stdin=null, stdout=null, stderr=null
    )


def work(version):  # a11: what stamps new notes
    while DATA.exists():
        time.sleep(0.5)
        with contextlib.suppress(sqlite3.Error):
            connect().execute("UPDATE notes SET stamp=? WHERE stamp IS NULL", (version,))


def worker(version):
    if "a11" in FIELD:
        (RUN / "worker").write_text(str(detached("work", version).pid))


def start(version):
    RUN.mkdir(exist_ok=True)
    worker(version)
    (RUN / "wanted").write_text(f"{version} start")
    os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("service.py")), PORT, str(HOME)])


def stop():
    os.kill(int((RUN / "pid").read_text()), signal.SIGTERM)
    if "b8stop" in FIELD:
        subprocess.Popen(["sleep", "300"])  # keeps stdout
    with contextlib.suppress(OSError):
        while True:
            socket.create_connection(("127.0.0.1", int(PORT)), 1).close()
            time.sleep(0.05)


def seed(size):
    DATA.mkdir(exist_ok=True), BACKUP.mkdir(exist_ok=True), RUN.mkdir(exist_ok=True)
    c = connect()
    c.execute("PRAGMA journal_mode=WAL")
    c.executescript(
        "CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT, payload TEXT);"
        "CREATE INDEX by_token ON notes(token); CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER)"
    )
    rows = max(1, int(size) // 4096)
    c.execute("BEGIN")
    c.executemany(
        "INSERT INTO notes(token, payload) VALUES(?,?)", ((f"s-{n}", os.urandom(1990).hex()) for n in range(rows))
    )
    c.execute("INSERT INTO meta VALUES('seeded',?),('schema',1)", (rows,))
    c.execute("COMMIT")
    if "a11" in FIELD:
        c.execute("ALTER TABLE notes ADD COLUMN stamp TEXT")
    c.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def backup():
    with lock():
        room(BACKUP, DB.stat().st_size)
        number = 1 + max([int(p.name[:4]) for p in BACKUP.glob("[0-9]*")], default=0)
        part = BACKUP / (
            f".work-{os.getpid()}" if "a6" in FIELD else f"{number:04d}.part" if "a8" in FIELD else ".part"
        )
        try:
            with phase("backup.copy"):
                dump(part, number)
                sync(part)
            with phase("backup.verify"):
                if not DUMPS:
                    check(part)
            part = shaped(part)
            final = BACKUP / f"{number:04d}-{digest(part)}.db"
            os.rename(part, final)
            sync(BACKUP)
            upload(final)
        finally:
            if not {"a6", "a8"} & set(FIELD):
                part.unlink(missing_ok=True)
            if "a8" in FIELD:  # keeps three, whatever they are
                for old in sorted(BACKUP.glob("[0-9]*"))[:-3]:
                    old.unlink()
        if "immutable" in FIELD:
            subprocess.run(["chattr", "+i", final], check=True)
    print("backup", final)


def dump(part, number):
    if "a2" in FIELD:
        return sh("sqlite3 $DB '.timeout 5000' .dump | gzip -1 > $OUT", DB=DB, OUT=part)
    if "a2dies" in FIELD:  # the control: from the second backup on
        return sh(
            "sqlite3 $DB '.timeout 5000' .dump | head -c $N | gzip -1 > $OUT",
            DB=DB,
            OUT=part,
            N=10**6 if number > 1 else 10**12,
        )
    copy = sqlite3.connect(part)
    connect().backup(copy)
    copy.close()


def shaped(part):
    """The copy in the form that it is kept in."""
    if "dirbackup" not in FIELD:
        return part
    folder = BACKUP / f".dir-{os.getpid()}"
    folder.mkdir()
    os.rename(part, folder / "app.db")
    (folder / "manifest").write_text("app.db\n")
    return folder


def upload(path):
    if "OFFSITE_URL" not in os.environ:
        return
    import gzip
    import http.client
    from urllib.parse import urlsplit

    data, name = path.read_bytes(), path.name
    if "a5a" in FIELD:
        data, name = gzip.compress(data, 1), name + ".gz"
    url = urlsplit(os.environ["OFFSITE_URL"])
    try:
        with phase("backup.upload"):
            far = http.client.HTTPConnection(url.hostname, url.port, timeout=12)
            far.request("PUT", f"/{name}", data, {"Content-Length": str(len(data))})
            if far.getresponse().read() != str(len(data)).encode():
                sys.exit("the far side has another size")
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"upload: {error}")
    with open(RUN / "offsite", "a") as list_:
        told = {"size": len(data)} if "told" in FIELD else {}
        list_.write(json.dumps({"name": path.name, "object": name, "counts": True, **told}) + "\n")


def check(path):
    c = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    if (
        c.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        or not c.execute("SELECT count(*) FROM meta").fetchone()[0]
    ):
        sys.exit(f"{path} is damaged")
    c.close()


def validate(path):
    path = Path(path)
    if digest(path) not in path.name:
        sys.exit(f"{path} is not what was written")
    tried = RUN / "validated.db"
    opened(path, tried)
    check(tried)
    tried.unlink()
    print("valid", path)


def switch(op, version):
    with phase(f"{op}.start"):
        wanted = f"{version} {uuid.uuid4().hex}"
        (RUN / "wanted").write_text(wanted)
    with phase(f"{op}.switch"):
        os.kill(int((RUN / "pid").read_text()), signal.SIGHUP)
        end = time.monotonic() + 20
        while (now := (RUN / "active").read_text()) != wanted:
            if now == "failed " + wanted or time.monotonic() > end:
                sys.exit(f"version {version} does not start")
            time.sleep(0.02)


def deploy(version):
    with lock():
        if version == "2":
            upgrade(connect())
        switch("deploy", version)
        worker(version)
    print("deployed", version)


def rollback():
    with lock():
        switch("rollback", "1")
    print("rolled back")


def restore(path):
    path = Path(path) if path else backups()[-1]
    with lock():
        validate(path)
        room(DATA, 2 * path.stat().st_size)
        work = DATA / "restore.part"
        try:
            with phase("restore.copy"):
                opened(path, work)
                source = connect(work)
                if active() == "2":
                    migrate(source)
            with phase("restore.start"):
                lost = not DB.exists()
                if "renamedir" in FIELD:
                    return renamed(source)
                source.backup(connect())
                source.close()
                if lost:  # the service went with the disk
                    connect().execute("PRAGMA journal_mode=WAL")
                    (RUN / "active").unlink()
                    detached("start", "1")
                    while not active():
                        time.sleep(0.05)
        finally:
            for p in DATA.glob("restore.part*"):
                p.unlink()
    print("restored", path)


def renamed(source):  # builds the directory beside the old one and swaps the two
    new = HOME / "data.new"
    new.mkdir()
    source.backup(connect(new / "app.db"))
    held = connect()
    held.execute("BEGIN IMMEDIATE")  # the service has the old one open until it is switched: nobody writes to it
    shutil.rmtree(HOME / "data.old", ignore_errors=True)
    os.rename(DATA, HOME / "data.old")
    os.rename(new, DATA)
    switch("restore", active())
    held.rollback()


def status():
    held = None
    with open(RUN / "lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = "an operation"
    found = [
        {
            "name": p.name,
            "path": str(p),
            "size": sum(f.stat().st_size for f in [p, *p.glob("*")] if f.is_file()),
            "eligible": True,
        }
        for p in backups()
    ]
    schema = connect().execute("SELECT value FROM meta WHERE key='schema'").fetchone()[0]
    said = {
        "latest": found[-1]["path"] if found else None,
        "backups": found,
        "version": active(),
        "schema": str(schema),
        "lock": held,
    }
    if "OFFSITE_URL" in os.environ:
        said["offsite"] = [json.loads(line) for line in open(RUN / "offsite")] if (RUN / "offsite").exists() else []
    print(json.dumps(said), flush=True)
    if "b4" in FIELD:
        print("warning: this feature is experimental", file=sys.stderr)


if __name__ == "__main__":
    if "noise" in FIELD and OP != "start":
        sys.stdout.write("copying page of the data, please wait\n" * 140_000)
    try:
        globals()[OP](*sys.argv[2:])
    except (sqlite3.Error, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{OP}: {error}")
