"""The team's monitors are gone, frozen, replaced by a liar or have stopped looking, while a deployment needs them."""

from itertools import product

from harness import Cell, Edge, Expect, Scenario, Step, Tier, Trigger, checkers, faults

_EDGES = {
    "backup": Edge("backup.copy", "start"),
    "start": Edge("deploy", "start"),
    "migration": Edge("deploy.migrate", "start"),
    "cut-over": Edge("deploy.switch", "start"),
}
# In the backup they go, and are still gone in the deployment after it.
_PLACES = {"backup": "the backup and the deployment after it", **{n: n for n in ("start", "migration", "cut-over")}}
_WORDS = {
    "killed": "killed",
    "frozen": "frozen past the time its word is stale",
    "lies": "replaced by a responder that repeats its last answer",
    "checks_dead": "left without the part that looks at the service",
}
_FAULTS = {
    "killed": faults.MonitorKilled,
    "frozen": faults.MonitorFrozen,
    "lies": faults.MonitorLies,
    "checks_dead": faults.MonitorChecksDead,
}
_WHICH: tuple[faults.Which, ...] = ("all", "one")


def _steps(broken: bool, expect: Expect, backup: bool) -> tuple[Step, ...]:
    """The deployment the fault is meant for, which version serves then, and a deployment with all monitors back."""
    first = Step("deploy", version="broken" if broken else "new", expect=expect)
    return (
        *((Step("backup"),) if backup else ()),
        first,
        Step("read_back"),
        Step("deploy", version="new"),
        Step("read_back"),
    )


def _cell(name: str, how: str, which: faults.Which, where: str, broken: bool = False, tier: Tier = "quick") -> Cell:
    who = "one of the monitors is" if which == "one" else "every monitor is"
    version = "a version that breaks under traffic" if broken else "a good version"
    # One monitor of several is enough to see by. A backup needs none.
    expect: Expect = "failure" if which == "all" else "any" if broken else "success"
    return Cell(
        name=name,
        about=f"{who} {_WORDS[how]} at {_PLACES[where]}, deploying {version}",
        steps=_steps(broken, expect, backup=where == "backup"),
        triggers=(Trigger(_FAULTS[how](which), _EDGES[where], hold="other" if where == "backup" else "operation"),),
        checkers=(checkers.Monitored(), checkers.BrokenVersion()),
        tier=tier,
        # All but a kill hold the kit at the edge until the word of the monitors is stale.
        budget_s=20 if how == "killed" else 25,
    )


def _broken(cell: Cell) -> bool:
    return any(isinstance(s, Step) and s.version == "broken" for s in cell.steps)


def _every_other(quick: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Each way by each place, version and number of monitors, that the quick cells do not have."""
    had = {(c.triggers, _broken(c)) for c in quick}
    whole = (
        _cell(
            f"{which}-{how.replace('_', '-')}-{where}-{'broken' if broken else 'good'}",
            how,
            which,
            where,
            broken,
            "full",
        )
        for how, where, broken, which in product(_FAULTS, _EDGES, (False, True), _WHICH)
    )
    return tuple(c for c in whole if (c.triggers, _broken(c)) not in had)


_QUICK = (
    _cell("one-killed", "killed", "one", "migration"),
    _cell("both-killed", "killed", "all", "cut-over"),
    _cell("both-frozen", "frozen", "all", "migration"),
    _cell("lies", "lies", "all", "migration"),
    _cell("checks-dead", "checks_dead", "all", "migration"),
    _cell("blind-broken", "killed", "all", "cut-over", broken=True),
    Cell(
        name="broken-seen",
        about="no fault: the monitors are what sees that a version breaks under traffic",
        steps=_steps(broken=True, expect="any", backup=False),
        checkers=(checkers.BrokenVersion(),),
        budget_s=20,
    ),
)

scenario = Scenario(
    name="monitor_crash",
    title="The monitors crash in a critical phase",
    requirements=("R57", "R99", "R100", "R101", "R124"),
    checkers=checkers.standard(),
    cells=(*_QUICK, *_every_other(_QUICK)),
)
