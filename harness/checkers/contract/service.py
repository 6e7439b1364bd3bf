"""The contract of the service and its traffic: it starts, answers for itself, is filled, and serves its requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checkers.contract.line import Line, run_of
from harness.checkers.core.phrases import count, ended, last_line
from harness.errors import ExitCode
from harness.host.sizes import size
from harness.recording.events import LoadUnsteady, RunFailed, ServiceStopped, SystemUp
from harness.recording.recording import Recording
from harness.recording.samples import OUTCOMES

_ANSWERS = {
    "health": "200 while it lives: see service.health",
    "ready": "200 once it can serve: see service.ready",
}


def service(recording: Recording) -> Iterator[Line]:
    """Its start, and what it says of itself. Nothing when the run ended before: `broken_off` says why."""
    up = next(recording.of(SystemUp), None)
    if up is None:
        return
    if up.attached:
        yield Line("ok", "service.attach", "it was ready, in the old version")
    else:
        yield Line("ok", "service.start", f"ready {up.seconds:.2f} s after it was started")
    for name, promised in _ANSWERS.items():
        answer = str(getattr(up, name))
        if answer:
            yield Line("wrong", f"service.{name}", f"a service that is up answered {answer}", promised)
        else:
            yield Line("ok", f"service.{name}", "answered well")
    if up.version:
        yield Line("ok", "service.version", f"says {up.version!r}")
    else:
        hint = "service.version is the path, service.version_pointer where in its JSON"
        yield Line("wrong", "service.version", "nothing in the answer says which version runs", hint)


def seed(recording: Recording) -> Iterator[Line]:
    runs = run_of(recording, "seed")
    if not runs:
        up = next(recording.of(SystemUp), None)
        if up and not up.attached:
            yield Line("note", "seed", "not provided: the system starts with what it starts with, whatever --size says")
        return
    done, asked = runs[0], int(recording.plan["plan"]["size_bytes"])
    if not done.succeeded:
        yield Line("wrong", "seed", f"{ended(done)}; {last_line(done.output)}", "run its command by hand")
        return
    held = int(next((e.data_bytes for e in recording.of(SystemUp)), 0))
    yield Line("ok", "seed", f"{ended(done)}: {size(held)} of data, {size(asked)} were asked for")
    if held < asked // 2:
        yield Line("note", "seed", "far less than {size} bytes of data: figures are of a smaller system than they say")


def traffic(recording: Recording) -> Iterator[Line]:
    """Each request of the mix was answered well at least once; a load that never was steady is no load."""
    unsteady = next(recording.of(LoadUnsteady), None)
    if unsteady is not None:
        hint = "check [[load.requests]] and service.url; see load.out in the report's folder"
        yield Line("wrong", "load.requests", unsteady.why, hint)
    names: dict[str, Counter[tuple[str, int]]] = {}
    for file in recording.load_samples:
        for number, outcome, status in file.records[["operation", "outcome", "status"]].tolist():
            names.setdefault(file.operations[number], Counter())[OUTCOMES[outcome], status] += 1
    for name, answers in names.items():
        total, good = sum(answers.values()), sum(n for (outcome, _), n in answers.items() if outcome == "ok")
        if good:
            yield Line("ok", f"load {name}", f"{good} of {count(total, 'request')} were answered well")
        else:
            (outcome, status), _ = answers.most_common(1)[0]
            what = f"HTTP {status}" if status else outcome.replace("_", " ")
            said = f"none of {count(total, 'request')} was answered well (mostly: {what})"
            yield Line("wrong", f"load {name}", said, f"check the request {name!r} in [[load.requests]]")


def broken_off(recording: Recording) -> Iterator[Line]:
    """What ended the run before its time. Our own bugs and what this host lacks say nothing about the system."""
    if any(True for _ in recording.of(LoadUnsteady)):
        return  # said already
    if any(not o.succeeded for o in run_of(recording, "seed")):
        return
    restarting = any(True for _ in recording.of(ServiceStopped))
    for error in recording.of(RunFailed):
        ours = error.code not in (ExitCode.UNKNOWN, ExitCode.USAGE) or error.text.startswith("load ")
        about = "stop and start" if restarting else "the run"
        yield Line("not seen" if ours else "wrong", about, error.text, error.hint)
