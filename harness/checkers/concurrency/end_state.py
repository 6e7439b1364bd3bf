"""Between operations one version serves: the one last promised, on a schema it runs on, and nobody holds the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.model import Observation, Operation, Verdict


@dataclass(frozen=True, slots=True)
class EndState:
    """By /version and by what the kit's ``status`` says of ``version``, ``schema`` and ``lock``. The data itself is
    judged by the ledger and the totals."""

    judges: ClassVar[Literal["run", "observation"]] = "observation"
    name: ClassVar[str] = "end_state"
    requirement: ClassVar[str] = "R98"

    def check(self, observation: Observation) -> list[Verdict]:
        about = f"end state at {observation.label}"
        said = observation.said
        version = observation.version
        schema = str(said.get("schema"))
        measured = f"version {version or '?'}, schema {schema if 'schema' in said else '?'}"
        promised = _last_promise(observation)
        wrong: list[str] = []
        if promised and version and version != promised.attributes["version_wanted"]:
            wrong.append(
                f"version {version} serves, though {promised.id} succeeded last and promised "
                f"{promised.attributes['version_wanted']}"
            )
        if version and said.get("version") and str(said["version"]) != version:
            wrong.append(f"the kit takes version {said['version']} for the one that serves; /version says {version}")
        if "schema" in said and observation.schemas and schema not in observation.schemas:
            wrong.append(f"version {version} serves on schema {schema}; it runs on {', '.join(observation.schemas)}")
        if said.get("lock"):
            wrong.append(f"with no operation under way the lock is held: {said['lock']}")
        if wrong:
            return [Verdict("fail", about, measured, "; ".join(wrong), self.requirement)]
        untold = [text for missing, text in self._untold(observation) if missing]
        if untold:
            return [Verdict("unknown", about, measured, "; ".join(untold), self.requirement)]
        by = f", as {promised.id} promised" if promised else ""
        why = f"version {version} serves{by}, on schema {schema}, which it runs on; the lock is free"
        return [Verdict("pass", about, measured, why, self.requirement)]

    @staticmethod
    def _untold(observation: Observation) -> list[tuple[bool, str]]:
        said = observation.said
        keys = [key for key in ("version", "schema", "lock") if key not in said]
        return [
            (not observation.version, "/version did not answer"),
            (bool(observation.status_error), f"status told nothing: {observation.status_error}"),
            (bool(keys) and not observation.status_error, f"`status` does not tell: {', '.join(keys)}"),
            (
                bool(observation.version) and not observation.schemas,
                f"[versions] schemas does not say what version {observation.version} runs on",
            ),
        ]


def _last_promise(observation: Observation) -> Operation | None:
    done = [
        o
        for o in observation.operations
        if o.name in ("deploy", "rollback")
        and o.succeeded
        and o.attributes.get("version_wanted")
        and o.stop_ns <= observation.start_ns
    ]
    return max(done, key=lambda o: o.stop_ns, default=None)
