"""What a person sees while a run goes on: a live table on a terminal, one line an event otherwise; always on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.host import clock
from harness.model import NS
from harness.report.documents.clean import one_line
from harness.report.text.terminal import console

Event = Mapping[str, Any]
# Phases come many a second: a log shows the operations they belong to, a terminal the phase as well.
_QUIET = {"phase", "health", "server.count", "recording.complete", "fault.planned", "version.watched"}


class _Run:
    """Where one run is: its title, when it began, and the last word on each thing."""

    def __init__(self, title: str) -> None:
        self.title = one_line(title)
        self.start_ns: int | None = None
        self.state: dict[str, str] = {}

    def remember(self, kind: str, event: Event) -> None:
        said = describe(event)
        if kind.startswith("operation."):
            self.state["operation"] = said
            self.state.pop("phase", None)
        elif kind == "phase":
            self.state["phase"] = said
        elif kind.startswith("fault."):
            if kind != "fault.planned":
                self.state[f"fault {event['id']}"] = said
        elif kind.startswith("load."):
            self.state["load"] = said
        elif kind in ("run.start", "island.up", "system.up", "observation", "recovered"):
            self.state["run"] = said


class LiveView:
    """Fed with the events of runs as they are recorded, from any thread. Use as a context manager; an event it does not
    know does no harm. ``run`` is the name of a run beside others: it stands before each of its lines."""

    def __init__(self, file: IO[str] | None = None, *, live: bool | None = None) -> None:
        file = file or sys.stderr
        self._console: Console = console(file)
        self._lock = threading.RLock()
        self._runs: dict[str, _Run] = {}
        self._width = 0  # of the longest name so far: lines of several runs stand below each other
        self._live: Live | None = None
        if file.isatty() if live is None else live:
            self._live = Live(get_renderable=self._table, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def run(self, title: str, run: str = "") -> None:
        """A new run begins: ``disk_full:before-backup on hardened, 2 of 6``."""
        with self._lock:
            self._runs[run] = _Run(title)
            self._width = max(self._width, len(one_line(run)))
        self.note(title)

    def end(self, run: str, text: str) -> None:
        """A run was judged: its block goes, one line stays."""
        with self._lock:
            self._runs.pop(run, None) or self._runs.pop("", None)
        self.note(text)

    def note(self, text: str) -> None:
        """A line of its own, above the live table."""
        self._console.print(Text(one_line(text)), soft_wrap=True)

    def event(self, event: Event, run: str = "") -> None:
        kind = str(event.get("kind", ""))
        with self._lock:
            known = self._runs.setdefault(run, _Run(run))
            if known.start_ns is None:
                known.start_ns = int(event["t"])
            known.remember(kind, event)
            seconds = (int(event["t"]) - known.start_ns) / NS
        # Printed without the lock: the table is drawn under the console's own, and asks for ours.
        if kind in ("warning", "error") if self._live else kind not in _QUIET:
            name = f"{one_line(run):{self._width}}" if run else ""
            self._console.print(Text(f"{name}{seconds:7.1f} s  {describe(event) or kind}"), soft_wrap=True)

    def _table(self) -> RenderableType:
        """One block of rows a run."""
        table = Table.grid(padding=(0, 2))
        with self._lock:
            for known in self._runs.values():
                elapsed = "" if known.start_ns is None else f"{(clock.mono_ns() - known.start_ns) / NS:.0f} s"
                table.add_row(Text(elapsed, style="bold"), Text(known.title, style="bold"))
                for key, said in known.state.items():
                    table.add_row(Text(key, style="dim"), Text(said))
        return table


def describe(event: Event) -> str:
    """One event in words; empty for a kind that has none."""
    get = event.get
    match str(get("kind", "")):
        case "run.start":
            said = "run begins"
        case "interrupted":
            said = "interrupted: healing and ending"
        case "disk":
            said = f"disk {get('name')}: {get('profile')}"
        case "rendezvous":
            said = f"{get('operation')} was held at {get('at')} for {_seconds(get('seconds'))}"
        case "not_provided":
            said = f"the system provides no {get('operation')}: not judged"
        case "island.up":
            said = f"island is up: {get('island')}" if get("island") else "island is up"
        case "warning" | "error" as kind:
            said = f"{kind}: {get('text', '')}"
        case "system.up":
            since = "as it was found" if get("attached") else f"after {_seconds(get('seconds'))}"
            said = f"system is up, version {get('version')}, {since}"
        case "load.start":
            said = f"load starts: {get('profile')}"
        case "load.steady":
            said = f"load is steady: {get('rate_per_s', 0):.0f} requests a second"
        case "load.unsteady":
            said = f"load did not become steady: {get('why')}"
        case "load.stopping":
            said = "load is stopping"
        case "load.stopped":
            said = "load has stopped" if get("clean") else f"load did not stop cleanly: {get('why')}"
        case "operation.start":
            said = f"{_operation(event)} starts"
        case "operation.stop":
            said = f"{_operation(event)} {_end(event)}"
        case "phase":
            said = f"{get('phase')} {get('event')}"
        case "fault.planned":
            said = f"fault {get('name')} planned at {get('at')}"
        case "fault.injected":
            said = f"fault {get('id')} injected"
        case "fault.confirmed":
            said = f"fault {get('id')} {'confirmed' if get('applied') else 'NOT confirmed'}: {get('said', '')}"
        case "fault.healed":
            said = f"fault {get('id')} {'healed' if get('ok') else 'NOT healed'}"
        case "monitors.out":
            said = f"{' and '.join(get('names', ()))} {get('how')}"
        case "version.seen":
            said = f"version {get('version')} is in service"
        case "version.silent":
            said = f"which version is in service was not told: {get('said')}"
        case "observation":
            said = f"read back {get('label')}"
        case "power.asked":
            said = str(get("about"))
        case "power.planned":
            said = f"{len(get('cuts', ()))} cuts in {get('records')} records of the block log, {_count(get('states'))}"
        case "power.state":
            said = f"started {get('label')}: {_seconds(get('seconds'))}"
        case "power.broken":
            said = f"{get('label')} could not be examined: {get('why')}"
        case "recovered":
            said = f"{'recovered' if get('ok') else 'did NOT recover'} after {get('after')}: {_seconds(get('seconds'))}"
        case _:
            said = ""
    return one_line(said, 300)


def _count(states: Any) -> str:
    return f"{len(states)} states" if isinstance(states, list) else "no states"


def _seconds(value: Any) -> str:
    return f"{value:.2f} s" if isinstance(value, int | float) else "unknown time"


def _operation(event: Event) -> str:
    """``deploy-2``, as the report names it."""
    return f"{event.get('id') or event.get('name')}{' (warm-up)' if event.get('warmup') else ''}"


def _end(event: Event) -> str:
    took = _seconds((event["t"] - event["start_ns"] - event["gate_ns"]) / NS)
    if event.get("exit") is None:
        return f"still running at its deadline, {took}; blocked on {event.get('blocked_on') or 'unknown'}"
    return f"ended with exit {event['exit']} in {took}"
