"""The plan of one run, as plain data: all that is decided before anything happens. The same seed, the same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.config.operations import HARNESS_STEPS
from harness.errors import HarnessError
from harness.host.staging import staged
from harness.model import Edge, Kind, Source

Expect = Literal["success", "failure", "any"]
Version = Literal["", "old", "new", "broken"]
DiskKind = Literal["sized", "logged"]
Hold = Literal["operation", "other", "end"] | float
# Of these no member of a group can be made: what a restore takes away could not be told from what is lost.
ALONE = ("restore", "seed", *HARNESS_STEPS)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run does: an operation of the kit, or one of our own (``read_back``, ``validate_damaged``, ``wait``).

    ``version`` names one of [versions]; ``seconds`` is how long ``wait`` lets the load run on. The next two are for
    members of a ``Together``: one starts with the group, or once an edge was met (and the fault there is in), or once
    so many other members have ended; and then so many seconds later, of which a range is drawn from the run's seed.
    ``optional``: a system that has no such operation is none the worse for it.
    ``promises`` is filled in by the plan: the version that must answer once it succeeded; empty: none of its own.
    """

    do: str
    expect: Expect = "success"
    version: Version = ""
    first_repeat_only: bool = False
    seconds: float = 0.0
    after: Edge | int = 0
    offset_s: float | tuple[float, float] = 0.0
    optional: bool = False
    promises: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """Operations that run at the same time. A member that reaches an edge of ``barrier`` is held there until every
    other member has reached one of them too or has ended, but not for longer than ``patience_s``: so the race does not
    depend on luck. In a sound kit one member is held while the others give up. A restore cannot be a member: what it
    removes could not be told from lost writes.
    """

    members: tuple[Step, ...]
    barrier: tuple[Edge, ...] = ()
    patience_s: float = 10.0

    def __post_init__(self) -> None:
        alone = [m.do for m in self.members if m.do in ALONE]
        if alone or len(self.members) < 2:
            raise HarnessError(
                "build a Together",
                f"{alone[0]} cannot be a member" if alone else "it has fewer than two members",
                "members are operations of the kit, at least two",
            )

    @property
    def first_repeat_only(self) -> bool:
        return all(m.first_repeat_only for m in self.members)


@dataclass(frozen=True, slots=True)
class PowerCuts:
    """``cuts`` moments within the ``occurrence``-th ``operation`` (within its phases ``during``, when it marks them) or
    in the ``after_s`` seconds after it, and ``states`` states each: what was flushed; all that was written; then seeded
    subsets of what was not flushed, one write of each torn.

    ``nudge``: from the start of the operation on, an unrelated file is synced over and over, so that the file system
    writes down names and sizes long before data that nobody asked it to keep: it does so by itself, but only every few
    seconds, and so rarely within an operation.
    """

    operation: str
    during: tuple[str, ...] = ()
    occurrence: int = 1
    cuts: int = 1
    states: int = 3
    nudge: bool = False
    after_s: float = 0.0

    needs: ClassVar[tuple[str, ...]] = ("logged_disk",)

    def __str__(self) -> str:
        where = f"in {', '.join(self.during)} of" if self.during else "anywhere in"
        where += f" {self.operation} #{self.occurrence}"
        where += f" or in {self.after_s:g} s after it" if self.after_s else ""
        return f"power cut at {self.cuts} block write{'s' * (self.cuts > 1)} {where}, {self.states} states each"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault with every choice made, and where it lands: in the ``occurrence``-th operation that meets ``at``.
    ``parameters`` are plain values; ``targets`` says what it is done to (kind to name), ``effects`` what it does.
    ``source`` is None for a fault that comes with the harness. ``hold`` and ``share`` as in a Trigger."""

    id: str
    name: str
    parameters: Mapping[str, Any]
    targets: Mapping[str, str]
    effects: tuple[str, ...]
    at: Edge
    occurrence: int = 1
    hold: Hold = "operation"
    share: float = 0.0
    source: Source | None = None

    def described(self) -> dict[str, Any]:
        """As the recording and the report name it; without a time it lasts as long as the operation."""
        share = f" at {100 * self.share:g} % of its bytes" if self.share else ""
        if isinstance(self.hold, str):
            held = {"end": " to the end of the run", "other": " until another operation ends"}.get(self.hold, "")
        else:
            held = f" for {self.hold:g} s"
        return {
            "id": self.id,
            "name": self.name,
            "parameters": dict(self.parameters),
            "at": f"{self.at} #{self.occurrence}{share}{held}",
            "hold": self.hold,
            "effects": list(self.effects),
            "targets": dict(self.targets),
        }


@dataclass(frozen=True, slots=True)
class PlannedChecker:
    """A checker by its name and its parameters (plain values); ``source`` is None for one that comes with the
    harness."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run.json`` holds as ``plan``: what the inside half acts by, and what a run is judged by besides its
    recording. Steps, faults and checkers are data, with every choice that the seed leaves open made.

    ``versions``: what [versions] of the system names ``old``, ``new`` and ``broken``. ``fds`` are inherited descriptors
    of disk images; ``work`` the directory live work is done in.
    """

    run: str
    system: str
    system_name: str
    variants: tuple[str, ...]
    scenario: str
    cell: str
    seed: int
    size_bytes: int
    repeat: int
    warmup: int
    users: int
    kind: Kind
    work: str
    port: int
    python: str
    keep_data: bool
    fds: Mapping[str, int] = field(default_factory=dict)
    steps: tuple[Step | Together, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    checkers: tuple[PlannedChecker, ...] = ()
    power: PowerCuts | None = None
    disk: DiskKind = "sized"
    restart: bool = False
    reads_only: bool = False
    timing: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def single_steps(self) -> tuple[Step, ...]:
        """All steps in order, members of a group one by one."""
        return single_steps(self.steps)

    @property
    def links(self) -> tuple[str, ...]:
        """The links that faults of this run are on."""
        return tuple(dict.fromkeys(f.targets["link"] for f in self.faults if "link" in f.targets))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Plan:
        """What ``to_dict`` gave, also after JSON. KeyError or TypeError for anything else."""
        power = raw["power"]
        return cls(
            **{
                **raw,
                "variants": tuple(raw["variants"]),
                "steps": tuple(_group(s) if "members" in s else _step(s) for s in raw["steps"]),
                "faults": tuple(_fault(f) for f in raw["faults"]),
                "checkers": tuple(_checker(c) for c in raw["checkers"]),
                "power": power and PowerCuts(**{**power, "during": tuple(power["during"])}),
            }
        )


def single_steps(steps: Sequence[Step | Together]) -> tuple[Step, ...]:
    """All steps in order, members of a group one by one."""
    return tuple(s for step in steps for s in (step.members if isinstance(step, Together) else (step,)))


def _step(raw: Mapping[str, Any]) -> Step:
    after = raw["after"]
    return Step(**{**raw, "after": Edge(**after) if isinstance(after, Mapping) else after})


def _group(raw: Mapping[str, Any]) -> Together:
    members, barrier = (tuple(_step(m) for m in raw["members"]), tuple(Edge(**e) for e in raw["barrier"]))
    return Together(members, barrier, raw["patience_s"])


def _fault(raw: Mapping[str, Any]) -> PlannedFault:
    more = {"at": Edge(**raw["at"]), "effects": tuple(raw["effects"]), "source": _source(raw["source"])}
    return PlannedFault(**{**raw, **more, "parameters": _parameters(raw["parameters"])})


def _checker(raw: Mapping[str, Any]) -> PlannedChecker:
    return PlannedChecker(raw["name"], _parameters(raw["parameters"]), _source(raw["source"]))


def _parameters(raw: Mapping[str, Any]) -> dict[str, Any]:
    """As they were before JSON, which has lists for tuples."""
    return {name: _tuple(value) for name, value in raw.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(v) for v in value) if isinstance(value, list) else value


def _source(raw: Mapping[str, Any] | None) -> Source | None:
    return Source(**raw) if raw else None


def described_steps(steps: Sequence[Step | Together], power: PowerCuts | None) -> list[str]:
    """Steps in words, for the plan and --dry-run."""
    said = [_in_words(s) for s in steps]
    return [*said, f"then, in what was recorded: {power}"] if power else said


def _in_words(step: Step | Together) -> str:
    if isinstance(step, Together):
        barrier = f", held at {' or '.join(map(str, step.barrier))}" if step.barrier else ""
        return f"together{barrier}: {'; '.join(_in_words(m) for m in step.members)}"
    after = f" after {step.after}{'' if isinstance(step.after, Edge) else ' ended'}" if step.after else ""
    offset = f" + {step.offset_s} s" if step.offset_s else ""
    return f"{step.do}{f' {step.version}' if step.version else ''}{after}{offset} (expect {step.expect})"


def staging_path(out: Path, run: str) -> Path:
    """Where a run is recorded until it is judged: hidden, so that `reports/` shows finished runs only."""
    return staged(out / run)
