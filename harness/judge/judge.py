"""Judges a recorded run from its folder alone: checkers, claims, facts, one result."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

from harness.checkers import standard
from harness.checkers.core.phrases import count
from harness.checkers.core.protocol import RunChecker, StateChecker
from harness.checkers.validity.fault_bit import FaultBit
from harness.checkers.validity.load_sound import LoadSound
from harness.config.schema import MEASURED_OPERATIONS
from harness.host.clock import now
from harness.host.outputs import last_line
from harness.judge import facts
from harness.judge.claims import claim_rows
from harness.model import NS, Outcome, Result, Verdict, merged
from harness.plan import Plan
from harness.recording.recording import Recording
from harness.scenario import Cell, Scenario

SCHEMA = 1
# A checker reads files and counts: one that takes longer than this will not end.
CHECKER_LIMIT_S = 60.0


def judge(folder: Path, scenario: Scenario, cell: Cell) -> Result:
    """The result of the run recorded in ``folder``. Never raises for what the recording holds: a checker that crashes
    or says nothing is an unknown."""
    recording = Recording(folder)
    about = recording.plan
    if recording.strange_plan:  # claims, deadlines, steps: nothing of it says what this run was to be
        return unjudged(about, recording.strange_plan)
    if about.get("why_not"):  # it was never begun
        return unjudged(about, about["why_not"])
    listed = (*scenario.checkers, *cell.checkers)
    # What this cell is for comes first, and so is what a report opens with; then what judges every run.
    general = {c.name for c in standard()}
    judged = [v for c in sorted(listed, key=lambda c: c.name in general) for v in _checked(c, recording)]
    if not judged:
        judged = [Verdict("unknown", "the checkers", "nothing", "no checker said anything about this run")]
    # A load that was none and a fault that did not bite are unknown also where the scenario does not ask.
    always = [c for c in (LoadSound(), FaultBit()) if c not in listed]
    judged += [v for c in always for v in _checked(c, recording)]
    verdicts = [*_incomplete(recording), *_left_out(recording, cell, Plan.from_dict(about["plan"])), *judged]
    if not recording.events:
        return unjudged(about, verdicts[0].why)
    try:
        more = _facts(recording)
    except Exception as error:  # noqa: BLE001 - what cannot be read back is unknown, whatever it is
        why = f"not all of the recording can be read: {type(error).__name__}: {error}"
        return _result(about, [*verdicts, Verdict("unknown", "the recording", "read in part", why)])
    return _result(about, verdicts, **more)


def _facts(recording: Recording) -> dict[str, Any]:
    about = recording.plan
    deadline_ms = float(about["deadline_ms"])
    return {
        "measurements": facts.measurements(recording),
        "claims": claim_rows(recording),
        "spans": facts.spans(recording),
        "operations": facts.operations(recording),
        "faults": facts.faults(recording),
        "observations": facts.observations(recording),
        "outages": facts.outages(recording, deadline_ms),
        "load": facts.load(recording, deadline_ms),
        "warnings": _warnings(recording),
        "host": {**about["host"], "disks": facts.disks(recording)},
        "provenance": {**about["provenance"], "seconds": facts.seconds(recording)},
    }


def unjudged(about: Mapping[str, Any], why: str) -> Result:
    """The result of a run that could not be made: unknown, and why."""
    return _result(about, [Verdict("unknown", "the run", "nothing was measured", why)])


def _result(about: Mapping[str, Any], verdicts: list[Verdict], **more: Any) -> Result:
    plan = Plan.from_dict(about["plan"])
    empty: dict[str, Any] = {
        "measurements": (),
        "claims": (),
        "spans": (),
        "operations": (),
        "faults": (),
        "observations": (),
        "outages": (),
        "load": {},
        "warnings": (),
        "host": {**about["host"], "disks": {}},
        "provenance": about["provenance"],
    }
    return Result(
        schema=SCHEMA,
        run=plan.run,
        system=plan.system_name,
        scenario=plan.scenario,
        cell=plan.cell,
        seed=plan.seed,
        outcome=merged([v.outcome for v in verdicts]),
        verdicts=tuple(verdicts),
        waived=_waived(about, plan, verdicts),
        title=about["title"],
        reproduce=about["reproduce"],
        **{**empty, **more},
    )


def _incomplete(recording: Recording) -> list[Verdict]:
    """One verdict on the recording itself: what broke the run off, or what is missing of it."""
    said = [f"{e['text']}" + (f" (try: {e['hint']})" if e.get("hint") else "") for e in recording.of_kind("error")]
    if any(True for _ in recording.of_kind("interrupted")):
        said.append("the run was interrupted")
    error = recording.folder / "island.error"
    if error.exists():
        said.append("the island could not be made: " + ", ".join(error.read_text().split("\n")[:2]))
    said.extend(recording.problems)
    if not recording.events:
        said.extend(_last_words(recording.folder))
    if said:
        return [Verdict("unknown", "the run itself", f"{len(recording.events)} events", "; ".join(said))]
    return [Verdict("pass", "the run itself", f"{len(recording.events)} events", "it went to its end, all is recorded")]


def _last_words(folder: Path) -> list[str]:
    """What an island said that never got as far as an event, such as an interpreter it may not execute."""
    for log in (folder / "inside.log", folder / "island.log"):
        if said := last_line(log):
            return [f"{log.name}: {said} (try: `deploydrill doctor`)"]
    return []


def _left_out(recording: Recording, cell: Cell, plan: Plan) -> list[Verdict]:
    """What was planned and not done: operations the system lacks, rounds that were broken off."""
    lacking = dict.fromkeys(str(e["operation"]) for e in recording.of_kind("not_provided"))
    verdicts = [
        Verdict("unknown", f"the step {operation}", "it was not taken", f"the system provides no {operation}")
        for operation in lacking
    ]
    verdicts += [Verdict("unknown", e["what"], "left out", e["why"]) for e in recording.of_kind("left_out")]
    ends = [o.name for o in recording.operations if not o.on_our_backup]
    short: list[str] = []
    steps = cell.single_steps
    for name in dict.fromkeys(s.do for s in steps if s.do in MEASURED_OPERATIONS and s.do not in lacking):
        once = sum(s.do == name and s.first_repeat_only for s in steps)
        each = sum(s.do == name and not s.first_repeat_only for s in steps)
        planned, done = once * (plan.repeat > 0) + each * (plan.warmup + plan.repeat), ends.count(name)
        if done < planned:
            short.append(f"{done} of {count(planned, name)}")
    if short:
        why = f"came to an end: {', '.join(short)}; what was not run proves nothing"
        verdicts.append(Verdict("unknown", "the planned steps", "not all were taken", why))
    return verdicts


def _checked(checker: RunChecker | StateChecker, recording: Recording) -> list[Verdict]:
    """The checker's verdicts; an unknown in its place when it raises, or does not come to an end."""
    said: list[list[Verdict] | BaseException] = []

    def ask() -> None:
        try:
            said.append(_said_by(checker, recording))
        except BaseException as error:  # noqa: BLE001 - sys.exit(0) and pytest.fail, too: whatever a checker does, the run gets a verdict, and it is not a pass
            said.append(error)

    # A thread that nobody waits for at the end: nothing else leaves a checker that hangs behind.
    thread = threading.Thread(target=ask, name=f"checker-{checker.name}", daemon=True)
    thread.start()
    thread.join(CHECKER_LIMIT_S)
    if not said:
        why = f"the checker {checker.name} had not ended after {CHECKER_LIMIT_S:g} s"
    elif isinstance(said[0], KeyboardInterrupt):
        raise said[0]
    elif isinstance(said[0], BaseException):
        why = f"the checker {checker.name} crashed: {type(said[0]).__name__}: {said[0]}"
    else:
        return said[0]
    return [Verdict("unknown", checker.name, "nothing", why, checker.requirement)]


def _said_by(checker: RunChecker | StateChecker, recording: Recording) -> list[Verdict]:
    if checker.judges == "run":
        verdicts = list(checker.check(recording))  # type: ignore[arg-type]  # `judges` tells the two protocols apart
    else:
        verdicts = [v for o in recording.observations for v in checker.check(o)]  # type: ignore[arg-type]  # the same
    if not all(isinstance(v, Verdict) and v.outcome in get_args(Outcome) for v in verdicts):
        raise TypeError(f"it returned {verdicts!r}")
    return verdicts


def _warnings(recording: Recording) -> tuple[str, ...]:
    texts = [str(e["text"]) for e in recording.of_kind("warning")]
    texts += [f"the system provides no {e['operation']}: not judged" for e in recording.of_kind("not_provided")]
    return tuple(dict.fromkeys(texts))


def _waived(about: Mapping[str, Any], plan: Plan, verdicts: list[Verdict]) -> tuple[Mapping[str, Any], ...]:
    """Waives of this scenario while something is unknown: listed first, still not a pass. They hold or are expired by
    the day of the run, so that judging it again some day says the same."""
    unknown = any(v.outcome == "unknown" for v in verdicts)
    began = about["provenance"].get("started_utc")
    today = datetime.fromisoformat(began).date() if began else datetime.fromtimestamp(now().wall_ns / NS, UTC).date()
    return tuple(
        {**w, "expired": today > date.fromisoformat(w["until"])}
        for w in about["waives"]
        if unknown and w["name"] in (plan.scenario, f"{plan.scenario}:{plan.cell}")
    )
