"""What a fault is: what it lacks, how it is injected, how it is shown to have taken effect, how it is reverted."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from harness.model import Evidence

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

# Collects what reverts a fault; run in reverse order, each once.
Undo = Callable[[Callable[[], None]], None]
# What a fault may be done to.
TARGETS = ("link", "disk", "operation", "monitor", "service")
# What a fault may do: checkers ask for these, never for a fault by its name.
EFFECTS: Mapping[str, str] = {
    "pauses": "the operation it lands on stands still, and goes on later",
    "kills": "the operation it lands on is ended",
    "refuses_space": "its disk takes no more",
    "cuts": "no byte gets through its link, or no connection stays",
    "leaks": "some bytes get through its link all the same",
    "stalls": "its peer takes everything and answers nothing",
    "slows": "its link takes longer",
    "blinds": "its monitors see nothing",
    "refuses_writes": "its disk takes no write, for another reason than its size",
}


class Injection(Protocol):
    """A fault while it is in."""

    def confirm(self) -> Evidence:
        """Applied, by a probe of our own; asked once, right after the injection."""
        ...

    def lost_early(self) -> str:
        """What took the fault away before we did, in words; empty while it holds. Asked before it is reverted."""
        ...

    def observed_by(self, said: str) -> str:
        """What shows that the system met it, in its own words since the injection (``said``); empty: nothing does."""
        ...

    def reverted(self) -> bool:
        """Whether it is really gone, read back."""
        ...


@dataclass(frozen=True)
class Fault:
    """The base of every fault: a frozen dataclass whose fields are its parameters (plain values). A field that is given
    a (low, high) range of numbers gets its value from the run's seed.

    ``name`` is what it is called in plan and report. ``targets`` says what it is done to, and which field names that
    (kind to field; an empty field name for the operation it lands on): a subset of TARGETS. ``effects`` says what it
    does, in the words of EFFECTS, or in others that checkers of the user's own ask for. ``needs`` names what it needs
    of the host (HOST_NEEDS); without that its cell is unknown. One that is over at once (a kill) is reverted from the
    start.
    """

    name: ClassVar[str] = ""
    targets: ClassVar[Mapping[str, str]] = {}
    effects: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its fields by name, as plan and report have them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def aimed_at(self) -> Mapping[str, str]:
        """Kind to the name of what it is done to; an empty name for the operation it lands on."""
        return {kind: str(getattr(self, field)) if field else "" for kind, field in self.targets.items()}

    def resolved(self, rng: random.Random) -> Self:
        """Itself with every range drawn: a whole number where both ends are and the field is no float."""
        drawn: dict[str, float] = {}
        for f in fields(self):
            match getattr(self, f.name):
                case (int() as low, int() as high) if "float" not in str(f.type):
                    drawn[f.name] = rng.randint(low, high)
                case (int() | float() as low, int() | float() as high):
                    drawn[f.name] = round(rng.uniform(low, high), 3)
        return replace(self, **drawn)

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Injection:
        """Apply it; register what reverts it BEFORE each change. ``operation`` is the id of the one held at the edge
        (``system.running`` has its process)."""
        raise NotImplementedError
