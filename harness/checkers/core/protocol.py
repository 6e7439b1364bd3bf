"""What a checker is: it answers questions about a judged run with findings, and never touches the system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from harness.checkers.core.codes import Details
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.judged_run import JudgedRun
from harness.model import Finding
from harness.plan import Step, Together


class Checker:
    """Subclass it as a frozen dataclass whose fields are the parameters. ``name``: the registered one (``exclusive``).
    ``codes``: the details classes of all findings it may give."""

    name: ClassVar[str]
    codes: ClassVar[tuple[type[Details], ...]]

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterable[str]:
        """What the checker needs and the kit does not provide, so that it could only answer unknown for a cell of these
        steps: texts that complete "the system needs ...", such as ``kit.missing_phase("backup.copy")`` yields.
        `verify` and `run --dry-run` print them. Nothing by default."""
        return ()

    def check(self, run: JudgedRun) -> Iterable[Finding]:
        """One finding for each subject the question is asked of, also when all is well. None at all: the run holds
        nothing of its kind (no claim, no fault, no restore). Evidence that should be there and is not, is an
        unknown."""
        raise NotImplementedError
