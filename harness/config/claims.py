"""The ``[claims]`` of a system.toml: what the team says, as Claims that checkers judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from harness.config.keys import Key, read_keys
from harness.config.operations import MEASURED_OPERATIONS
from harness.config.toml.shapes import Level, Number, Text
from harness.config.toml.table import Table
from harness.model import Claim

# A percentile is of what was done several times in a run. This is one total of it.
_OF_THE_RUN = "bad_requests"
SOURCE = "system.toml [claims]"


@dataclass(frozen=True, slots=True)
class ClaimLimit:
    """What a claim may say beside its limit."""

    limit: Annotated[float, Key(Number(), "The claim holds up to this number.", example="2")]
    level: Annotated[str, Key(Level(), "Every one of the measured values keeps the limit, or this share of them.")] = (
        "every"
    )
    source: Annotated[str, Key(Text(), "Who claims it; the report names it.", example='"the runbook"')] = SOURCE


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """How a checker finds the claim it judges, and what its key limits in words."""

    subject: str
    measure: str
    says: str
    example: str


CLAIMS: dict[str, ClaimKey] = {
    "bad_requests": ClaimKey(
        "requests", "bad", "Requests of load and probes that failed or came late, in a whole run with its warm-up.", "0"
    ),
    "deploy_lost_writes": ClaimKey("deploy", "lost_writes", "Acknowledged writes that a deployment loses.", "0"),
    "rollback_lost_writes": ClaimKey("rollback", "lost_writes", "Acknowledged writes that a rollback loses.", "0"),
    "restore_lost_s": ClaimKey("restore", "lost_s", "Seconds of work that a restore takes back.", "3600"),
    "recovery_s": ClaimKey("recovery", "duration_s", "Seconds from a fault's end to a healthy service.", "10"),
    **{
        f"{name}_s": ClaimKey(name, "duration_s", f"Seconds that a {name} takes.", "120")
        for name in MEASURED_OPERATIONS
    },
    **{
        f"{name}_outage_s": ClaimKey(name, "outage_s", f"Seconds of outage that a {name} makes.", "2")
        for name in MEASURED_OPERATIONS
    },
}


def read_claims(table: Table) -> tuple[Claim, ...]:
    """Each is ``key = limit`` or ``key = { limit, level, source }``."""
    claims: list[Claim] = []
    for key, known in CLAIMS.items():
        if not isinstance(table.value(key, 0), dict):
            if key in table:
                claims.append(Claim(known.subject, known.measure, table.at(key).number(), key=key))
            continue
        inner = table.table(key)
        said = read_keys(ClaimLimit, inner)
        inner.end()
        if key == _OF_THE_RUN and said["level"] != "every":
            inner.fail("level", f"is {said['level']!r}", f"leave it out: {key} holds in every run or not at all")
        claims.append(Claim(known.subject, known.measure, **said, key=key))
    table.end()
    return tuple(claims)
