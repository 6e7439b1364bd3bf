"""The network fails while the kit works: the way off site, to a monitor, from the front to the service."""

from harness import Cell, Edge, Expect, Fault, Hold, Scenario, Step, Tier, Trigger, Version, checkers, faults

_LINK = "offsite"
_UPLOAD = Edge("backup.upload", "start")


def _upload_steps(expect: Expect, hold: Hold) -> tuple[Step, ...]:
    """A backup that was good, the one the fault hits, what a restore uses right after it, and the way back to normal.
    Under a fault that stays, no later backup can get its copy off site; a deployment needs none."""
    again = () if hold == "end" else (Step("backup"),)
    return (
        Step("backup"),
        Step("backup", expect=expect),
        Step("read_back"),
        Step("restore"),
        Step("read_back"),
        *again,
        Step("deploy", version="new"),
        Step("read_back"),
    )


def _upload(
    name: str, about: str, fault: Fault, *, share: float = 0.0, hold: Hold = "operation", full: bool = False
) -> Cell:
    # What is over in two seconds may be survived; what lasts as long as the upload may not be reported as a success.
    # Under cut_at and slow_drip, which let bytes through, Expectations takes a success whose copy is whole.
    expect: Expect = "failure" if isinstance(hold, str) else "any"
    return Cell(
        name=name,
        about=about,
        steps=_upload_steps(expect, hold),
        triggers=(Trigger(fault, _UPLOAD, occurrence=2, hold=hold, share=share),),
        checkers=(checkers.NoPartialLatest(), checkers.OffsiteCopies(), checkers.Restorable()),
        tier="full" if full else "quick",
        budget_s=40 if full else 25,
    )


_SHARES = (("edge", 0.0), ("50", 0.5), ("99", 0.99))
_HOLDS: tuple[tuple[str, Hold], ...] = (("2s", 2.0), ("operation", "operation"), ("end", "end"))
_CUTS: tuple[tuple[str, Fault], ...] = (
    ("both", faults.Partition(_LINK, "both")),
    ("out", faults.Partition(_LINK, "out")),
    ("in", faults.Partition(_LINK, "in")),
    ("stalled", faults.StalledPeer(_LINK)),
)


def _full() -> tuple[Cell, ...]:
    """Every kind where and as long as it makes a difference: a connection that is closed does not care how long the
    fault goes on, a byte count is a place of its own."""
    cells = [
        _upload(
            f"{kind}-{at}-{long}",
            f"{fault.name}, {kind}, at {at}, for {long}",
            fault,
            share=share,
            hold=hold,
            full=True,
        )
        for kind, fault in _CUTS
        for at, share in _SHARES
        for long, hold in _HOLDS
    ]
    dropped: tuple[tuple[str, Fault], ...] = (("down", faults.Down(_LINK)), ("reset", faults.Reset(_LINK)))
    cells += [
        _upload(f"{kind}-{at}", f"{fault.name} at {at}", fault, share=share, full=True)
        for kind, fault in dropped
        for at, share in _SHARES
    ]
    cells += [
        _upload(f"drip-{long}", f"slow_drip for {long}", faults.SlowDrip(_LINK), hold=hold, full=True)
        for long, hold in _HOLDS
    ]
    cells += [
        _upload(
            f"cut-at-{at}", f"the connection is closed after {at} % of the bytes", faults.CutAt(_LINK, share), full=True
        )
        for at, share in (("1", 0.01), ("50", 0.5), ("99", 0.99))
    ]
    return tuple(cells)


_DEPLOYED = (Step("deploy", version="new"), Step("read_back"), Step("rollback"), Step("read_back"))


def _monitor(name: str, link: str, full: bool) -> Cell:
    return Cell(
        name=name,
        about="one of the two monitors cannot be reached while a deployment needs their word",
        steps=_DEPLOYED,
        triggers=(Trigger(faults.Partition(link), Edge("deploy.check", "start")),),
        tier="full" if full else "quick",
        budget_s=20,
    )


def _front(name: str, about: str, link: str, phase: str, full: bool) -> Cell:
    return Cell(
        name=name,
        about=about,
        steps=(
            Step("deploy", version="new", expect="any"),
            Step("read_back"),
            Step("deploy", version="new"),
            *_DEPLOYED[1:],
        ),
        triggers=(Trigger(faults.Partition(link), Edge(phase, "start"), hold=2.0),),
        tier="full" if full else "quick",
        budget_s=25,
    )


def _of_link(link: str) -> tuple[Cell, ...]:
    """The cells of a link of a system's own, such as the one from the service to its database or queue: it is gone for
    a while as an operation begins. Whether the operation can work then is the system's own matter; afterwards all that
    was acknowledged is there, the kit works again, and what it takes for its latest backup can be restored."""
    after = (
        Step("read_back"),
        Step("backup"),
        Step("deploy", version="new"),
        Step("read_back"),
        Step("restore"),
        Step("read_back"),
    )
    ways: tuple[tuple[str, str, Fault, Tier], ...] = (
        ("cut", "cut both ways", faults.Partition(link), "quick"),
        ("dropped", "refused, and its connections closed", faults.Down(link), "full"),
        ("stalled", "stalled: all is accepted, and nothing answered", faults.StalledPeer(link), "full"),
    )
    return tuple(
        Cell(
            name=f"{link.replace('_', '-')}-{how}-{operation}",
            about=f"the link {link} is {said} for two seconds as a {operation} begins",
            steps=(*before, Step(operation, expect="any", version=version), *after),
            triggers=(Trigger(fault, Edge(operation, "start"), occurrence=1 + (operation == "backup"), hold=2.0),),
            checkers=(checkers.NoPartialLatest(), checkers.Restorable()),
            tier=tier,
            budget_s=30,
        )
        for how, said, fault, tier in ways
        for operation, version, before in _OF_LINK
    )


_OF_LINK: tuple[tuple[str, Version, tuple[Step, ...]], ...] = (
    ("backup", "", (Step("backup"), Step("read_back"))),
    ("deploy", "new", (Step("backup"),)),
)

scenario = Scenario(
    name="network_partition",
    title="The network fails",
    requirements=("R43", "R83", "R84", "R85", "R86"),
    checkers=checkers.standard(),
    of_link=_of_link,
    cells=(
        _upload("upload-cut", "the way off site is cut both ways when the upload begins", faults.Partition(_LINK)),
        _upload(
            "upload-half",
            "the way off site is cut both ways at half the upload, and whole again after two seconds",
            faults.Partition(_LINK),
            share=0.5,
            hold=2.0,
        ),
        _upload(
            "upload-99",
            "at 99 % of the upload no packet comes back any more, to the end of the run; a deployment goes on",
            faults.Partition(_LINK, "in"),
            share=0.99,
            hold="end",
        ),
        # At half: a store that was sent nothing at all yet may hang up by itself after a while.
        _upload(
            "stalled",
            "from half the upload on everything is accepted, nothing arrives and nothing is answered",
            faults.StalledPeer(_LINK),
            share=0.5,
        ),
        _upload("dropped", "the store is gone at half the upload", faults.Down(_LINK), share=0.5),
        _monitor("monitor-cut", "monitor_primary", full=False),
        _front(
            "front-cut",
            "the front is cut from the service for two seconds as a deployment begins to migrate",
            "service_blue",
            "deploy.migrate",
            full=False,
        ),
        _monitor("monitor-cut-other", "monitor_secondary", full=True),
        _front(
            "front-cut-new",
            "the front is cut from the new version for two seconds at the switch",
            "service_green",
            "deploy.switch",
            full=True,
        ),
        *_full(),
    ),
)
