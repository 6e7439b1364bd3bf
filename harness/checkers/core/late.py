"""The one answer for all that cannot be told because the harness itself was late."""

from __future__ import annotations

from harness.checkers.core.claim_figures import ClaimFigures
from harness.checkers.core.codes import Details, code


@code(
    "harness.late",
    "unknown",
    title="The harness itself was late",
    sentence="the {{ who }} was late by {{ late_s|s }}{% if limit_s %} (limit {{ limit_s|s }}){% endif %}"
    "{% if affects %}, so it cannot be told {{ affects }}{% endif %}"
    "{% if requests %}; {{ requests|count('request') }} not counted{% endif %}",
    meaning="The prober, the load or the harness did not run when it was due. What it measured meanwhile may be its "
    "own slowness and not the system's, so nothing is concluded from it.",
    causes=("the machine is busy with other work", "it has too few cores for the load", "a virtual machine paused"),
    look="the CPU and the gaps in the timeline of the run",
    hint="run it again on an idle machine; `--retry-late` does so by itself",
    matter="harness",
)
class HarnessLate(Details):
    """``who``: prober, load or harness; ``late_s`` seconds, where ``limit_s`` would have been fine (0: any is too
    much). ``affects``: what cannot be told; ``requests``: how many are left out; ``claim``: what was measured for the
    claim that it is about, where it is about one."""

    who: str
    late_s: float
    limit_s: float = 0.0
    affects: str = ""
    requests: int = 0
    claim: ClaimFigures | None = None
