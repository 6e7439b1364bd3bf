"""The ``[claims]`` of a system.toml: what the team says, as Claims that checkers judge."""

from __future__ import annotations

import re

from harness.config.schema import MEASURED_OPERATIONS
from harness.config.table import Table
from harness.model import Claim

_LEVEL = re.compile(r"every|p\d{1,2}(\.\d+)?")
# A percentile is of what was done several times in a run. This is one total of it.
_OF_THE_RUN = "bad_requests"

# key -> (subject, measure): how a checker finds the claim it judges.
CLAIMS: dict[str, tuple[str, str]] = {
    "bad_requests": ("requests", "bad"),
    "deploy_lost_writes": ("deploy", "lost_writes"),
    "rollback_lost_writes": ("rollback", "lost_writes"),
    "restore_lost_s": ("restore", "lost_s"),
    "recovery_s": ("recovery", "duration_s"),
    **{f"{name}_s": (name, "duration_s") for name in MEASURED_OPERATIONS},
    **{f"{name}_outage_s": (name, "outage_s") for name in MEASURED_OPERATIONS},
}


def read_claims(table: Table) -> tuple[Claim, ...]:
    """Each is ``key = limit`` or ``key = { limit, level, source }``."""
    claims: list[Claim] = []
    for key, (subject, measure) in CLAIMS.items():
        if not isinstance(table.value(key, 0), dict):
            if key in table:
                claims.append(Claim(subject, measure, "<=", table.number(key)))
            continue
        inner = table.table(key)
        level = inner.text("level", "every")
        if not _LEVEL.fullmatch(level):
            inner.fail("level", f"is {level!r}", "every, or a percentile such as p95")
        if key == _OF_THE_RUN and level != "every":
            inner.fail("level", f"is {level!r}", f"leave it out: {key} holds in every run or not at all")
        source = inner.text("source", "system.toml [claims]")
        claims.append(Claim(subject, measure, "<=", inner.number("limit"), level, source))
        inner.end()
    table.end()
    return tuple(claims)
