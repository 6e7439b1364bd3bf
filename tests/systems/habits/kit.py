"""A kit that stops the service to change it.

kit.py start VERSION | stop | seed BYTES | backup | validate ID | deploy VERSION | rollback | restore [ID] | list |
latest | status | version

Backups have an id and lie in a store (a directory that nobody else looks into): a full one first, increments after it.
HABITS: ``queues`` (waits 10 s for the lock), ``replays`` (a restore replays what was written since), ``gap`` (2 s more
with the service down), ``full`` (no increments), ``precedes`` (a deployment makes a backup first), ``migrates`` (the
service does that, as it starts), ``linked`` (the data directory is a link, and a restore turns it over),
``supervised`` (the service stays in the foreground, below one that starts it anew), and those of service.py.
"""

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
from pathlib import Path

HOME, PORT = Path(os.environ["NOTES_HOME"]), os.environ["NOTES_PORT"]
HABITS = os.environ.get("HABITS", "").split(",")
DATA, STORE, RUN = HOME / "data/notes.db", HOME / "backup", HOME / "run"
BALLAST, DOWN = DATA.with_name("ballast"), RUN / "down"
DO = sys.argv[1]
WAIT_S = 10 if "queues" in HABITS else 0


held_s = 0.0  # by whoever is told of a phase, while the service was down


def mark(phase, event):
    global held_s
    if "DEPLOYDRILL_PHASES" not in os.environ:
        return
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["DEPLOYDRILL_PHASES"])
        told = {"phase": phase, "event": event, "operation": os.environ["DEPLOYDRILL_OPERATION"]}
        connection.sendall(json.dumps(told).encode() + b"\n")
        connection.recv(100)
    held_s += time.monotonic() - began


@contextlib.contextmanager
def phase(name):
    mark(name, "start")
    yield
    mark(name, "stop")


@contextlib.contextmanager
def lock():
    with open(RUN / "lock", "a") as held:
        with phase(f"{DO}.lock"):
            end = time.monotonic() + WAIT_S
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > end:
                    sys.exit("another operation has the lock")
                time.sleep(0.05)
        yield


def database(path=DATA):
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def start(version):
    RUN.mkdir(exist_ok=True)
    (RUN / "version").write_text(version)
    if "supervised" in HABITS:
        DOWN.unlink(missing_ok=True)
        if DO == "start":
            supervise()
            return
        service = None
    else:
        service = served()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            knock()
            return
        if service and service.poll() is not None:
            sys.exit("the service ends as it starts")
        time.sleep(0.02)
    sys.exit("the service does not start")


def served():
    with open(RUN / "service.log", "a") as log:
        words = [sys.executable, str(Path(__file__).with_name("service.py")), PORT, str(HOME), version()]
        return subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def knock():
    if "unix" in HABITS:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(RUN / "socket"))
    else:
        socket.create_connection(("::1" if "six" in HABITS else "127.0.0.1", int(PORT)), 1).close()


def supervise():
    """Until it is told to end: the service, and anew whenever it has ended and is not to be down."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended:
        if DOWN.exists():
            time.sleep(0.02)
            continue
        service = served()
        while service.poll() is None:
            time.sleep(0.02)
            if ended:
                service.terminate()
                service.wait()


def stop():
    if "supervised" in HABITS:
        DOWN.touch()
    pid = int((RUN / "pid").read_text())
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it is gone
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            os.kill(pid, 0)
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return
            time.sleep(0.02)


def seed(size):
    for place in (STORE, RUN):
        place.mkdir(exist_ok=True)
    if "linked" in HABITS:
        turn_over(anew())
    DATA.parent.mkdir(exist_ok=True)
    if "tls" in HABITS:
        certify()
    notes = database()
    notes.execute("PRAGMA journal_mode=WAL")
    notes.execute(
        "CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT UNIQUE, payload TEXT, made REAL)"
    )
    notes.execute("CREATE INDEX of_clients ON notes(id) WHERE made > 0")
    notes.execute("BEGIN")
    rows = max(1, int(size) // 4096)
    notes.executemany(
        "INSERT INTO notes(token, payload, made) VALUES(?,?,0)",
        ((f"seed-{n}", os.urandom(1980).hex()) for n in range(rows)),
    )
    notes.execute("COMMIT")
    notes.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    BALLAST.write_bytes(bytes(2**20))


def certify():
    """Who serves and who asks have one certificate, and it vouches for itself."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    made = ["-addext", "subjectAltName=DNS:localhost", "-keyout", RUN / "key.pem", "-out", RUN / "cert.pem"]
    subprocess.run([*words.split(), *made], check=True, capture_output=True)


def anew():
    """A data directory that none is as yet."""
    place = HOME / f"data-{time.time_ns()}"
    place.mkdir()
    return place


def turn_over(place):
    """Lets the data directory be that one, and takes the one before away."""
    before, link = DATA.parent, HOME / "link"
    old = before.resolve()
    link.symlink_to(place.name)
    if not before.is_symlink() and before.exists():
        before.rmdir()  # nothing is in it yet
    link.rename(before)
    synced(HOME)
    if old != before:
        shutil.rmtree(old)


def backups():
    return [json.loads(line) for line in open(STORE / "catalogue")] if (STORE / "catalogue").exists() else []


def backup():
    with lock():
        back_up()


def back_up():
    before = backups()
    anew = not before or "full" in HABITS or (RUN / "anew").exists()
    kind = "full" if anew else "incremental"
    work, top = STORE / ".part", before[-1]["top"] if kind == "incremental" else 0
    try:
        with phase("backup.copy"):
            work.unlink(missing_ok=True)
            copy = database(work)
            copy.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, token TEXT, payload TEXT, made REAL)")
            copy.execute("ATTACH ? AS live", (str(DATA),))
            copy.execute("INSERT INTO notes SELECT id, token, payload, made FROM live.notes WHERE id > ?", (top,))
            top = copy.execute("SELECT max(id) FROM notes").fetchone()[0] or top
            copy.close()
        data = work.read_bytes()
        id_ = hashlib.sha256(data).hexdigest()[:12]
        chain_ = [b["id"] for b in since_the_last_full(before)] if kind == "incremental" else []
        told = {"id": id_, "kind": kind, "needs": chain_}
        work.rename(STORE / id_)
        synced(STORE)  # before anything says that it is there
        (RUN / "anew").unlink(missing_ok=True)
        with open(STORE / "catalogue", "a") as list_:
            list_.write(json.dumps({**told, "size": len(data), "top": top}) + "\n")
            list_.flush()
            os.fsync(list_.fileno())
        synced(STORE)
    finally:
        work.unlink(missing_ok=True)
    print("backup", id_)


def synced(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def since_the_last_full(before):
    last = max(n for n, b in enumerate(before) if b["kind"] == "full")
    return before[last:]


def chain(id_):
    """The backups that it takes, the full one first."""
    meant = next((b for b in backups() if b["id"] == id_), None)
    if meant is None:
        sys.exit(f"there is no backup {id_}")
    for one in [*meant["needs"], id_]:
        if hashlib.sha256((STORE / one).read_bytes()).hexdigest()[:12] != one:
            sys.exit(f"{one} is damaged")
        yield STORE / one


def validate(id_):
    print("valid:", len(list(chain(id_))), "parts")


def migrate():
    if "migrates" in HABITS:
        return
    free = shutil.disk_usage(DATA.parent).free
    if free < 2**20:
        sys.exit(f"not enough space to migrate: {free} bytes are free")
    notes = database()
    if "shout" not in [row[1] for row in notes.execute("PRAGMA table_info(notes)")]:
        notes.execute("ALTER TABLE notes ADD COLUMN shout TEXT")


@contextlib.contextmanager
def stopped():
    """Within, the service is down; what fails there leaves it up in the version that it had."""
    global held_s
    before = version()
    stop()  # before anything is marked
    held_s = 0.0
    try:
        yield
        print(f"held for {held_s:.4f} s while the service was down")
    except BaseException:
        stop()
        BALLAST.unlink(missing_ok=True)  # the service needs room to start, and the disk may be full
        start(before)
        raise


def start_marked(wanted):
    if "gap" in HABITS:
        time.sleep(2)
    with phase(f"{DO}.start"):
        start(wanted)


def deploy(wanted):
    with lock(), stopped():
        if "precedes" in HABITS:
            back_up()
        with phase("deploy.migrate"):
            migrate()
        start_marked(wanted)
    print("deployed", wanted)


def rollback():
    with lock(), stopped():
        start_marked("1")
    print("rolled back")


def restore(id_=""):
    with lock():
        parts = list(chain(id_ or backups()[-1]["id"]))
        top = next(b["top"] for b in backups() if b["id"] == parts[-1].name)
        with stopped():
            with phase("restore.copy"):
                put_back(parts, top)
            start_marked(version())
    print("restored")


def put_back(parts, top):
    (RUN / "anew").touch()  # what is there then is no longer what the increments were made from
    if "linked" in HABITS:
        turn_over(another())
    notes = database()
    for part in parts:
        notes.execute(f"ATTACH ? AS part{parts.index(part)}", (str(part),))
    notes.execute("BEGIN IMMEDIATE")
    kept = notes.execute("SELECT token, payload, made FROM notes WHERE id > ?", (top,)).fetchall()
    notes.execute("DELETE FROM notes")
    for number in range(len(parts)):
        notes.execute(f"INSERT INTO notes(id, token, payload, made) SELECT * FROM part{number}.notes")
    if "replays" in HABITS:
        notes.executemany("INSERT INTO notes(token, payload, made) VALUES(?,?,?)", kept)
    notes.execute("COMMIT")
    notes.close()


def another():
    """A data directory with what there is."""
    place = anew()
    try:
        database().execute("VACUUM INTO ?", (str(place / DATA.name),))
        (place / BALLAST.name).write_bytes(bytes(2**20))
        synced(place / DATA.name)
        synced(place)
    except (sqlite3.Error, OSError):
        shutil.rmtree(place)
        raise
    return place


def list_():
    print("ID            KIND         BYTES")
    for b in backups():
        print(f"{b['id']}  {b['kind']:<11}  {b['size']}")


def latest():
    print(*[b["id"] for b in backups()][-1:])


def status():
    found = backups()
    told = [{"name": b["id"], "path": b["id"], **{k: b[k] for k in ("size", "kind", "needs")}} for b in found]
    said = {"latest": found[-1]["id"] if found else None, "backups": told}
    print(json.dumps(said | {"version": version(), "schema": "1", "lock": None}))


def version():
    return (RUN / "version").read_text()


if __name__ == "__main__":
    try:
        told = {"list": list_, "version": lambda: print(version())}.get(DO) or globals()[DO]
        told(*sys.argv[2:])
    except (sqlite3.Error, OSError) as error:
        sys.exit(f"{DO}: {error}")
