"""deploydrill discriminate on the tiny system: one flaw that is caught, and one that is none and so escapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.command import deploydrill
from tests.e2e.live_run import SCENARIOS, tiny_copy


@pytest.mark.island
def test_a_flaw_is_caught_by_its_codes_and_one_that_shows_nothing_escapes(tmp_path: Path) -> None:
    out, system = tmp_path / "out", tiny_copy(tmp_path / "tiny")
    words = ("--system", system, "--scenarios", SCENARIOS, "--out", out, "--no-live")
    done = deploydrill("discriminate", "quick:backup", *words)
    assert done.exit == 1, done.out + done.err
    document = json.loads((done.report / "discriminate.json").read_text())
    marks = {run["row"]: run["mark"] for run in document["runs"]}
    assert marks == {"clean-1": "quiet", "flaw-no_backup": "caught", "flaw-harmless": "escaped"}
    assert [flaw["found"] for flaw in document["flaws"]] == [["operation.failed"], []]
    assert "flaws=2 caught=1 escaped=1 undecided=0 clean=1 false_alarms=0" in done.out.splitlines()[-1]
    assert (done.report / "flaw-no_backup" / "quick-backup" / "report.html").exists()
