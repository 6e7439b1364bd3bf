"""What README and reference page show is true: the system.toml is one, the scenario runs, and its test passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from harness import registry
from harness.config.reader import read_system
from tests.e2e.command import COMMAND, ROOT

README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "harness" / "docs" / "system-toml.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_complete_system_toml_is_one(tmp_path: Path) -> None:
    (text,) = blocks("toml", PAGE)
    file = tmp_path / "system.toml"
    file.write_text(text)
    config = read_system(file)
    assert set(config.operations) >= {"seed", "backup", "validate", "deploy", "rollback", "restore", "status"}


def test_what_it_shows_for_a_kit_that_is_not_to_be_changed_fits_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = blocks("toml", PAGE)
    (shown,) = re.findall(r"All of this is optional:\n\n((?:    .*\n)+)", PAGE)
    whole, more = tomllib.loads(text), tomllib.loads(textwrap.dedent(shown))
    whole["load"]["requests"][0] |= more["load"]["requests"][0]
    whole["load"]["read_back"] = more["load"]["read_back"]
    whole["service"] |= more["service"]
    merged = whole | {"user": more["user"], "phases": more["phases"]}
    monkeypatch.setattr("harness.config.reader.parse", lambda _: merged)
    config = read_system(tmp_path / "system.toml")
    assert [p.name for p in config.phases] == ["backup.copy", "backup.verify"]
    assert config.user and config.service.version_pattern and config.load.requests[0].expect_status == (303,)
    assert config.load.read_back and config.load.read_back.next_pattern


def test_the_fault_of_the_example_is_short() -> None:
    assert len(blocks("python")[0].strip().splitlines()) < 60


def test_the_tests_of_one_s_own_name_cells_and_flaws_that_exist() -> None:
    text = blocks("python")[3]
    compile(text, "README.md", "exec")
    for cell in re.findall(r'deploydrill\("([^"]+)"', text):
        scenario, _, name = cell.partition(":")
        assert registry.scenario(scenario, []).cell(name)
    variants = read_system(ROOT / "harness" / "bundled" / "reference" / "system.toml").variants
    assert set(re.findall(r'flaws=\["([^"]+)"', text)) <= set(variants)


@pytest.mark.island
def test_the_example_scenario_and_its_test_pass(tmp_path: Path) -> None:
    fault, scenario, test, _ = blocks("python")
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "_read_only_disk.py").write_text(fault)
    (tmp_path / "drills" / "read_only_disk.py").write_text(scenario)
    (tmp_path / "test_drills.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "."],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
