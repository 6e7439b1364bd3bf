"""The contract of what keeps the data: backup, validate, restore, status, the read-back, a stop and a start."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.backups.validation import RejectsDamage
from harness.checkers.contract import codes
from harness.checkers.contract.tried import Answer, look_after, tried
from harness.checkers.core.codes import Details, end_of
from harness.checkers.data.acknowledged_writes import judge_kept
from harness.checkers.data.restore_exact import judge_live_restored
from harness.judged.judged_run import JudgedRun
from harness.model import Operation
from harness.recording.events import Observed, ServiceRestarted, ServiceStopped, SystemUp
from harness.recording.history import acknowledged, returned
from harness.recording.recording import Recording

_ANSWER_CHARS = 100


def backup(recording: Recording) -> Iterator[Answer]:
    """Exit 0 with a new file that `status` names and that is really there."""
    done = tried(recording, "backup")
    yield "backup", _made(recording, done) if isinstance(done, Operation) else done


def _made(recording: Recording, done: Operation) -> Details:
    end, after = end_of(done), look_after(recording, done)
    if after is None or after.status_error:
        return codes.BackupNotKnown(end, after.status_error if after else "")
    before = [o for o in recording.observations if o.stop_ns <= done.start_ns]
    had = {a.path for o in before[-1:] for a in o.artefacts}
    fresh = [a for a in after.artefacts if a.path not in had]
    if not fresh:
        return codes.NoNewBackup(end)
    files = _files(recording, after.label)
    gone = [a.path for a in fresh if a.is_file and not files.get(a.path)]
    if gone:
        return codes.BackupFileMissing(end, gone[0], files.get(gone[0]) == 0)
    if after.latest not in {a.path for a in fresh}:
        return codes.LatestIsAnother(end, fresh[0].name, after.latest)
    return codes.BackupMade(end, fresh[0].name, files.get(fresh[0].path) or fresh[0].size)


def _files(recording: Recording, label: str) -> dict[str, int | None]:
    """Path of each backup that `status` named at a read-back -> the bytes of its file then."""
    event = next((e for e in recording.of(Observed) if e.label == label), None)
    return dict(event.backup_files) if event else {}


def validate(run: JudgedRun) -> Iterator[Answer]:
    """It accepts a good backup and refuses it truncated, with a byte changed, and empty."""
    done = tried(run.recording, "validate")
    if not isinstance(done, Operation):
        yield "validate", done
        return
    yield from (("validate", details) for _, details in RejectsDamage().answers(run.recording))


def restore(recording: Recording) -> Iterator[Answer]:
    done = tried(recording, "restore")
    if not isinstance(done, Operation):
        yield "restore", done
        return
    look = look_after(recording, done)
    if look is None or look.found is None:
        yield "restore", codes.RestoreNotKnown(end_of(done), look.error if look else "")
        return
    yield from (("restore", details) for details in judge_live_restored(recording, look))


def status(recording: Recording) -> Iterator[Answer]:
    looks = recording.observations
    bad = next((o for o in looks if o.status_error), None)
    if not looks:
        yield "status", codes.NotTried()
    elif bad and "status" in bad.not_provided:
        yield "status", codes.NotProvided("status")
    elif bad:
        yield "status", codes.StatusFailed(bad.label, bad.status_error)
    else:
        also = {key for o in looks for key in o.said}
        also |= {"offsite"} if any(o.offsite is not None for o in looks) else set()
        named = [a for o in looks for a in o.artefacts]
        latest = next((a.name for a in looks[-1].artefacts if a.path == looks[-1].latest), looks[-1].latest)
        kinds = tuple(sorted({a.kind for a in named if a.kind}))
        most = max(len(o.artefacts) for o in looks)
        yield "status", codes.StatusAnswered(len(looks), most, sorted(also), latest, kinds)


def read_back(recording: Recording) -> Iterator[Answer]:
    """It sees the writes of the ledger: those that were acknowledged before it began."""
    about, looks = "load.read_back", recording.observations
    first = next((o for o in looks if o.found is not None), None)
    if not looks:
        yield about, codes.NotTried()
    elif "read_back" in looks[-1].not_provided:
        yield about, codes.DataNotRead()
    elif first is None or looks[-1].found is None:
        yield about, codes.ReadBackFailed(looks[-1].error)
    elif not (sent := acknowledged(first)):
        yield about, codes.NoWrites()
    elif not returned(first, sent):
        yield about, codes.ForeignEntries(len(sent), len(first.found or ()))
    else:
        yield from ((about, details) for details in judge_kept(first))


def read(recording: Recording) -> Answer:
    """Whether the data can be read back at all, whatever is in it."""
    about, looks = "load.read_back", recording.observations
    if not looks:
        return about, codes.NotTried()
    if "read_back" in looks[-1].not_provided:
        return about, codes.DataNotRead()
    found = looks[-1].found
    return about, codes.ReadBackFailed(looks[-1].error) if found is None else codes.DataRead(len(found))


def restart(recording: Recording) -> Iterator[Answer]:
    """Stopped it does not answer, started again it has what it had. Nothing was written meanwhile."""
    about = "stop and start"
    if details := _restarted(recording):
        yield about, details
    for stopped in recording.of(ServiceStopped):
        if stopped.error:
            yield about, codes.StopFailed(stopped.error)
        if stopped.killed:
            yield about, codes.StopKilled(stopped.seconds)


def _restarted(recording: Recording) -> Details | None:
    if any(e.attached for e in recording.of(SystemUp)):
        return codes.NotOursToStop()
    stopped = next(recording.of(ServiceStopped), None)
    started = next(recording.of(ServiceRestarted), None)
    if stopped is None:
        return codes.NotTried()
    if stopped.still_answers:
        return codes.StillAnswers(stopped.still_answers[:_ANSWER_CHARS])
    if started is None:
        return None  # `broken_off` has said why
    before = next((o for o in recording.observations if o.cause == "end"), None)
    after = next((o for o in recording.observations if o.cause == "restart"), None)
    if before is None or after is None or before.found is None or after.found is None:
        return codes.RestartNotKnown(started.seconds)
    lost = {f.token for f in before.found} - {f.token for f in after.found}
    if lost:
        return codes.RestartLost(len(lost), len(before.found))
    return codes.Restarted(started.seconds, len(before.found))
