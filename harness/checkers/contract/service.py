"""The contract of the service and its traffic: it starts, answers for itself, is filled, and serves its requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checkers.contract import codes
from harness.checkers.contract.tried import Answer, run_of
from harness.checkers.core.codes import end_of
from harness.checkers.validity.load_sound import turned_away
from harness.judged.requests import overlap
from harness.recording.events import LoadUnsteady, RunFailed, Seeded, ServiceStopped, SystemUp
from harness.recording.outcomes import REFUSALS
from harness.recording.recording import Recording
from harness.recording.samples import OUTCOMES
from harness.stats.spans import merged_spans

# Less than this share was not served.
_GOOD_SHARE = 0.5


def service(recording: Recording) -> Iterator[Answer]:
    """Its start, and what it says of itself. Nothing when the run ended before: `broken_off` says why."""
    up = next(recording.of(SystemUp), None)
    if up is None:
        return
    if up.attached:
        yield "service.attach", codes.Attached()
    else:
        yield "service.start", codes.Started(up.seconds)
    for probe, denied in (("health", up.health), ("ready", up.ready)):
        status = {"health": up.health_status, "ready": up.ready_status}[probe]
        wrong = codes.ProbeRefused if status in (*REFUSALS, 404, 405) else codes.ProbeWrong
        yield f"service.{probe}", wrong(probe, denied) if denied else codes.ProbeAnswered(probe)
    yield "service.version", codes.VersionTold(up.version) if up.version else codes.VersionNotTold()


def seed(recording: Recording) -> Iterator[Answer]:
    runs = run_of(recording, "seed")
    if not runs:
        up = next(recording.of(SystemUp), None)
        if up and not up.attached:
            yield "seed", codes.NoSeed()
        return
    done, asked = runs[0], int(recording.plan["plan"]["size_bytes"])
    if not done.succeeded:
        yield "seed", codes.SeedFailed(end_of(done))
        return
    held = int(next((e.found_bytes for e in recording.of(Seeded)), 0))
    yield "seed", codes.Seeded(end_of(done), held, asked)
    if held < asked // 2:
        yield "seed", codes.LittleData(held, asked)


def traffic(recording: Recording) -> Iterator[Answer]:
    """Each request of the mix was answered well at least once; a load that never was steady is no load. What was under
    way in an operation counts only for a request that never was at another time: there it is a matter of downtime."""
    unsteady = next(recording.of(LoadUnsteady), None)
    if unsteady is not None:
        refusal = turned_away(recording)
        yield "load.requests", refusal or codes.LoadNotSteady(unsteady.why, list(unsteady.unanswered))
    operating = merged_spans((o.start_ns, o.stop_ns) for o in recording.operations)
    names: dict[str, Counter[tuple[str, int]]] = {}
    meanwhile: dict[str, Counter[tuple[str, int]]] = {}
    for file in recording.samples.load:
        told = file.records[["operation", "outcome", "status"]].tolist()
        for (number, outcome, status), inside in zip(told, overlap(file.records, operating).tolist(), strict=True):
            of = meanwhile if inside else names
            of.setdefault(file.operations[number], Counter())[OUTCOMES[outcome], status] += 1
    for name, answers in (meanwhile | names).items():
        total, good = sum(answers.values()), sum(n for (outcome, _), n in answers.items() if outcome == "ok")
        bad = Counter({answer: n for answer, n in answers.items() if answer[0] != "ok"})
        (outcome, status), _ = bad.most_common(1)[0] if bad else (("", 0), 0)
        mostly = f"HTTP {status}" if status else outcome.replace("_", " ")
        if good >= _GOOD_SHARE * total:
            yield f"load {name}", codes.RequestAnswered(name, total, good)
        elif good:
            yield f"load {name}", codes.RequestOftenFailed(name, total, good, mostly)
        elif status in REFUSALS or outcome == "timeout":
            yield f"load {name}", codes.RequestRefused(name, total, mostly, late=outcome == "timeout")
        else:
            yield f"load {name}", codes.RequestFailed(name, total, mostly)


def broken_off(recording: Recording) -> Iterator[Answer]:
    """What ended the run before its time. Our own bugs and what this host lacks say nothing about the system."""
    if any(True for _ in recording.of(LoadUnsteady)):
        return  # said already
    if any(not o.succeeded for o in run_of(recording, "seed")):
        return
    about = "stop and start" if any(True for _ in recording.of(ServiceStopped)) else "the run"
    for error in recording.of(RunFailed):
        answer = codes.BrokenOff if error.of_system else codes.BrokenOffElsewhere
        yield about, answer(error.text, error.hint)
