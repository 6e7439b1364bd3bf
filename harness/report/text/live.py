"""What a person sees while a run goes on: a live table on a terminal, one line an event otherwise; always on stderr."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import IO, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.host import clock
from harness.model import NS
from harness.recording import events
from harness.recording.events import Event
from harness.report.documents.clean import one_line
from harness.report.text.terminal import console

# Phases come many a second: a log shows the operations they belong to, a terminal the phase as well.
_QUIET = (
    events.PhaseEdge,
    events.ServerCount,
    events.RecordingComplete,
    events.FaultPlanned,
    events.VersionWatched,
)


class _Run:
    """Where one run is: its title, when it began, and the last word on each thing."""

    def __init__(self, title: str) -> None:
        self.title = one_line(title)
        self.start_ns: int | None = None
        self.state: dict[str, str] = {}

    def remember(self, event: Event) -> None:
        said = describe(event)
        match event:
            case events.OperationStarted() | events.OperationStopped():
                self.state["operation"] = said
                self.state.pop("phase", None)
            case events.PhaseEdge():
                self.state["phase"] = said
            case events.FaultPlanned():
                pass
            case events.FaultEvent():
                self.state[f"fault {event.id}"] = said
            case (
                events.LoadStarted()
                | events.LoadSteady()
                | events.LoadUnsteady()
                | events.LoadStopping()
                | events.LoadStopped()
            ):
                self.state["load"] = said
            case events.RunStarted() | events.IslandUp() | events.SystemUp() | events.Observed() | events.Recovered():
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
        with self._lock:
            known = self._runs.setdefault(run, _Run(run))
            if known.start_ns is None:
                known.start_ns = event.t
            known.remember(event)
            seconds = (event.t - known.start_ns) / NS
        # Printed without the lock: the table is drawn under the console's own, and asks for ours.
        if isinstance(event, events.Warned | events.RunFailed) if self._live else not isinstance(event, _QUIET):
            name = f"{one_line(run):{self._width}}" if run else ""
            self._console.print(Text(f"{name}{seconds:7.1f} s  {describe(event) or event.kind}"), soft_wrap=True)

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
    return one_line(_described(event), 300)


def _described(event: Event) -> str:
    match event:
        case events.RunStarted():
            return "run begins"
        case events.RunInterrupted():
            return "interrupted: healing and ending"
        case events.Warned() | events.RunFailed():
            return f"{event.kind}: {event.text}"
        case events.NotProvided():
            return f"the system provides no {event.named}: not judged"
        case events.IslandUp():
            return f"island is up: {event.island}" if event.island else "island is up"
        case events.DiskMounted():
            return f"disk {event.name}: {event.profile}"
        case events.SystemUp():
            since = "as it was found" if event.attached else f"after {event.seconds:.2f} s"
            return f"system is up, version {event.version}, {since}"
        case events.LoadStarted():
            return f"load starts: {event.profile}"
        case events.LoadSteady():
            return f"load is steady: {event.rate_per_s:.0f} requests a second"
        case events.LoadUnsteady():
            unanswered = f"no good answer to probes ({', '.join(event.unanswered)})"
            return f"load did not become steady: {event.why or unanswered}"
        case events.LoadStopping():
            return "load is stopping"
        case events.LoadStopped():
            return "load has stopped" if event.clean else f"load did not stop cleanly: {event.why}"
        case events.OperationStarted():
            return f"{_operation(event)} starts"
        case events.OperationStopped():
            return f"{_operation(event)} {_end(event)}"
        case events.PhaseEdge():
            return f"{event.phase} {event.event}"
        case events.Barrier():
            return f"{event.operation} was held at {event.at} for {event.seconds:.2f} s"
        case events.Recovered():
            what = "recovered" if event.ok else "did NOT recover"
            return f"{what} after {event.after}: {event.seconds:.2f} s"
        case events.Observed():
            return f"read back {event.label}"
        case events.FaultEvent() | events.MonitorsBlind():
            return _fault(event)
        case events.VersionSeen():
            return f"version {event.version} is in service"
        case events.VersionSilent():
            return f"which version is in service was not told: {event.said}"
        case events.PowerAsked():
            return event.about
        case events.PowerPlanned():
            cuts, states = len(event.cuts), len(event.states)
            return f"{cuts} cuts in {event.records} records of the block log, {states or 'no'} states"
        case events.PowerState():
            return f"started {event.label}: {event.seconds:.2f} s"
        case events.PowerBroken():
            return f"{event.label} could not be examined: {event.why}"
    return ""


def _fault(event: events.FaultEvent | events.MonitorsBlind) -> str:
    match event:
        case events.FaultPlanned():
            return f"fault {event.name} planned at {event.at}"
        case events.FaultInjected():
            return f"fault {event.id} injected"
        case events.FaultConfirmed():
            return f"fault {event.id} {'confirmed' if event.applied else 'NOT confirmed'}: {event.said}"
        case events.FaultSkipped() | events.FaultFailed():
            return f"fault {event.id} NOT confirmed: {event.said}"
        case events.FaultLost():
            return f"fault {event.id} lost early: {event.said}"
        case events.FaultHealed():
            return f"fault {event.id} {'healed' if event.ok else 'NOT healed'}"
        case events.MonitorsBlind():
            return f"{' and '.join(event.names)} {event.how}"
    return ""


def _operation(event: events.OperationStarted | events.OperationStopped) -> str:
    """``deploy-2``, as the report names it."""
    return f"{event.id}{' (warm-up)' if event.warmup else ''}"


def _end(event: events.OperationStopped) -> str:
    took = f"{(event.t - event.start_ns - event.gate_ns) / NS:.2f} s"
    if event.exit is None:
        return f"still running at its deadline, {took}; blocked on {event.blocked_on or 'unknown'}"
    return f"ended with exit {event.exit} in {took}"
