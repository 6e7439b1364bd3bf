"""The contract of what keeps the data: backup, validate, restore, status, the read-back, a stop and a start."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.backups.validation import RejectsDamage
from harness.checkers.contract.line import MARKS, Line, is_missing, look_after, not_provided, not_tried, run_of
from harness.checkers.core.codes import outcome_of
from harness.checkers.core.phrases import count, ended, last_line
from harness.checkers.core.sentences import sentence_of, with_sentence
from harness.checkers.data.acknowledged_writes import judge_kept
from harness.checkers.data.restore_exact import judge_restored
from harness.host.sizes import size
from harness.judged.judged_run import JudgedRun
from harness.model import Operation, merged
from harness.recording.events import Observed, ServiceRestarted, ServiceStopped, SystemUp
from harness.recording.history import acknowledged, not_told, returned
from harness.recording.recording import Recording

_STATUS = 'its last line is {"latest": PATH, "backups": [{"name", "path", "size", "eligible"}]}'


def _tried(recording: Recording, name: str) -> Operation | Line:
    """The first run of it, or the line that says why there is none that worked."""
    if is_missing(recording, name):
        return not_provided(name)
    runs = run_of(recording, name)
    if not runs:
        return not_tried(name)
    done = runs[0]
    if done.succeeded:
        return done
    if untold := not_told(recording, done):
        return Line("not seen", name, f"{ended(done)}; {untold}", _STATUS)
    hint = f"operations.{name}.deadline_s is how long it may take" if done.exit is None else "run it by hand"
    where = f"; it hung in {done.blocked_on}" if done.blocked_on else ""
    return Line("wrong", name, f"{ended(done)}{where}; {last_line(done.output)}", hint)


def backup(recording: Recording) -> Iterator[Line]:
    """Exit 0 with a new file that `status` names and that is really there."""
    done = _tried(recording, "backup")
    if isinstance(done, Line):
        yield done
        return
    looks = {o.label: o for o in recording.observations}
    after = look_after(recording, done)
    before = [o for o in looks.values() if o.stop_ns <= done.start_ns]
    if after is None or after.status_error:
        why = after.status_error if after else "nobody looked"
        yield Line("not seen", "backup", f"{ended(done)}; what it made is not known: {why}", _STATUS)
        return
    had = {a.path for o in before[-1:] for a in o.artefacts}
    fresh = [a for a in after.artefacts if a.path not in had]
    files = _files(recording, after.label)
    gone = [a for a in fresh if not files.get(a.path)]
    if not fresh:
        why = f"{ended(done)}, and status names no backup that was not there before"
        yield Line("wrong", "backup", why, f"exit 0 only with a new backup; {_STATUS}")
    elif gone:
        what = "is empty" if files.get(gone[0].path) == 0 else "does not exist"
        why = f"{ended(done)}, and {gone[0].path}, which status names, {what}"
        yield Line("wrong", "backup", why, "path in status is where the backup lies, in full")
    elif after.latest != fresh[-1].path and after.latest not in {a.path for a in fresh}:
        why = f"{ended(done)} and made {fresh[0].name}, but what status calls latest is {after.latest or 'null'}"
        yield Line("wrong", "backup", why, "latest is the path of what a restore would use")
    else:
        held = size(files[fresh[0].path] or 0)
        yield Line("ok", "backup", f"{ended(done)}; status names {fresh[0].name}, {held} on the disk")


def _files(recording: Recording, label: str) -> dict[str, int | None]:
    event = next((e for e in recording.of(Observed) if e.label == label), None)
    return dict(event.backup_files) if event else {}


def validate(recording: Recording) -> Iterator[Line]:
    """It accepts a good backup and refuses it truncated, with a byte changed, and empty."""
    done = _tried(recording, "validate")
    if isinstance(done, Line):
        yield done
        return
    found = [with_sentence(f) for f in RejectsDamage().check(JudgedRun(recording))]
    outcome, why = merged([f.outcome for f in found]), "; ".join(f.sentence for f in found)
    hint = "exit 0 only when the backup {backup} is whole and can be restored"
    if outcome == "pass":
        yield Line("ok", "validate", f"accepted a good backup in {done.seconds:.2f} s; {why}")
    else:
        yield Line(MARKS[outcome], "validate", why, hint)


def restore(recording: Recording) -> Iterator[Line]:
    done = _tried(recording, "restore")
    if isinstance(done, Line):
        yield done
        return
    look = look_after(recording, done)
    if look is None or look.found is None:
        why = look.error if look else "it was never read back"
        yield Line("not seen", "restore", f"{ended(done)}; what it brought back is not known: {why}")
        return
    answers = judge_restored(look)
    outcome, why = outcome_of(answers), sentence_of(answers)
    if outcome == "pass":
        yield Line("ok", "restore", f"{ended(done)}; {why}")
    else:
        hint = "replace the data by the backup {backup}, all of it or nothing, while writes come in"
        yield Line(MARKS[outcome], "restore", f"{ended(done)}; {why}", hint)


def status(recording: Recording) -> Iterator[Line]:
    looks = recording.observations
    bad = next((o for o in looks if o.status_error), None)
    if not looks:
        yield not_tried("status")
    elif bad and "status" in bad.not_provided:
        yield not_provided("status")
    elif bad:
        yield Line("wrong", "status", f"at {bad.label}: {bad.status_error}", _STATUS)
    else:
        said = {key for o in looks for key in o.said} | (
            {"offsite"} if any(o.offsite is not None for o in looks) else set()
        )
        told = f"; also tells {', '.join(sorted(said))}" if said else ""
        most = max(len(o.artefacts) for o in looks)
        yield Line("ok", "status", f"asked {count(len(looks), 'time')}, named up to {count(most, 'backup')}{told}")


def read_back(recording: Recording) -> Iterator[Line]:
    """It sees the writes of the ledger: those that were acknowledged before it began."""
    looks = recording.observations
    if not looks:
        yield not_tried("load.read_back")
        return
    last = looks[-1]
    first = next((o for o in looks if o.found is not None), None)
    if "read_back" in last.not_provided:
        hint = "add it, with write requests whose {token} and {payload} it gives back"
        yield Line("not provided", "load.read_back", "nothing can be said about acknowledged writes", hint)
    elif first is None or last.found is None:
        yield Line("wrong", "load.read_back", last.error, "its pointers name where items, token and payload stand")
    elif not (sent := acknowledged(first)):
        hint = "give [load] a write_rate, and a request of kind write"
        yield Line("not seen", "load.read_back", "no write was acknowledged before it", hint)
    elif not returned(first, sent):
        why = f"none of {count(len(sent), 'acknowledged write')} is among the {len(first.found or ())} entries it gave"
        yield Line("wrong", "load.read_back", why, "token has to be what {token} of the request was")
    else:
        answers = judge_kept(first)
        yield Line(MARKS[outcome_of(answers)], "load.read_back", sentence_of(answers))


def restart(recording: Recording) -> Iterator[Line]:
    """Stopped it does not answer, started again it has what it had. Nothing was written meanwhile."""
    about = "stop and start"
    if any(e.attached for e in recording.of(SystemUp)):
        yield Line("note", about, "not tried: it runs already, and is not ours to stop")
        return
    stopped = next(recording.of(ServiceStopped), None)
    started = next(recording.of(ServiceRestarted), None)
    if stopped is None:
        yield not_tried(about)
        return
    if stopped.still_answers:
        why = f"5 s after it was stopped its address still answered: {stopped.still_answers[:100]}"
        hint = "[service] stop has to end what start left behind; else somebody else is on that port"
        yield Line("wrong", about, why, hint)
        return
    if started is None:
        return  # `broken_off` has said why
    before = next((o for o in recording.observations if o.cause == "end"), None)
    after = next((o for o in recording.observations if o.cause == "restart"), None)
    if before is None or after is None or before.found is None or after.found is None:
        why = f"ready again after {started.seconds:.2f} s; whether it kept its data is not known: no read-back"
        yield Line("not seen", about, why)
        return
    lost = {f.token for f in before.found} - {f.token for f in after.found}
    if lost:
        why = f"{len(lost)} of {len(before.found)} entries are gone after it"
        yield Line("wrong", about, why, "what was acknowledged lies in data.dir when the service ends")
    else:
        kept = f"all {len(before.found)} entries are there"
        yield Line("ok", about, f"ready again after {started.seconds:.2f} s; {kept}")
