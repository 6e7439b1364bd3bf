"""A run while it goes on, for tests: started, followed by its events, killed, and what it left behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e import host_state
from tests.e2e.command import COMMAND, ROOT, TINY, Done

SCENARIOS = Path(__file__).with_name("scenarios")
Event = dict[str, Any]


# What a test of the harness is about must not depend on how busy the host is, nor on where a damaged byte lies:
# SQLite's own check looks at the structure of a database, not at every byte of it.
_SOUNDER = (
    ("deadline_ms = 3000", "deadline_ms = 30000"),
    (
        '["{python}", "{system}/tiny.py", "backup"]',
        """["sh", "-c", "{python} {system}/tiny.py backup && sha256sum {dir}/backup/*.db > {dir}/sums"]""",
    ),
    (
        '["{python}", "{system}/tiny.py", "validate", "{backup}"]',
        """["sh", "-c", "{python} {system}/tiny.py validate {backup} &&"""
        """ sha256sum {backup} | grep -qFf - {dir}/sums"]""",
    ),
)


def tiny_copy(folder: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The tiny system in a folder of its own, patient and with checksums, with texts of its system.toml replaced and
    ``more`` after it."""
    shutil.copytree(TINY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "system.toml"
    text = file.read_text()
    for old, new in (*_SOUNDER, *changes):
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        text = text.replace(old, new)
    file.write_text(f"{text}\n{more}")
    return folder


class LiveRun:
    """One ``deploydrill run``, in a session of its own. Use as a context manager: whatever happens, it is ended."""

    def __init__(self, out: Path, *words: str | Path, system: Path = TINY, env: dict[str, str] | None = None) -> None:
        self.out = out
        self.mark = host_state.new_mark()
        self.before = host_state.snapshot(self.mark)
        out.mkdir(parents=True)
        self._complete_when_killed = True
        self._outputs = [(out.parent / f"{out.name}.{name}").open("w+") for name in ("stdout", "stderr")]
        argv = [str(COMMAND), "run", *map(str, words), "--system", str(system), "--out", str(out), "--no-live"]
        self.process = subprocess.Popen(
            argv,
            env=host_state.marked(self.mark, env),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._outputs[0],
            stderr=self._outputs[1],
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        host_state.end_run(self.mark)
        self.process.wait()
        for output in self._outputs:
            output.close()

    @property
    def stdout(self) -> str:
        return Path(self._outputs[0].name).read_text()

    @property
    def stderr(self) -> str:
        return Path(self._outputs[1].name).read_text()

    @property
    def staged(self) -> list[Path]:
        """Folders of unfinished runs below --out."""
        return sorted(self.out.glob(".*.partial"))

    def events(self) -> list[Event]:
        """What is recorded so far; the line that is just being written is left out."""
        lines: list[str] = []
        for pattern in (".*.partial/.*.partial/events.jsonl", ".*.partial/*/events.jsonl", "*/*/events.jsonl"):
            for path in self.out.glob(pattern):
                try:
                    lines = path.read_text().split("\n")[:-1]
                except FileNotFoundError:
                    continue  # renamed meanwhile
        return [json.loads(line) for line in lines]

    @property
    def _complete(self) -> bool:
        return any(e["kind"] == "recording.complete" for e in self.events())

    def wait_for(self, what: Callable[[], object], limit_s: float = 90.0) -> None:
        """Until it holds; an error when the run ends before."""
        end = time.monotonic() + limit_s
        while not what():
            assert self.process.poll() is None, f"the run ended with {self.process.returncode} before:\n{self.stderr}"
            assert time.monotonic() < end, f"waited {limit_s} s in vain:\n{self.stderr}"
            time.sleep(0.01)

    def wait_for_event(self, kind: str, number: int = 1) -> None:
        """Until the ``number``-th event of that kind is recorded."""
        self.wait_for(lambda: sum(e["kind"] == kind for e in self.events()) >= number)

    def pid(self, role: str) -> int:
        """Of ``outer``, ``unshare``, ``init`` or ``inside``."""
        if role == "outer":
            return self.process.pid
        return member(host_state.of_run(self.mark), role)

    def loops(self) -> frozenset[str]:
        """The loop devices it has now, however shortly; one in use by a process that began while we looked may be
        missing."""
        return host_state.loops_now(host_state.of_run(self.mark)) - self.before.loops

    def kill(self) -> None:
        """SIGKILL to the outside half alone."""
        self.process.send_signal(signal.SIGKILL)
        self._complete_when_killed = self._complete
        self.process.wait(10)

    def end(self, limit_s: float = 150.0) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(limit_s)

    def ended(self) -> Done:
        """The whole command, once it has ended by itself."""
        code = self.end()
        return Done(code, *(Path(output.name).read_text() for output in self._outputs))

    def left_behind(self, within_s: float = 20.0) -> list[str]:
        """What there is on the host that was not there before the run; a busy host needs its time for it."""
        left = host_state.left_behind(self.before, self.mark, within_s)
        if self._complete and not self._complete_when_killed:
            left.append("the run was killed and went on to its end")
        return left


def member(family: dict[int, host_state.Process], role: str) -> int:
    """The pid of the process of a run that plays the role: ``unshare``, ``init`` or ``inside``."""
    word = {"unshare": "unshare ", "init": " harness.island.init", "inside": " harness.rehearsal.main"}[role]
    others: Sequence[str] = () if role == "unshare" else ("unshare ",)
    found = [p.pid for p in family.values() if word in p.words and not p.words.startswith(tuple(others))]
    return min(found)
