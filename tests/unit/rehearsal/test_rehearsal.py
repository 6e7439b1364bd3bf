"""The steps of a rehearsal: what the system does not provide is recorded as such, never replaced by something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.schema import OperationConfig, RequestTemplate
from harness.host.clock import now
from harness.model import NS, Edge
from harness.plan import Step
from harness.recording.events import Event, LeftOut, NotProvided
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal.damage import DamagedValidation
from harness.rehearsal.edges import Edges
from harness.rehearsal.steps import Round, Steps
from harness.rehearsal.younger_write import YoungerWrite
from harness.system.ledger_tail import LedgerTail
from harness.system.phases.gates import Gates

pytestmark = pytest.mark.usefixtures("clock")


@dataclass
class Kit:
    """Stands for operations and recorder: remembers which version was asked for, and what was recorded."""

    asked: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    wanted: list[tuple[str, str]] = field(default_factory=list)  # version afterwards, backup it is told
    unreadable: str = ""  # what is wrong with its status

    def run(self, order: Any, wanted: str) -> Any:
        self.asked.append(order.version)
        self.wanted.append((wanted, order.backup))
        return SimpleNamespace(exit=0, id="deploy-1")

    def record(self, event: Event) -> None:
        self.events.append(event)

    def status(self) -> Any:
        latest = "" if self.unreadable else "/backups/7.bak"
        return SimpleNamespace(latest=latest, artefacts=(), error=self.unreadable)


def steps(kit: Kit, broken: str, younger_write: Any = None) -> Steps:
    """Those of a system that has the versions 1, 2 and ``broken``."""
    nothing: Any = None
    operations = {
        "deploy": OperationConfig("deploy", ("kit", "deploy", "{version}")),
        "backup": OperationConfig("backup", ("kit", "backup")),
        "restore": OperationConfig("restore", ("kit", "restore", "{backup}")),
        "canary": OperationConfig("canary", ("kit", "canary", "{backup}"), own=True),
    }
    plan: Any = SimpleNamespace(versions={"old": "1", "new": "2", "broken": broken})
    system: Any = SimpleNamespace(
        config=SimpleNamespace(operations=operations),
        service=SimpleNamespace(recovered=lambda _: (True, 0), version=lambda: "1"),
    )
    back: Any = SimpleNamespace(restored_from="", restored=lambda: None)
    snapshots: Any = SimpleNamespace(
        seen=lambda *_: None, remember=lambda *_: None, listed=lambda *_: None, taken_ns=lambda _: (1, now().mono_ns)
    )
    kit_: Any = kit
    return Steps(plan, system, kit_, nothing, snapshots, back, nothing, younger_write, lambda: None, kit_)


def test_a_broken_version_the_system_lacks_is_not_replaced_by_the_new_one() -> None:
    kit = Kit()
    steps(kit, "").take(Step("deploy", version="broken", promises="2"), Round())
    assert kit.asked == []
    assert kit.events == [NotProvided(operation="deploy", of="a broken version")]


def test_a_broken_version_the_system_has_is_deployed() -> None:
    kit = Kit()
    steps(kit, "2-broken").take(Step("deploy", version="broken", promises="2-broken"), Round())
    assert kit.asked == ["2-broken"]


def test_an_operation_of_ones_own_is_a_step_that_owes_no_version_and_is_told_the_latest_backup() -> None:
    kit = Kit()
    made = steps(kit, "")
    made.take(Step("canary", version="new"), Round())
    made.take(Step("deploy", promises="2"), Round())
    assert kit.asked == ["2", "2"]
    assert kit.wanted == [("", "/backups/7.bak"), ("2", "")]
    assert [type(event).__name__ for event in kit.events] == ["Recovered", "Recovered"]


def test_after_an_operation_of_ones_own_no_version_is_owed_until_one_is_promised_again() -> None:
    kit = Kit()
    made = steps(kit, "")
    for do, promises in (("backup", ""), ("canary", ""), ("backup", ""), ("deploy", "2"), ("backup", "")):
        made.take(Step(do, promises=promises), Round())
    assert [version for version, _ in kit.wanted] == ["1", "", "", "2", "2"]


def test_a_restore_waits_for_a_write_that_came_after_its_backup(tmp_path: Path) -> None:
    config: Any = SimpleNamespace(
        service=SimpleNamespace(deadline_ms=2000),
        load=SimpleNamespace(write_rate=5.0, requests=(RequestTemplate("create", "write", 1, "POST", "/"),)),
    )
    before = now().mono_ns
    kit = Kit()
    waiting = YoungerWrite(config, LedgerTail(tmp_path))
    steps(kit, "", waiting).take(Step("backup"), Round())
    assert (now().mono_ns - before) / NS < 0.1
    steps(kit, "", waiting).take(Step("restore"), Round())
    assert kit.wanted[-1] == ("1", "/backups/7.bak")
    assert 3.0 <= (now().mono_ns - before) / NS < 3.2
    down = steps(kit, "", waiting)
    down.derailed, before = "the service did not recover after deploy-1", now().mono_ns
    down.take(Step("restore"), Round())
    assert (now().mono_ns - before) / NS < 0.1


def test_an_operation_that_would_be_told_a_backup_of_which_nobody_says_is_not_run() -> None:
    kit = Kit(unreadable="status printed no JSON object on stdout")
    steps(kit, "").take(Step("restore"), Round())
    assert kit.asked == []
    (left,) = kit.events
    assert isinstance(left, LeftOut) and left.what == "restore" and kit.unreadable in left.why


def test_what_goes_wrong_at_a_phase_of_the_kit_is_unknown_and_not_only_a_warning(tmp_path: Path) -> None:
    def failing(*_: object) -> None:
        raise FileNotFoundError("kit.log")

    triggers: Any = SimpleNamespace(on_edge=failing)
    gates = Gates(Edges(triggers, None, {"deploy"}).on_mark, lambda *_: None)
    gates.hold(now(), Edge("deploy.switch", "start"), "deploy-1")
    assert [(str(edge), why) for edge, why in gates.failures] == [("deploy.switch.start", "FileNotFoundError: kit.log")]
    gates.problem("not a phase mark: b'x'")
    recorder = Recorder(tmp_path)
    assert gates.record_failures(recorder) == ["not a phase mark: b'x'"]
    recorder.close()
    (left,) = Recording(tmp_path).of(LeftOut)
    assert left.what == "what was to be done at deploy.switch.start"
    assert left.why == "FileNotFoundError: kit.log"


# -- a copy of a backup in use is damaged, never the backup ---------------------------------------------------------
GOOD = b"all of it" * 100


@dataclass
class Validation:
    """Stands for operations and recorder: what the kit's validate was given, and what was left out."""

    latest: str
    folder: Path
    refuses: Callable[[str, bytes], bool] = lambda _name, _data: False
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def status(self) -> Any:
        return SimpleNamespace(latest=self.latest)

    def run(self, order: Any) -> Any:
        backup = Path(order.backup)
        file = backup / "data" if backup.is_dir() else backup
        what = order.damaged_how or (f"{order.put_back} again" if order.put_back else "yes" if order.on_copy else "")
        self.seen.append((what, data := file.read_bytes()))
        return SimpleNamespace(exit=int(self.refuses(what, data)))

    def record(self, event: LeftOut) -> None:
        self.left_out.append(event.why)


def damaged_validation(
    latest: Path, work: Path, refuses: Callable[[str, bytes], bool] = lambda _name, _data: False, attach: bool = True
) -> Validation:
    work.mkdir(exist_ok=True)
    kit = Validation(str(latest), work, refuses)
    config = SimpleNamespace(service=SimpleNamespace(attach=attach), operations={"validate": None})
    system: Any = SimpleNamespace(config=config, commands=SimpleNamespace(account=None))
    kit_: Any = kit
    DamagedValidation(system, kit_, kit_, work).run()
    return kit


def test_a_backup_in_use_stays_whole_while_copies_of_it_are_damaged(tmp_path: Path) -> None:
    backup = tmp_path / "7.bak"
    backup.write_bytes(GOOD)
    kit = damaged_validation(backup, tmp_path / "work")
    assert [what for what, _ in kit.seen] == ["yes", "flipped", "truncated", "empty"]
    assert all(data != GOOD for _, data in kit.seen[1:])
    assert backup.read_bytes() == GOOD and not kit.left_out
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("attach", [True, False])
def test_a_backup_is_put_back_and_accepted_before_it_is_damaged_in_another_way(tmp_path: Path, attach: bool) -> None:
    backup = tmp_path / "7.bak"
    backup.write_bytes(GOOD)
    kit = damaged_validation(backup, tmp_path / "work", lambda _, data: data != GOOD, attach)
    seen = ["flipped", "flipped again", "truncated", "truncated again", "empty"]
    assert [what for what, _ in kit.seen] == ["yes"] * attach + seen
    assert all((data == GOOD) == (what == "yes" or what.endswith("again")) for what, data in kit.seen)
    assert backup.read_bytes() == GOOD and not kit.left_out


@pytest.mark.parametrize(
    ("sees", "tried"),
    [(lambda data: data != GOOD, "flipped"), (lambda data: len(data) != len(GOOD), "truncated")],
    ids=["by its content", "by its length alone"],
)
def test_a_kit_that_strikes_off_by_name_is_not_asked_for_damage_it_would_not_look_at(
    tmp_path: Path, sees: Callable[[bytes], bool], tried: str
) -> None:
    backup = tmp_path / "7.bak"
    backup.write_bytes(GOOD)
    struck: list[bool] = []

    def refuses(_what: str, data: bytes) -> bool:
        struck.extend([True] * sees(data))
        return bool(struck)

    kit = damaged_validation(backup, tmp_path / "work", refuses, attach=False)
    assert [what for what, _ in kit.seen][-2:] == [tried, f"{tried} again"]
    assert kit.left_out == [
        f"validate refuses a backup that was {tried} and is whole again: "
        f"{'truncated, empty' if tried == 'flipped' else 'empty'} would show nothing"
    ]
    assert backup.read_bytes() == GOOD


def test_a_backup_whose_files_are_links_is_not_damaged_through_them(tmp_path: Path) -> None:
    base, backup = tmp_path / "base", tmp_path / "7"
    backup.mkdir()
    base.write_bytes(GOOD)
    (backup / "data").symlink_to(base)  # as backups do that share what has not changed
    kit = damaged_validation(backup, tmp_path / "work")
    assert base.read_bytes() == GOOD
    assert all(data == GOOD for _, data in kit.seen)
    (why,) = kit.left_out
    assert why.startswith(f"data of {backup} is a link out of it")


def test_a_backup_that_is_gone_or_too_large_to_be_copied_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "7.bak"
    assert "No such file" in damaged_validation(backup, tmp_path / "work").left_out[0]
    backup.write_bytes(GOOD)
    little = SimpleNamespace(f_bavail=len(GOOD), f_frsize=1)
    monkeypatch.setattr("harness.system.operations.os.statvfs", lambda _: little)
    kit = damaged_validation(backup, tmp_path / "work")
    assert kit.seen == []
    assert f"it has {len(GOOD)} bytes, and only {len(GOOD)} are free" in kit.left_out[0]
