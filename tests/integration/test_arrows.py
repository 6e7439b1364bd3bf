"""An arrow between the packages that points up is seen by what `make lint` runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from harness.host.checkout import ROOT


def arrows(root: Path) -> tuple[int, str]:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_an_arrow_that_points_up_is_seen(tmp_path: Path) -> None:
    for name in ("harness", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("bundled", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert arrows(tmp_path)[0] == 0
    (tmp_path / "harness" / "stats" / "upward.py").write_text("import harness.campaign.campaign\n")
    code, told = arrows(tmp_path)
    assert code == 1 and "harness.stats is not allowed to import harness.campaign" in told, told
