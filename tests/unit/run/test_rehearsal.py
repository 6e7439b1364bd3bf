"""The steps of a rehearsal: what the system does not provide is recorded as such, never replaced by something else."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from harness.run.rehearsal import Rehearsal
from harness.scenario import Step


@dataclass
class Kit:
    """Stands for operations and recorder: remembers which version was asked for, and what was recorded."""

    asked: list[str] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)

    def run(self, order: Any, wanted: str) -> Any:
        self.asked.append(order.version)
        return SimpleNamespace(exit=0, id="deploy-1")

    def event(self, kind: str, **fields: Any) -> None:
        self.events.append((kind, str(fields.get("operation", ""))))


def rehearsal(kit: Kit, broken: str) -> Rehearsal:
    """One whose system has the versions 1, 2 and ``broken``, without a stage."""
    made = Rehearsal.__new__(Rehearsal)
    operations = {"deploy": SimpleNamespace(restores=False)}
    parts = {
        "_config": SimpleNamespace(versions=SimpleNamespace(old="1", new="2", broken=broken), operations=operations),
        "_operations": kit,
        "_recorder": kit,
        "_system": SimpleNamespace(recovered=lambda _: True, version=lambda: "1"),
        "_stage": SimpleNamespace(watch_versions=lambda: None),
        "_version": "1",
        "_repeat": 0,
        "_warmup": False,
        "_derailed": "",
    }
    for name, part in parts.items():
        setattr(made, name, part)
    return made


def test_a_broken_version_the_system_lacks_is_not_replaced_by_the_new_one() -> None:
    kit = Kit()
    rehearsal(kit, "")._take(Step("deploy", version="broken"))
    assert kit.asked == []
    assert kit.events == [("not_provided", "deploy of a broken version")]


def test_a_broken_version_the_system_has_is_deployed() -> None:
    kit = Kit()
    rehearsal(kit, "2-broken")._take(Step("deploy", version="broken"))
    assert kit.asked == ["2-broken"]
