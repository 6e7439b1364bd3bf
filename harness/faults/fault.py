"""What a fault is: how it says what it lacks, how it is injected, how it is shown to have bitten, how it is healed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self

from harness.model import Evidence

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

# Collects what heals a fault; run in reverse order, each once.
Undo = Callable[[Callable[[], None]], None]


class Injection(Protocol):
    """A held fault while it is in."""

    def confirm(self) -> Evidence:
        """Applied, by a probe of our own; asked once, right after the injection."""
        ...

    def lost(self) -> str:
        """What took the fault away before we did, in words; empty while it holds. Asked before it is healed."""
        ...

    def felt(self, said: str) -> str:
        """What shows that the system met it, in its own words since the injection (``said``); empty: nothing does."""
        ...

    def healed(self) -> bool:
        """Whether it is really gone, read back."""
        ...


class HeldFault(Protocol):
    """A fault that stays until it is healed: partition, full disk, pause. One that is over at once (a kill) is healed
    from the start."""

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Plain values for the plan and the report."""
        ...

    def planned(self, rng: random.Random) -> Self:
        """Itself with every open choice made from the run's seed."""
        ...

    def needs(self, capabilities: Mapping[str, bool]) -> str:
        """What is missing for it here, in words; empty when nothing is. Asked when planning."""
        ...

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Injection:
        """Apply it; register what heals it BEFORE each change. ``operation`` is the id of the one held at the edge
        (``system.running`` has its process)."""
        ...
