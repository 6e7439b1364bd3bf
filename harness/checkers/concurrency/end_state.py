"""Between operations one version serves: the one last promised, on a schema it runs on, and nobody holds the lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Observation, Operation, Subject

_QUESTION = "service.end_state"


@code(
    "service.wrong_version_serves",
    "fail",
    title="Another version serves than promised",
    sentence="version {{ version }} serves, though {{ operation }} succeeded last and promised {{ promised }}",
    meaning="The operation that succeeded last promised a version, and clients get another one.",
    causes=("two operations moved the traffic one after the other", "the operation reports success before it switched"),
    look="the versions seen from outside in the timeline",
    hint="report success only once the promised version answers",
)
class WrongVersion(Details):
    version: str
    promised: str
    operation: str


@code(
    "service.kit_is_wrong_about_version",
    "fail",
    title="The kit is wrong about the version",
    sentence="the kit takes version {{ told }} for the one that serves; /version says {{ version }}",
    meaning="The kit's `status` names another version than the one that answers clients.",
    causes=("the kit's state file was written by an operation that lost", "the switch failed after it was noted"),
    hint="let `status` ask what serves, or note it once the switch is done",
)
class KitIsWrong(Details):
    version: str
    told: str


@code(
    "service.on_foreign_schema",
    "fail",
    title="A version serves on a foreign schema",
    sentence="version {{ version }} serves on schema {{ schema }}; it runs on {{ runs_on|join(', ') }}",
    meaning="By [versions] schemas the version in service does not run on the schema that the data has.",
    causes=("a migration of another operation was left half done", "a roll-back of the version left the schema"),
    look="[versions] schemas of the system.toml, and `status`",
    hint="migrate only what the version in service still runs on",
)
class ForeignSchema(Details):
    version: str
    schema: str
    runs_on: list[str]


@code(
    "service.lock_left_behind",
    "fail",
    title="The lock was left behind",
    sentence="with no operation under way the lock is held: {{ lock }}",
    meaning="`status` says who holds the lock although no operation of the kit is under way.",
    causes=("an operation ended without releasing it", "a lock has no lease, and its holder was killed"),
    hint="release the lock on every way out, or give it a lease",
)
class LockLeft(Details):
    lock: str


@code(
    "service.version_not_answered",
    "unknown",
    title="The version did not answer",
    sentence="/version did not answer",
    meaning="The service did not say which version it is, so it is not known what serves.",
    look="[service] version of the system.toml",
    hint="check [service] version and version_pattern",
)
class VersionSilent(Details):
    pass


@code(
    "service.status_failed",
    "unknown",
    title="The kit's status told nothing",
    sentence="status told nothing: {{ error }}",
    meaning="The kit's `status` failed, or printed no JSON object on stdout.",
    hint="run operations.status by hand: it prints one JSON object on stdout",
)
class StatusFailed(Details):
    error: str


@code(
    "service.status_incomplete",
    "note",
    title="The kit's status leaves keys out",
    sentence="`status` does not tell: {{ keys|join(', ') }}",
    meaning="What `status` does not tell is not checked: what the kit takes for the version in service, the schema of "
    "the data, whether its lock is free.",
    hint='let `status` print "version", "schema" and "lock" (null when free)',
)
class StatusIncomplete(Details):
    keys: list[str]


@code(
    "service.schemas_not_declared",
    "note",
    title="It is not declared which schemas fit",
    sentence="[versions] schemas does not say what version {{ version }} runs on",
    meaning="Without [versions] schemas nobody checks whether the version in service runs on the schema of the data.",
    hint="declare [versions] schemas",
)
class SchemasNotDeclared(Details):
    version: str


@code(
    "service.end_state_sound",
    "pass",
    title="The promised version serves, nothing is locked",
    sentence="version {{ version }} serves{% if operation %}, as {{ operation }} promised{% endif %}"
    "{% if schema %}, on schema {{ schema }}, which it runs on{% endif %}"
    "{% if lock_told %}; the lock is free{% endif %}",
    meaning="The version that answers is the one that was promised, and so is what the kit's `status` tells of "
    "`version`, `schema` and `lock`.",
)
class Sound(Details):
    """``schema`` is empty where nothing tells it, or which of them fit; ``lock_told``: whether `status` tells of it."""

    version: str
    schema: str
    operation: str
    lock_told: bool = True


@dataclass(frozen=True, slots=True)
class EndState(Checker):
    """By /version and by what the kit's ``status`` says of ``version``, ``schema`` and ``lock``. The data itself is
    judged by the ledger and the totals."""

    name: ClassVar[str] = "end_state"
    codes: ClassVar = (
        WrongVersion,
        KitIsWrong,
        ForeignSchema,
        LockLeft,
        VersionSilent,
        StatusFailed,
        StatusIncomplete,
        SchemasNotDeclared,
        Sound,
    )

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        for read_back in run.recording.observations:
            subject = Subject("read_back", read_back.label)
            answers = list(_wrong(read_back)) or list(_not_told(read_back)) or [_sound(read_back)]
            answers += _left_out(read_back)
            yield from (finding(_QUESTION, subject, details) for details in answers)


def _wrong(read_back: Observation) -> Iterator[Details]:
    status, version = read_back.said, read_back.version
    promised = _last_promise(read_back)
    if promised and version and version != promised.version_wanted:
        yield WrongVersion(version, promised.version_wanted, promised.id)
    if version and status.get("version") and str(status["version"]) != version:
        yield KitIsWrong(version, str(status["version"]))
    if "schema" in status and read_back.schemas and str(status["schema"]) not in read_back.schemas:
        yield ForeignSchema(version, str(status["schema"]), list(read_back.schemas))
    if status.get("lock"):
        yield LockLeft(str(status["lock"]))


def _not_told(read_back: Observation) -> Iterator[Details]:
    if not read_back.version:
        yield VersionSilent()
    if read_back.status_error and "status" not in read_back.not_provided:
        yield StatusFailed(read_back.status_error)


def _left_out(read_back: Observation) -> Iterator[Details]:
    """What is not checked, for nobody tells it."""
    missing = [key for key in ("version", "schema", "lock") if key not in read_back.said]
    if missing and (not read_back.status_error or "status" in read_back.not_provided):
        yield StatusIncomplete(missing)
    if read_back.version and not read_back.schemas:
        yield SchemasNotDeclared(read_back.version)


def _sound(read_back: Observation) -> Details:
    promised = _last_promise(read_back)
    keys = set(read_back.said)
    schema = str(read_back.said.get("schema") or "") if read_back.schemas else ""
    return Sound(read_back.version, schema, promised.id if promised else "", "lock" in keys)


def _last_promise(read_back: Observation) -> Operation | None:
    done = [
        o
        for o in read_back.operations
        if o.name in ("deploy", "rollback") and o.succeeded and o.version_wanted and o.stop_ns <= read_back.start_ns
    ]
    return max(done, key=lambda o: o.stop_ns, default=None)
