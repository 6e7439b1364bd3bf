"""What is wrong with a scenario before any system is known: told with what was most likely meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from harness.checkers.core.codes import Code, code_of
from harness.checkers.core.sentences import unknown_names
from harness.config.suggest import did_you_mean, misspelt
from harness.errors import HarnessError
from harness.faults.fault import EFFECTS, TARGETS, Fault
from harness.host.host_needs import HOST_NEEDS
from harness.model import Edge
from harness.plan import DiskKind, Expect, PowerCuts, Step, Together, Version

if TYPE_CHECKING:
    from harness.scenario import Cell, Scenario, Trigger

# The disks of a run by the kind of disk a cell asks for.
DISKS = {"sized": ("data", "backup"), "logged": ("system",)}
_TIERS = ("quick", "full")
_HOLDS = ("operation", "other", "end")
_EVENTS = ("start", "stop")


def scenario(it: Scenario) -> None:
    """HarnessError for the first thing that makes no sense."""
    what = f"load the scenario {it.name!r}"
    _checkers(what, it.checkers)
    names = [c.name for c in it.cells]
    for name in names:
        if names.count(name) > 1:
            _refuse(what, f"it has two cells called {name!r}", "a cell is run by its name")
    for cell in it.cells:
        _cell(f"{what}, cell {cell.name!r}", cell)


def _cell(what: str, cell: Cell) -> None:
    _one_of(what, "tier", cell.tier, _TIERS)
    _one_of(what, "disk", cell.disk, get_args(DiskKind))
    if cell.repeat < 1 or cell.warmup < 0:
        _refuse(what, f"{cell.repeat} rounds after {cell.warmup} for warm-up", "repeat = 1 or more, warmup = 0 or more")
    if cell.power and cell.disk != "logged":
        _refuse(
            what, f"its power is to be cut, and its disk is {cell.disk!r}: nothing is logged there", 'disk="logged"'
        )
    for step in cell.steps:
        if not isinstance(step, Step | Together):
            _refuse(what, f"{step!r} is no step", 'Step("backup") or Together((Step(...), Step(...)))')
    for step in cell.single_steps:
        _step(what, step)
        if cell.reads_only and step.do not in ("read_back", "wait"):
            _refuse(what, f"it only reads, and has a step {step.do!r}", 'Step("read_back") and Step("wait", seconds=5)')
    for group in (s for s in cell.steps if isinstance(s, Together)):
        for edge in group.barrier:
            _edge(what, edge)
        for member in group.members:
            if not isinstance(member.after, Edge) and member.after >= len(group.members):
                why = f"{member.do} is to start after {member.after} others, and the group has {len(group.members) - 1}"
                _refuse(what, why, "after = how many other members have ended")
    for trigger in cell.triggers:
        _trigger(what, cell, trigger)
    if cell.power:
        _power(what, cell.power)
    _checkers(what, cell.checkers)


def _step(what: str, step: Step) -> None:
    what = f"{what}, step {step.do!r}"
    _one_of(what, "expect", step.expect, get_args(Expect))
    _one_of(what, "version", step.version, get_args(Version))
    if step.seconds < 0:
        _refuse(what, f"it is to wait for {step.seconds:g} s", "seconds = 0 or more")
    offsets = step.offset_s if isinstance(step.offset_s, tuple) else (step.offset_s,)
    if min(offsets) < 0 or len(offsets) > 2 or list(offsets) != sorted(offsets):
        _refuse(what, f"offset_s is {step.offset_s}", "seconds, or a (low, high) range of them, from 0 on")
    if isinstance(step.after, Edge):
        _edge(what, step.after)
    elif step.after < 0:
        _refuse(what, f"it is to start after {step.after} others", "after = how many other members have ended")


def _trigger(what: str, cell: Cell, trigger: Trigger) -> None:
    fault: Any = trigger.fault
    if not isinstance(fault, Fault):
        hint = "a fault is a frozen dataclass with the base Fault (harness/faults/README.md)"
        _refuse(what, f"{fault!r} is no fault", f"{fault.__name__}(...)" if isinstance(fault, type) else hint)
    what = f"{what}, fault {fault.name}"
    if not fault.name:
        _refuse(what, f"{type(fault).__name__} has no name", 'name: ClassVar[str] = "..."')
    _edge(what, trigger.at)
    if trigger.occurrence < 1:
        _refuse(what, f"occurrence is {trigger.occurrence}", "1 is the first operation that meets the edge")
    if isinstance(trigger.hold, str):
        _one_of(what, "hold", trigger.hold, _HOLDS, "or seconds")
    elif trigger.hold <= 0:
        _refuse(what, f"hold is {trigger.hold:g} s", f"seconds above 0, or {', '.join(_HOLDS)}")
    if not 0 <= trigger.share < 1:
        _refuse(what, f"share is {trigger.share:g}", "a share of the bytes: 0.5 is half of them, 0 the edge itself")
    aims = fault.aimed_at
    for kind in aims:
        _one_of(what, "target", kind, TARGETS)
    if not isinstance(fault.needs, tuple):
        _refuse(what, f"its needs are {fault.needs!r}", 'a tuple of names: needs = ("sized_disk",)')
    for effect in fault.effects:
        if effect not in EFFECTS and (meant := misspelt(effect, EFFECTS)):  # others are for checkers of the user's own
            _refuse(what, f"there is no effect {effect!r}", f"did you mean {meant!r}?")
    for need in fault.needs:
        _one_of(what, "need", need, tuple(HOST_NEEDS))
    if trigger.share and "link" not in aims:
        _refuse(what, "it has a share of bytes, and is on no link", "share is for faults on a link")
    if "disk" in aims:
        _one_of(what, "disk", aims["disk"], DISKS[cell.disk], f"of a cell whose disk is {cell.disk!r}")
    if "monitor" in aims:
        _one_of(what, "monitor", aims["monitor"], ("one", "all"))


def _power(what: str, power: PowerCuts) -> None:
    if min(power.occurrence, power.cuts, power.states) < 1 or power.after_s < 0:
        _refuse(what, f"{power}", "occurrence, cuts and states = 1 or more, after_s = 0 or more")


def _edge(what: str, edge: Any) -> None:
    if not isinstance(edge, Edge):
        _refuse(what, f"{edge!r} is no edge", 'Edge("backup.copy", "start")')
    _one_of(f"{what}, edge {edge}", "event", edge.event, _EVENTS)


def _checkers(what: str, checkers: Iterable[Any]) -> None:
    for checker in checkers:
        if isinstance(checker, type):
            _refuse(what, f"the checker {checker.__name__} is a class", f"{checker.__name__}()")
        lacking = [n for n in ("check", "name", "codes", "needs") if not hasattr(checker, n)]
        if lacking:
            hint = "a checker is a frozen dataclass with the base Checker (harness/checkers/README.md)"
            _refuse(what, f"{checker!r} is no checker: it has no {lacking[0]}", hint)
        for declared in map(code_of, checker.codes):
            if not declared.details.__module__.startswith("harness."):
                _templates(what, declared)


def _templates(what: str, code: Code) -> None:
    if strange := unknown_names(code):
        known = [*code.details.__struct_fields__, "subject"]
        _refuse(
            what,
            f"a template of the code {code.name} holds {strange[0]!r}, which its details do not have",
            did_you_mean(strange[0], known) or f"its details: {', '.join(known)}",
        )


def _one_of(what: str, field: str, value: str, known: Sequence[str], more: str = "") -> None:
    names = [n for n in known if n]
    if value in known:
        return
    hint = did_you_mean(value, names) or f"{', '.join(names)}{f' {more}' if more else ''}"
    _refuse(what, f"there is no {field} {value!r}", hint)


def _refuse(what: str, why: str, hint: str) -> NoReturn:
    raise HarnessError(what, why, hint)
