"""What a campaign leaves in the folder of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign.options import Options
from harness.cli import verbs
from harness.host.clock import now


class Started:
    """A campaign of no runs; ``meanwhile`` is what happens while it goes on."""

    name = "quick-tiny-1"
    options = Options()
    selected = ()
    config = SimpleNamespace(file=Path("system.toml"))

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
    monkeypatch.setattr(verbs, "now", lambda: at)
    monkeypatch.setattr(verbs.undo, "UndoLog", lambda: SimpleNamespace(record=lambda *_: "key", done=lambda _: None))
    for name in ("write_campaign", "render_campaign"):
        monkeypatch.setattr(verbs, name, lambda *_, **__: None)
    staged: list[Path] = []

    def other() -> tuple[Path, Any]:
        return verbs._rehearse(Started(staged, lambda: None), tmp_path)  # type: ignore[arg-type]  # it has no runs

    first = Started(staged, other if when == "meanwhile" else lambda: None)
    folders = [verbs._rehearse(first, tmp_path)[0]]  # type: ignore[arg-type]  # it has no runs
    if when == "after":
        folders.append(other()[0])
    assert len(set(staged)) == 2
    assert len([p for p in tmp_path.iterdir() if not p.is_symlink()]) == 2
    assert all(folder.is_dir() and not folder.name.startswith(".") for folder in folders)
