"""Several operations of the kit at once: held together at a phase, free-running, and with a holder that is killed or
stands still past its lease."""

from harness import Cell, Edge, Scenario, Step, Together, Trigger, checkers, faults

_DEPLOY = Step("deploy", version="new", expect="any")
_ROLLBACK = Step("rollback", expect="any")
_BACKUP = Step("backup", expect="any")
# The first phase of each operation that changes something.
_MEET = (Edge("deploy.migrate", "start"), Edge("rollback.start", "start"), Edge("backup.copy", "start"))
_OFFSETS = (0.0, 0.5)
# Else there is nothing to roll back to.
_ONCE_BEFORE = (Step("deploy", version="new"), Step("read_back"))
# Afterwards the data is whole, and the kit works again without a person.
_AFTER = (Step("read_back"), Step("backup"))


def _free(*members: Step) -> Together:
    """Started within half a second of each other, as the seed says, and held nowhere."""
    return Together(tuple(Step(m.do, m.expect, m.version, offset_s=_OFFSETS) for m in members))


scenario = Scenario(
    name="concurrent_deployments",
    title="Several deployments at once",
    requirements=("R41", "R95", "R96", "R97", "R98"),
    checkers=(*checkers.standard(), checkers.EndState()),
    cells=(
        Cell(
            name="race-2",
            about="two deployments, the first inside held until the other is inside too or has given up",
            steps=(Together((_DEPLOY, _DEPLOY), _MEET), *_AFTER),
            checkers=(checkers.Exclusive(held=True), checkers.Winners()),
            budget_s=25,
        ),
        Cell(
            name="race-4",
            about="three deployments at once, and a fourth as soon as one has given up",
            steps=(
                Together((_DEPLOY, _DEPLOY, _DEPLOY, Step("deploy", "any", "new", after=1)), _MEET, patience_s=12),
                *_AFTER,
            ),
            checkers=(checkers.Exclusive(held=True), checkers.Winners()),
            budget_s=25,
        ),
        Cell(
            name="holder-killed",
            about="the deployment that has the lock is killed with the traffic half moved, while another waits for it",
            steps=(
                Together(
                    (
                        Step("deploy", "failure", "new"),
                        Step("deploy", "success", "new", after=Edge("deploy.start", "start")),
                    )
                ),
                *_AFTER,
            ),
            triggers=(Trigger(faults.ProcessKill(), Edge("deploy.switch", "stop")),),
            checkers=(checkers.Exclusive(), checkers.Winners()),
            budget_s=25,
        ),
        Cell(
            name="zombie",
            about="the deployment that has the lock stands still past its lease, and goes on when another has ended",
            steps=(
                # A lock without a lease stays with its holder: then the other is refused, and the first may succeed.
                Together((_DEPLOY, Step("deploy", "any", "new", after=Edge("deploy.switch", "start")))),
                *_AFTER,
            ),
            triggers=(Trigger(faults.ProcessPause(), Edge("deploy.switch", "start"), hold="other"),),
            checkers=(checkers.Exclusive(), checkers.Winners(), checkers.Fenced()),
            budget_s=25,
        ),
        Cell(
            name="mixed",
            about="a deployment, a roll-back and a backup at once",
            steps=(*_ONCE_BEFORE, Together((_DEPLOY, _ROLLBACK, _BACKUP), _MEET), *_AFTER),
            checkers=(checkers.Exclusive(held=True), checkers.Winners()),
            budget_s=25,
        ),
        Cell(
            name="race-8",
            about="eight deployments at once, the first inside held until the others have given up",
            steps=(Together((_DEPLOY,) * 8, _MEET, patience_s=20), *_AFTER),
            checkers=(checkers.Exclusive(held=True), checkers.Winners()),
            tier="full",
            budget_s=40,
        ),
        *(
            Cell(
                name=name,
                about=f"{about}, within half a second of each other and held nowhere",
                steps=(*before, _free(*members), *_AFTER),
                checkers=(checkers.Exclusive(), checkers.Winners(leave_within_s=15)),
                tier="full",
                repeat=3,
                budget_s=60,
            )
            for name, about, before, members in (
                ("free-2", "two deployments", (), (_DEPLOY,) * 2),
                ("free-4", "four deployments", (), (_DEPLOY,) * 4),
                ("free-8", "eight deployments", (), (_DEPLOY,) * 8),
                ("free-rollback", "a deployment and a roll-back", _ONCE_BEFORE, (_DEPLOY, _ROLLBACK)),
                ("free-backup", "a deployment and a backup", (), (_DEPLOY, _BACKUP)),
                ("free-mixed", "two of each", _ONCE_BEFORE, (_DEPLOY, _ROLLBACK, _BACKUP) * 2),
            )
        ),
    ),
)
