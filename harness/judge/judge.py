"""Judges a recorded run from its folder alone: checkers, claims, facts, one result."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.checkers import standard
from harness.checkers.core.codes import CODES, Answer, Details, code_of, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.core.sentences import with_sentence
from harness.checkers.validity.fault_bit import FaultBit
from harness.checkers.validity.load_codes import NotSteady
from harness.checkers.validity.load_sound import LoadSound
from harness.config.operations import HARNESS_STEPS
from harness.errors import HarnessError
from harness.host.clock import now
from harness.host.outputs import last_line
from harness.host.raised import told
from harness.judge import codes, facts
from harness.judge.claims import JUDGES, claim_rows
from harness.judge.named import named
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Finding, Result, Subject, merged
from harness.plan import Plan
from harness.recording.events import LeftOut, NotProvided, RunFailed, RunInterrupted, StopWhenMet, Warned
from harness.recording.format import FORMAT, format_of
from harness.recording.problems import Problem
from harness.recording.recorder import PLAN
from harness.recording.recording import Recording

SCHEMA = 2
# Where run.json says why a run was not begun: code and details of a finding.
OBSTACLE = "obstacle"
RUN = Subject("run", "")
# A checker reads files and counts: one that takes longer than this will not end.
CHECKER_LIMIT_S = 60.0


def judge(folder: Path, directories: Sequence[Path] = ()) -> Result:
    """The result of the run recorded in ``folder``, by the checkers that its plan names; those of the user's own are
    looked for where they were, then in ``directories``. One that is not at hand as it was is an unknown. HarnessError
    for a recording of another format."""
    recording = Recording(folder)
    refuse_other_format(folder, recording.plan)
    if recording.strange_plan or recording.plan.get(OBSTACLE):  # there is nothing to be judged by, or nothing to judge
        return judge_by(folder, ())
    return judge_by(folder, *named(Plan.from_dict(recording.plan["plan"]).checkers, directories))


def refuse_other_format(folder: Path, about: Mapping[str, Any]) -> None:
    """HarnessError where another version recorded it."""
    if (known := format_of(about)) != FORMAT:
        why = f"it was recorded in format {known}, and what is judged here is format {FORMAT}"
        hint = "judge it with the version that recorded it; its result.json can still be read by report and compare"
        raise HarnessError(f"judge {folder}", why, hint)


def judge_by(folder: Path, listed: Sequence[Checker], missing: Sequence[Finding] = ()) -> Result:
    """The result by these checkers and by those that judge always; ``missing`` stands for what is not at hand. Never
    raises for what the recording holds: a checker that crashes or says nothing is an unknown."""
    recording = Recording(folder)
    about = recording.plan
    if recording.strange_plan:  # claims, deadlines, steps: nothing of it says what this run was to be
        return unjudged(about, of_recording(recording.strange_plan))
    if about.get(OBSTACLE):  # it was never begun
        return unjudged(about, _obstacle(about[OBSTACLE]))
    run = JudgedRun(recording)
    # What this cell is for comes first, and so is what a report opens with; then what judges every run.
    general = {c.name for c in standard()}
    judged = [*missing, *(f for c in sorted(listed, key=lambda c: c.name in general) for f in _checked(c, run))]
    if not judged:
        judged = [finding("run.judged", RUN, codes.NoChecker())]
    # A load that was none and a fault that did not bite are unknown also where the scenario does not ask.
    always = [c for c in (LoadSound(), FaultBit()) if c not in listed]
    judged += [f for c in always for f in _checked(c, run)]
    asked = {c.name for c in listed}
    unlisted = [f for c in JUDGES if c.name not in asked for f in _checked(c, run)]
    judged += [f for f in unlisted if f.subject.kind == "checker"]
    findings = [*_complete(recording), *_left_out(recording, Plan.from_dict(about["plan"])), *judged]
    findings = _because_broken_off(recording, findings)
    if not recording.events:
        return _result(about, [finding("run.made", RUN, details) for details in _broken_off(recording)])
    try:
        more = _facts(run, claim_rows([*judged, *unlisted]))
    except Exception as error:  # noqa: BLE001 - what cannot be read back is unknown, whatever it is
        unreadable = codes.Unreadable(error=f"{type(error).__name__}: {error}")
        return _result(about, [*findings, finding("run.recorded", RUN, unreadable)])
    return _result(about, findings, **more)


def _facts(run: JudgedRun, claims: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    recording = run.recording
    about = recording.plan
    deadline_ms = float(about["deadline_ms"])
    return {
        "measurements": facts.measurements(recording),
        "claims": claims,
        "spans": facts.spans(recording),
        "operations": facts.operations(recording),
        "faults": facts.faults(recording),
        "observations": facts.observations(recording),
        "outages": facts.outages(run, deadline_ms),
        "load": facts.load(run, deadline_ms),
        "warnings": _warnings(recording),
        "host": {**about["host"], "disks": facts.disks(recording)},
        "provenance": {**about["provenance"], "seconds": facts.seconds(recording)},
    }


def unjudged(about: Mapping[str, Any], obstacle: Details) -> Result:
    """The result of a run that could not be made: unknown, and why."""
    return _result(about, [finding("run.made", RUN, obstacle)])


def _obstacle(told: Any) -> Details:
    """Why a run was not begun, as its run.json tells."""
    try:
        known = msgspec.convert(told, Answer)
        return msgspec.convert(known.details, CODES[known.code].details)
    except (KeyError, msgspec.ValidationError) as error:
        return codes.NotMade(f"its {PLAN} does not tell why ({type(error).__name__}: {error})", "")


def _result(about: Mapping[str, Any], findings: list[Finding], **more: Any) -> Result:
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
        outcome=merged([f.outcome for f in findings]),
        findings=tuple(with_sentence(f) for f in findings),
        waived=_waived(about, plan, findings),
        title=about["title"],
        reproduce=about["reproduce"],
        review=_review(about.get("review") or {}, findings),
        **{**empty, **more},
    )


def _review(review: Mapping[str, Any], findings: Sequence[Finding]) -> Mapping[str, Any]:
    """Of the review's rows those that these findings answer; empty for a system that has none."""
    if not review:
        return {}
    answered = {f.code for f in findings}
    return {**review, "codes": {code: rows for code, rows in review["codes"].items() if code in answered}}


def _complete(recording: Recording) -> list[Finding]:
    """On the recording itself: what broke the run off, and what is missing of it."""
    found = _broken_off(recording) or [codes.Complete(events=len(recording.events))]
    return [finding("run.recorded", RUN, details) for details in found]


def _because_broken_off(recording: Recording, findings: list[Finding]) -> list[Finding]:
    """The same; where the run was broken off, that is why what other findings ask about never came."""
    if not any(True for _ in (*recording.of(RunFailed), *recording.of(RunInterrupted))):
        return findings
    root = next((f for f in findings if f.code == code_of(NotSteady).name), findings[0])
    return [
        replace(f, because=(*f.because, root.id)) if f.id != root.id and CODES[f.code].absent else f for f in findings
    ]


def _broken_off(recording: Recording) -> list[Details]:
    """What broke a run off, and what its recording lacks; the cause first."""
    found: list[Details] = [
        (codes.BrokenOff if e.of_system else codes.BrokenOffElsewhere)(e.text, e.hint) for e in recording.of(RunFailed)
    ]
    found += [codes.Interrupted() for _ in recording.of(RunInterrupted)]
    error = recording.folder / "island.error"
    if error.exists():
        what, why, hint, *_ = (*error.read_text().split("\n"), "", "", "")
        found.append(codes.NoIsland(f"{what}: {why}", hint))
    if not recording.events:
        return found or [_last_words(recording.folder)]
    return found + [of_recording(problem) for problem in recording.problems]


def _last_words(folder: Path) -> Details:
    """What an island said that never got as far as an event, such as an interpreter it may not execute."""
    for log in (folder / "inside.log", folder / "island.log"):
        if said := last_line(log):
            return codes.Silent(log.name, said)
    return codes.Silent("", "")


def of_recording(problem: Problem) -> Details:
    """The code that says so."""
    match problem.kind:
        case "events_torn":
            return codes.EventsTorn(problem.count, problem.total)
        case "cut_short":
            return codes.CutShort()
        case "mixed":
            return codes.Mixed()
        case "file_missing":
            return codes.FileMissing(problem.about)
        case "file_changed":
            return codes.FileChanged(problem.about)
        case "samples_incomplete":
            return codes.SamplesIncomplete(problem.about)
        case "ledger_torn":
            return codes.LedgerTorn(problem.about)


def _left_out(recording: Recording, plan: Plan) -> list[Finding]:
    """What was planned and not done: operations the system lacks, rounds that were broken off."""
    check = "run.as_planned"
    lacking = dict.fromkeys(e.named for e in recording.of(NotProvided))
    missing = dict.fromkeys(e.named for e in recording.of(NotProvided) if not e.optional)
    found = [finding(check, Subject("step", name), codes.NotProvided(operation=name)) for name in missing]
    found += [
        finding(check, Subject("step", e.what), codes.LeftOut(what=e.what, why=e.why)) for e in recording.of(LeftOut)
    ]
    if stopped := next(recording.of(StopWhenMet), None):
        details = codes.Stopped(stopped.limit, stopped.value, stopped.allowed, stopped.said)
        return [*found, finding(check, RUN, details)]
    ends = [o.name for o in recording.operations if not o.on_our_backup]
    short: list[codes.Step] = []
    steps = plan.single_steps
    uncounted = {*HARNESS_STEPS, "seed", "status", *lacking}
    for name in dict.fromkeys(s.do for s in steps if s.do not in uncounted):
        once = sum(s.do == name and s.first_repeat_only for s in steps)
        each = sum(s.do == name and not s.first_repeat_only for s in steps)
        planned, done = once * (plan.repeat > 0) + each * (plan.warmup + plan.repeat), ends.count(name)
        if done < planned:
            short.append(codes.Step(name, done, planned))
    return [*found, finding(check, RUN, codes.StepsMissing(steps=short))] if short else found


def _checked(checker: Checker, run: JudgedRun) -> list[Finding]:
    """The checker's findings; an unknown in their place when it raises, or does not come to an end."""
    said: list[list[Finding] | BaseException] = []

    def ask() -> None:
        try:
            said.append(_said_by(checker, run))
        except BaseException as error:  # noqa: BLE001 - sys.exit(0) and pytest.fail, too: whatever a checker does, the run gets a verdict, and it is not a pass
            said.append(error)

    # A thread that nobody waits for at the end: nothing else leaves a checker that hangs behind.
    thread = threading.Thread(target=ask, name=f"checker-{checker.name}", daemon=True)
    thread.start()
    thread.join(CHECKER_LIMIT_S)
    subject = Subject("checker", checker.name)
    if not said:
        return [finding("run.judged", subject, codes.CheckerHung(checker=checker.name, limit_s=CHECKER_LIMIT_S))]
    if isinstance(said[0], KeyboardInterrupt):
        raise said[0]
    if isinstance(said[0], BaseException):
        return [finding("run.judged", subject, codes.CheckerCrashed(checker=checker.name, error=told(said[0])))]
    return said[0]


def _said_by(checker: Checker, run: JudgedRun) -> list[Finding]:
    findings = list(checker.check(run))
    known = {code_of(c).name for c in checker.codes}
    for found in findings:
        if not isinstance(found, Finding):
            raise TypeError(f"it gave a {type(found).__name__}, which is no Finding")
        if found.code not in known:
            raise TypeError(f"it gave {found.code}, which is not among its `codes` ({', '.join(sorted(known))})")
    return findings


def _warnings(recording: Recording) -> tuple[str, ...]:
    texts = [e.text for e in recording.of(Warned)]
    texts += [f"the system provides no {e.named}: not judged" for e in recording.of(NotProvided) if not e.optional]
    return tuple(dict.fromkeys(texts))


def _waived(about: Mapping[str, Any], plan: Plan, findings: list[Finding]) -> tuple[Mapping[str, Any], ...]:
    """Waives of this scenario while something is unknown: listed first, still not a pass. They hold or are expired by
    the day of the run, so that judging it again some day says the same."""
    unknown = any(f.outcome == "unknown" for f in findings)
    began = about["provenance"].get("started_utc")
    today = datetime.fromisoformat(began).date() if began else datetime.fromtimestamp(now().wall_ns / NS, UTC).date()
    return tuple(
        {**w, "expired": today > date.fromisoformat(w["until"])}
        for w in about["waives"]
        if unknown and w["name"] in (plan.scenario, f"{plan.scenario}:{plan.cell}")
    )
