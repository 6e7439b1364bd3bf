"""What a campaign leaves in the folder of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign import folder
from harness.campaign.campaign import late_alone
from harness.campaign.options import Options
from harness.host.clock import now
from harness.model import Result
from harness.report import render
from harness.report.documents.result import read_document
from tests.unit.report import build

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


class Late(Started):
    """Cells with, for each, how often its harness is late before it is not."""

    alone = staticmethod(lambda _: False)

    def __init__(self, late: Mapping[str, int], retry_late: int) -> None:
        self.selected = tuple(SimpleNamespace(run=run, name=run) for run in late)  # type: ignore[assignment]
        self.options = Options(retry_late=retry_late)
        self.left = dict(late)
        self.made: list[str] = []

    def results(self, staged: Path, again: Sequence[Any] = ()) -> Iterator[Any]:
        for one in again or self.selected:
            (staged / one.run).mkdir()
            (staged / one.run / "number").write_text(str(len(self.made)))
            self.made.append(one.run)
            self.left[one.run] -= 1
            late = self.left[one.run] >= 0
            yield one, finished(one.run, *(("harness.late",) if late else ())), staged / one.run


def finished(run: str, *unknown: str) -> Result:
    """A pass, or what is unknown by these codes."""
    late = tuple(replace(build.answer("unknown", code, "late", code), matter="harness") for code in unknown)
    result = build.unknown() if unknown else build.passing()
    return replace(result, run=run, findings=(*late, build.answer("pass", "held", "held")))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn, and no undo record written."""
    monkeypatch.setattr(folder.undo, "UndoLog", lambda: SimpleNamespace(record=lambda *_: "key", done=lambda _: None))
    for name in ("render_campaign", "render_missing"):
        monkeypatch.setattr(folder, name, lambda *_, **__: None)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("late", "retries", "made", "outcomes", "attempts"),
    [
        ({"a": 1, "b": 0}, 1, ["a", "b", "a"], ["pass", "pass"], ["unknown", "pass"]),
        ({"a": 2, "b": 0}, 1, ["a", "b", "a"], ["unknown", "pass"], ["unknown", "unknown"]),
        ({"a": 2, "b": 0}, 3, ["a", "b", "a", "a"], ["pass", "pass"], ["unknown", "unknown", "pass"]),
        ({"a": 1, "b": 0}, 0, ["a", "b"], ["unknown", "pass"], []),
    ],
)
def test_what_was_late_is_run_again_at_the_end_as_often_as_asked_and_the_last_attempt_decides(
    late: Mapping[str, int], retries: int, made: list[str], outcomes: list[str], attempts: list[str], tmp_path: Path
) -> None:
    campaign = Late(late, retries)
    where, results = folder.rehearse(campaign, tmp_path)  # type: ignore[arg-type]  # what it has of a campaign
    assert (campaign.made, [r.outcome for r in results]) == (made, outcomes)
    run = read_document(where / "campaign.json")["runs"][0]
    assert [a["outcome"] for a in run["attempts"]] == attempts
    numbers = [(where / a["path"] / "number").read_text() for a in run["attempts"]]
    assert numbers == [str(i) for i, of in enumerate(made) if of == "a" and attempts]
    assert sorted(p.parent.name for p in where.glob("*/result.json")) == ["a", "b"]


@pytest.mark.parametrize(
    ("result", "again"),
    [
        (finished("a", "harness.late"), True),
        (finished("a", "harness.late", "fault.never_fired"), False),
        (finished("a", "fault.never_fired"), False),
        (finished("a"), False),
        (replace(finished("a", "harness.late"), outcome="fail"), False),
    ],
)
def test_only_what_is_unknown_for_lateness_alone_is_run_again(result: Result, again: bool) -> None:
    assert late_alone(result) is again


@pytest.mark.usefixtures("quiet")
def test_a_second_attempt_that_was_never_begun_leaves_the_first_one_in_its_place(tmp_path: Path) -> None:
    class Stopped(Late):
        def results(self, staged: Path, again: Sequence[Any] = ()) -> Iterator[Any]:
            yield from () if again else super().results(staged)

    where, (result,) = folder.rehearse(Stopped({"a": 1}, 1), tmp_path)  # type: ignore[arg-type]  # as above
    (run,) = read_document(where / "campaign.json")["runs"]
    assert (result.outcome, run["path"], run["attempts"]) == ("unknown", "a", [])
    assert (where / "a" / "result.json").exists() and not (where / "attempts").exists()


@pytest.mark.parametrize(
    ("alone", "order"),
    [(False, ["ended a", "ended b", "drawn a", "drawn b"]), (True, ["ended a", "drawn a", "ended b", "drawn b"])],
)
def test_nothing_is_drawn_while_a_neighbour_may_still_be_measured(
    alone: bool, order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def draw(run: Path, fork: bool) -> None:
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
