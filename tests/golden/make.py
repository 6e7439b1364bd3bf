"""Makes the golden recordings anew from real runs: ``python -m tests.golden.make``."""

from __future__ import annotations

import getpass
import platform
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ExitCode
from harness.recording.recorder import EVENTS, digest
from harness.recording.recording import Recording
from tests.e2e.command import ROOT, deploydrill
from tests.e2e.live_run import tiny_copy
from tests.golden.accept import HERE, MOST_BYTES, NAMES, accept, files, recording

# Bundled scenarios on the tiny system, each for what it holds:
# - pass: a backup, its validation and that of damaged ones, a deployment, a roll-back and a restore;
# - fail: a full disk leaves a partial backup that is the newest, and the restore from it loses acknowledged writes;
# - unknown: a fault at a phase that the kit does not mark, and a waive for that.
CELLS = {"pass": "baseline:once", "fail": "disk_full:before-backup", "unknown": "disk_full:in-migration"}
# As little load as is steady within seconds: that takes 50 acknowledged writes.
CHANGES = (("users = 4", "users = 2"), ("write_rate = 30.0", "write_rate = 15.0"))
WAIVE = """
[waive.disk_full]
reason = "this kit has no migration"
until = 2099-12-31
"""
# Rendered files and notes about our own processes: neither judged by nor rendered from.
NOT_RECORDED = (
    *("result.json", "report.*", "junit.xml", "*.csv", "timeline.png", "artefacts"),
    *("load.json", "load.out", "load-status.jsonl", "probe.json", "probe.out", "*.log"),
)


def make(name: str, base: Path) -> Path:
    """The scrubbed recording of a new run; the command ends where it is none."""
    system = tiny_copy(base / "tiny", *CHANGES, more=WAIVE) if not (base / "tiny").exists() else base / "tiny"
    done = deploydrill("run", CELLS[name], "--system", system, "--out", base / "out" / name, "--no-live")
    if done.exit not in (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNKNOWN):
        sys.exit(done.err)
    (folder,) = (path.parent for path in done.report.glob("*/run.json"))
    (result,) = done.results()
    if reasons := why_not(name, folder, result):
        sys.exit("\n".join([done.out, *reasons, "nothing was changed; try again on an idle machine"]))
    kept = base / "kept" / name
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns(*NOT_RECORDED))
    scrub(kept, places(system, base), machine_words(Recording(folder)))
    return kept


def why_not(name: str, folder: Path, result: Mapping[str, Any]) -> list[str]:
    """Why a judged run is no golden recording of that name; empty when it is one."""
    found = list(Recording(folder).problems)
    if result["outcome"] != name:
        found.append(f"it is to be a {name}, and it is a {result['outcome']}")
    for finding in result["findings"]:
        if finding["outcome"] == "unknown" and (name != "unknown" or finding["matter"] not in ("system", "plan")):
            found.append(f"unknown, which is not what it is to show: {finding['code']}: {finding['sentence']}")
    return found


def places(system: Path, base: Path) -> dict[str, str]:
    """Directories of this machine, and what stands for them; those within others first."""
    known = {
        system: "/system",
        base / "out": "/reports",
        ROOT: "/checkout",
        Path(sys.base_prefix): "/python",
        Path.home(): "/home-of-user",
    }
    return {str(path): known[path] for path in sorted(known, key=lambda path: len(str(path)), reverse=True)}


def machine_words(made: Recording) -> dict[str, str]:
    """Names of this machine and of who uses it, and what stands for them. ``root`` and ``localhost`` name nobody."""
    known = {
        platform.release(): "kernel",
        socket.gethostname(): "host",
        socket.getfqdn(): "host",
        getpass.getuser(): "user",
        made.plan["provenance"]["commit"]: "commit",
    }
    known |= dict.fromkeys((source.boot_id for source in made.sources), "boot")
    return {word: instead for word, instead in known.items() if word not in ("", "root", "localhost")}


def scrub(folder: Path, paths: Mapping[str, str], words: Mapping[str, str]) -> None:
    """Replace them in every file, and let the events name the digests that the files have now."""
    patterns = [(re.compile(re.escape(path.encode())), instead.encode()) for path, instead in paths.items()]
    patterns += [
        (re.compile(rb"(?<![\w-])" + re.escape(word.encode()) + rb"(?![\w-])"), instead.encode())
        for word, instead in words.items()
    ]
    renewed: dict[bytes, bytes] = {}
    for path in files(folder):
        before = path.read_bytes()
        after = before
        for pattern, instead in patterns:
            after = pattern.sub(instead, after)
        if after != before:
            path.write_bytes(after)
            renewed[_digest(before)] = _digest(after)
    events = folder / EVENTS
    text = events.read_bytes()
    for old, new in renewed.items():
        text = text.replace(old, new)
    events.write_bytes(text)


def _digest(content: bytes) -> bytes:
    return digest(content.decode(errors="replace")).encode()


def main() -> None:
    with tempfile.TemporaryDirectory() as base:
        made = {name: make(name, Path(base)) for name in NAMES}
        size = sum(path.stat().st_size for folder in made.values() for path in files(folder))
        if size > MOST_BYTES:
            # On a busy machine it takes longer until the load is steady, and all of that is recorded.
            sys.exit(f"{size} bytes are more than {MOST_BYTES}: nothing was changed; try again on an idle machine")
        # Only once all three are what they are to be.
        for name, folder in made.items():
            shutil.rmtree(recording(name), ignore_errors=True)
            shutil.copytree(folder, recording(name))
    accept()
    print(f"made anew: {', '.join(str(recording(name).relative_to(HERE.parents[1])) for name in NAMES)}")


if __name__ == "__main__":
    main()
