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

pytestmark = pytest.mark.usefixtures("clock")


class Started:
    """A campaign of no runs; ``meanwhile`` is what happens while it goes on."""

    name = "quick-tiny-1"
    options = Options()
    selected = ()
    config = SimpleNamespace(file=Path("system.toml"))
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
