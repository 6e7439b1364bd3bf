"""What a campaign leaves in the folder of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign import folder
from harness.campaign.options import Options
from harness.host.clock import now
from harness.report import render

pytestmark = pytest.mark.usefixtures("clock")


class Started:
    """A campaign of no runs; ``meanwhile`` is what happens while it goes on."""

    name = "quick-tiny-1"
    options = Options()
    selected = ()
    config = SimpleNamespace(file=Path("system.toml"))
    signals = SimpleNamespace(stop=False)
    outcome = not_run = staticmethod(lambda _: [])

    def __init__(self, staged: list[Path], meanwhile: Callable[[], object]) -> None:
        self._staged = staged
        self._meanwhile = meanwhile

    def results(self, staged: Path) -> Iterator[Any]:
        self._staged.append(staged)
        staged.mkdir(exist_ok=True)
        self._meanwhile()
        yield from ()


@pytest.mark.parametrize("when", ["meanwhile", "after"])
def test_two_campaigns_that_begin_in_the_same_second_have_a_folder_each(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    monkeypatch.setattr(folder, "now", lambda: at)
    monkeypatch.setattr(folder.undo, "UndoLog", lambda: SimpleNamespace(record=lambda *_: "key", done=lambda _: None))
    for name in ("write_campaign", "render_campaign"):
        monkeypatch.setattr(folder, name, lambda *_, **__: None)
    staged: list[Path] = []

    def other() -> tuple[Path, Any]:
        return folder.rehearse(Started(staged, lambda: None), tmp_path)  # type: ignore[arg-type]  # it has no runs

    first = Started(staged, other if when == "meanwhile" else lambda: None)
    folders = [folder.rehearse(first, tmp_path)[0]]  # type: ignore[arg-type]  # it has no runs
    if when == "after":
        folders.append(other()[0])
    assert len(set(staged)) == 2
    assert len([p for p in tmp_path.iterdir() if not p.is_symlink()]) == 2
    assert all(made.is_dir() and not made.name.startswith(".") for made in folders)


@pytest.mark.parametrize(
    ("alone", "order"),
    [(False, ["ended a", "ended b", "drawn a", "drawn b"]), (True, ["ended a", "drawn a", "ended b", "drawn b"])],
)
def test_nothing_is_drawn_while_a_neighbour_may_still_be_measured(
    alone: bool, order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def draw(run: Path) -> None:
        happened.append(f"drawn {run.name}")
        (run / render.PAGE).touch()

    class SideBySide(Started):
        selected = (SimpleNamespace(run="a"), SimpleNamespace(run="b"))  # type: ignore[assignment]

        def alone(self, _: object) -> bool:
            return alone

        def results(self, staged: Path) -> Iterator[Any]:
            for one in self.selected:
                (staged / one.run).mkdir()
                happened.append(f"ended {one.run}")
                yield one, SimpleNamespace(outcome="pass"), staged / one.run

    monkeypatch.setattr(folder.undo, "UndoLog", lambda: SimpleNamespace(record=lambda *_: "key", done=lambda _: None))
    for name in ("write_campaign", "write_result", "render_campaign"):
        monkeypatch.setattr(folder, name, lambda *_, **__: None)
    for module in (folder, render):
        monkeypatch.setattr(module, "render_run", draw)
    folder.rehearse(SideBySide([], lambda: None), tmp_path)  # type: ignore[arg-type]  # what it has of a campaign
    assert happened == order
