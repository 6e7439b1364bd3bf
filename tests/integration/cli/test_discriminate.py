"""deploydrill discriminate around its runs: what is made, what is not made twice, and what the command ends with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import campaign
from harness.campaign.flaws import discrimination
from harness.campaign.options import Options
from harness.campaign.outside import Signals
from harness.checkers.core.codes import OperationEnd, finding
from harness.checkers.operations.operation_codes import OperationFailed, OperationsEnded
from harness.cli import discriminate as verb
from harness.errors import HarnessError
from harness.judge.judge import _result
from harness.model import Result, Subject
from harness.plan import Plan, staging_path
from harness.report.documents.discrimination import NAME
from tests.e2e.live_run import SCENARIOS, tiny_copy


class Islands:
    """Stands in for the islands and their judge: red where a flaw is on, unless it is harmless. After ``number`` runs
    a signal comes, and the run that goes on is broken off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, tuple[str, ...], int]] = []
        self.signal_after = 1000
        monkeypatch.setattr(campaign, "rehearse", self._rehearse)
        monkeypatch.setattr(campaign, "judge", self._judge)
        for name in ("render_run", "render_missing"):
            monkeypatch.setattr(discrimination, name, lambda *_, **__: None)
        monkeypatch.setattr(discrimination.undo, "heal", lambda below: [])
        monkeypatch.setattr(Signals, "install", lambda *_, **__: None)

    def _rehearse(
        self, plan: Plan, _config: object, about: Mapping[str, Any], out: Path, _: object, signals: Signals, *__: object
    ) -> Path:
        folder = staging_path(out, plan.run)
        folder.mkdir(parents=True)
        self.made.append((plan.cell, plan.variants, plan.seed))
        if len(self.made) > self.signal_after:
            signals.number = 2
        kinds = ["interrupted"] if signals.stop else ["recording.complete"]
        lines = [json.dumps({"t": 1, "w": 1, "n": n, "kind": kind}) + "\n" for n, kind in enumerate(kinds)]
        (folder / "events.jsonl").write_text("".join(lines))
        (folder / "artefacts").mkdir()
        (folder / "run.json").write_text(json.dumps({"plan": plan.to_dict(), **about}))
        return folder

    def _judge(self, folder: Path, *_: object) -> Result:
        about = json.loads((folder / "run.json").read_text())
        red = about["plan"]["variants"] == ["no_backup"]
        end = OperationEnd("backup-1", int(red), 0.1, "nothing was copied" if red else "")
        answer = OperationFailed("backup", end) if red else OperationsEnded(1, end)
        return _result(about, [finding("operations.exit", Subject("run", ""), answer)])


@pytest.fixture
def islands(monkeypatch: pytest.MonkeyPatch) -> Islands:
    return Islands(monkeypatch)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(
        system=str(tiny_copy(tmp_path / "tiny")), scenario_dirs=(SCENARIOS,), flaws=("no_backup",), jobs=1, command="it"
    )


def go(options: Options, out: Path, clean: int = 2, **more: Any) -> int:
    return verb.discriminate(options, clean, False, out=out, live=False, **more)


def document(out: Path) -> Any:
    return json.loads((out / "latest" / NAME).read_text())


def test_a_matrix_in_which_all_is_as_expected_ends_with_0(
    islands: Islands, options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert go(options, out) == 0
    assert islands.made == [("backup", (), 1), ("backup", (), 2), ("backup", ("no_backup",), 1)]
    last = capsys.readouterr().out.splitlines()[-1]
    said = "outcome=pass flaws=1 caught=1 escaped=0 undecided=0 clean=2 false_alarms=0 report="
    assert last.startswith(said)
    assert Path(last.removeprefix(said)).exists()
    assert [r["mark"] for r in document(out)["runs"]] == ["quiet", "quiet", "caught"]
    assert list(out.glob("*/*/*/artefacts")) == []


def test_a_flaw_that_escapes_ends_with_1(islands: Islands, options: Options, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert go(replace(options, flaws=("harmless",)), out) == 1
    assert document(out)["flaws"][0]["mark"] == "escaped"


def test_after_a_signal_the_runs_that_were_broken_off_are_as_if_never_begun(
    islands: Islands, options: Options, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    islands.signal_after = 1
    assert go(options, out) == 130
    found = document(out)
    assert [r["mark"] for r in found["runs"]] == ["quiet", "not run", "not run"]
    assert found["outcome"] == "unknown"
    folder = (out / "latest").resolve()
    assert [p.parent.name for p in folder.glob("*/quick-backup")] == ["clean-1"]
    islands.made.clear()
    islands.signal_after = 1000
    assert go(Options(jobs=1, command="other"), out, resume="latest") == 0
    assert islands.made == [("backup", (), 2), ("backup", ("no_backup",), 1)]
    assert [p.name for p in out.iterdir() if not p.is_symlink()] == [folder.name]
    assert document(out)["provenance"]["command"] == "it"


def test_what_was_killed_leaves_what_is_finished_and_makes_the_rest_again(
    islands: Islands, options: Options, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    go(options, out)
    folder = (out / "latest").resolve()
    (folder / "flaw-no_backup" / "quick-backup" / "result.json").unlink()  # killed before it was judged
    shutil.rmtree(folder / "clean-2" / "quick-backup")
    staging_path(folder / "clean-2", "quick-backup").mkdir()  # killed while it was recorded
    islands.made.clear()
    assert go(Options(jobs=1), out, resume=str(folder)) == 0
    assert islands.made == [("backup", (), 2), ("backup", ("no_backup",), 1)]
    islands.made.clear()
    assert go(Options(jobs=1), out, resume=str(folder)) == 0
    assert islands.made == []


def test_on_resume_the_same_options_may_be_given_again_and_others_are_refused(
    islands: Islands, options: Options, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    go(options, out)
    given = {"system": "--system", "flaws": "--flaw", "scenario_dirs": "--scenarios", "clean": "--clean"}
    assert go(options, out, resume="latest", given=given) == 0
    with pytest.raises(HarnessError, match="--clean would make it something else than was begun"):
        go(options, out, clean=1, resume="latest", given=given)
    with pytest.raises(HarnessError, match="--seed would make it something else than was begun"):
        go(replace(options, seed=5), out, resume="latest", given={"seed": "--seed"})


def test_on_resume_more_rounds_may_be_asked_for(islands: Islands, options: Options, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(options, out)
    islands.made.clear()
    assert go(Options(jobs=1), out, clean=3, resume="latest", given={"clean": "--clean"}) == 0
    assert islands.made == [("backup", (), 3)]
    assert document(out)["options"]["clean"] == 3
    assert document(out)["false_alarms"][-1]["n"] == 3
    assert go(Options(jobs=1), out, clean=1, resume="latest") == 0
    assert document(out)["options"]["clean"] == 3


def test_a_system_that_was_changed_meanwhile_is_another_system(
    islands: Islands, options: Options, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    go(options, out)
    kit = Path(options.system) / "tiny.py"
    kit.write_text(kit.read_text() + "\n")
    with pytest.raises(HarnessError, match="its runs would be of two systems"):
        go(options, out, resume="latest")


@pytest.mark.parametrize(
    ("resume", "said"), [("latest", "there is none in"), ("/no/such/place", "there is no such folder")]
)
def test_nothing_to_go_on_with_is_told(options: Options, tmp_path: Path, resume: str, said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        go(options, tmp_path, resume=resume)


def test_two_at_once_in_one_folder_are_refused(islands: Islands, options: Options, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(options, out)
    with (
        discrimination.alone((out / "latest").resolve()),
        pytest.raises(HarnessError, match="another deploydrill is at it"),
    ):
        go(options, out, resume="latest")


def test_a_dry_run_prints_the_rows_and_runs_nothing(
    islands: Islands, options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(options, tmp_path / "out", dry_run=True) == 0
    assert "flaw-no_backup (seed 1): quick:backup" in capsys.readouterr().out
    assert islands.made == []
    assert not (tmp_path / "out").exists()
