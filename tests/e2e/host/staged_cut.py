"""A power cut for real, ten times, against the one rebuilt from the log; run in namespaces of its own by
test_power_loss.py. Prints one JSON line a cut.

The workload is a process that commits rows to SQLite (FULL, in WAL mode), says each on a pipe once it is committed, and
between them copies the database aside without syncing. The cut: the disk's server stops answering in the middle of
that, the image is copied as it is, and everything is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from harness.crash.states import build, whole
from harness.disks import loop
from harness.disks.image import in_memory
from harness.disks.logged import LoggedDisk
from harness.island import mounts

WORK = Path("/mnt")
SIZE = 64 << 20
WORKLOAD = """
import os, shutil, sqlite3, sys
os.chdir(sys.argv[1])
db = sqlite3.connect("app.db", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL"); db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, filler BLOB)")
for number in range(1, 100000):
    db.execute("INSERT INTO entries VALUES (?, randomblob(3000))", (number,))
    os.write(1, b"%d\\n" % number)
    if number % 7 == 0:
        shutil.copyfile("app.db", f"copy-{number % 3}.tmp"); os.replace(f"copy-{number % 3}.tmp", "copy.db")
"""


def copied(fd: int) -> int:
    """The image as it is at this moment."""
    target = in_memory("staged", SIZE)
    for offset in range(0, SIZE, 1 << 20):
        data = os.pread(fd, 1 << 20, offset)
        if data.strip(b"\0"):
            os.pwrite(target, data, offset)
    return target


def digest(fd: int) -> str:
    return hashlib.sha256(os.pread(fd, SIZE, 0)).hexdigest()


def seen(image: int, place: Path) -> dict[str, object]:
    """What a start on that image finds: every file, and what SQLite says of the database."""
    device, path = loop.attach(image)
    place.mkdir()
    mounts.mount(path, place, "ext4")
    os.close(device)
    files = {
        str(p.relative_to(place)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(place.rglob("*"))
        if p.is_file()
    }
    database = sqlite3.connect(place / "app.db")
    try:
        said = database.execute("PRAGMA integrity_check").fetchone()[0]
        rows = [n for (n,) in database.execute("SELECT number FROM entries ORDER BY number")]
    except sqlite3.Error as error:
        said, rows = f"{type(error).__name__}: {error}", []
    finally:
        database.close()
    mounts.detach(place)
    return {"files": files, "integrity": said, "rows": rows}


def cut(number: int, rng: random.Random) -> dict[str, object]:
    work = WORK / f"cut-{number}"
    work.mkdir()
    disk = LoggedDisk(work / "sut", SIZE, work, work / "server.out")
    workload = subprocess.Popen([sys.executable, "-c", WORKLOAD, str(disk.path)], stdout=subprocess.PIPE)
    assert workload.stdout is not None
    for _ in range(rng.randint(10, 60)):  # acknowledged, as far as a client can tell
        acknowledged = int(workload.stdout.readline())
    time.sleep(rng.random() * 0.01)
    disk.server.signal(signal.SIGSTOP)
    staged, log = copied(disk.image), disk.log()
    workload.kill()
    disk.abort("the power is cut")
    workload.wait(10)
    disk.close()
    # Stopped between its log and its image it had logged one write more than it had made.
    rebuilt = [build(log, whole(len(log.records) - back), SIZE) for back in (1, 2)]
    same = next((fd for fd in rebuilt if digest(fd) == digest(staged)), -1)
    first, second = seen(staged, work / "staged"), seen(same, work / "rebuilt") if same >= 0 else {}
    rows = first["rows"]
    assert isinstance(rows, list)
    return {
        "records": len(log.records),
        "same_image": same >= 0,
        "same_files": first == second,
        "files": len(first["files"]),  # type: ignore[arg-type]
        "integrity": first["integrity"],
        "acknowledged": acknowledged,
        "kept": rows[: acknowledged + 2] == list(range(1, len(rows) + 1))[: acknowledged + 2]
        and len(rows) >= acknowledged,
        "unlike_an_earlier_one": digest(build(log, whole(len(log.records) // 2), SIZE)) != digest(staged),
    }


def main() -> None:
    mounts.tmpfs(WORK)
    rng = random.Random(int(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        print(json.dumps(cut(number, rng)), flush=True)


if __name__ == "__main__":
    main()
