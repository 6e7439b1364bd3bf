"""What the documents show is true: each system.toml is one, and the fault, checker and scenario of one's own run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.config.reader import read_system
from harness.config.schema import SystemConfig
from tests.documents import blocks
from tests.e2e.command import COMMAND, ROOT

DOCS = ROOT / "harness" / "docs"
FAULTS, CHECKERS = (ROOT / "harness" / name / "README.md" for name in ("faults", "checkers"))
SCENARIOS = ROOT / "scenarios" / "README.md"


def complete() -> str:
    """The complete system.toml."""
    return blocks(DOCS / "system-toml.md", "toml")[0]


def merged(whole: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A system.toml with what a page shows in its place; of a list of tables the first is the one that is meant."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            merged(whole[key], value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            merged(whole[key][0], value[0])
        else:
            whole[key] = value
    return whole


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, Any]) -> SystemConfig:
    monkeypatch.setattr("harness.config.reader.parse", lambda _: table)
    return read_system(tmp_path / "system.toml")


def test_the_complete_system_toml_is_one(tmp_path: Path) -> None:
    file = tmp_path / "system.toml"
    file.write_text(complete())
    config = read_system(file)
    assert set(config.operations) >= {"seed", "backup", "validate", "deploy", "rollback", "restore", "status"}


def test_backups_of_a_kit_without_status_fit_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, *shown = blocks(DOCS / "system-toml.md", "toml")
    found = []
    for text in shown:
        whole = tomllib.loads(complete())
        del whole["operations"]["status"]
        found.append(read(tmp_path, monkeypatch, merged(whole, tomllib.loads(text))).backups)
    files, snapshots = found
    assert files and files.glob == "{dir}/backup/*.dump"
    assert snapshots and snapshots.list == ("restic", "snapshots", "--compact")
    listing = "ID        Time                 Host  Size\n4f3c1a2b  2026-11-30 10:00:00  here  1.2 GiB\n1 snapshots\n"
    assert re.findall(snapshots.pattern, listing, re.MULTILINE) == ["4f3c1a2b"]


def test_the_phases_of_a_kit_that_is_not_to_be_changed_fit_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = blocks(DOCS / "phases.md", "toml")
    config = read(tmp_path, monkeypatch, merged(tomllib.loads(complete()), tomllib.loads(shown)))
    assert [p.name for p in config.phases] == ["backup.copy", "backup.verify"]
    assert config.user == "postgres"


def test_the_requests_of_the_page_of_clients_fit_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates, login, json_pages, total, no_json, own = blocks(DOCS / "clients.md", "toml")
    whole = tomllib.loads(complete())
    assert tomllib.loads(templates)["load"]["requests"] == whole["load"]["requests"]
    assert tomllib.loads(json_pages)["load"] == {"read_back": whole["load"]["read_back"]}
    config = read(tmp_path, monkeypatch, merged(whole, tomllib.loads(no_json)))
    assert config.service.version_pattern and config.load.requests[0].expect_status == (303,)
    assert config.load.read_back and config.load.read_back.next_pattern
    load = whole["load"] | tomllib.loads(login)["load"] | tomllib.loads(total)["load"]
    config = read(tmp_path, monkeypatch, whole | {"load": load})
    assert [step.path for step in config.load.login] == ["/auth/login"] and config.load.totals["rows"].with_writes
    assert tomllib.loads(own)["client"] == {"python": "{system}/client.py"}


def test_the_claims_of_the_page_of_timings_fit_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = blocks(DOCS / "timings.md", "toml")
    config = read(tmp_path, monkeypatch, tomllib.loads(complete()) | tomllib.loads(shown))
    assert {(c.key, c.limit, c.level) for c in config.claims} >= {
        ("deploy_outage_s", 3, "p95"),
        ("deploy_s", 30, "every"),
    }


def test_the_attached_system_of_its_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, guarded = blocks(DOCS / "attach.md", "toml")
    whole = tomllib.loads(complete())
    del whole["data"], whole["operations"]["seed"], whole["env"], whole["service"]["start"], whole["service"]["stop"]
    config = read(tmp_path, monkeypatch, merged(merged(whole, tomllib.loads(shown)), tomllib.loads(guarded)))
    assert config.limits.stop_when and config.limits.stop_when.bad_share == 0.2
    assert config.service.attach and config.limits.allow_hosts == ("shop.staging",)


def test_the_flaw_of_the_page_of_discrimination_is_the_bundled_one() -> None:
    (shown,) = blocks(DOCS / "discriminate.md", "toml")
    bundled = tomllib.loads((ROOT / "harness" / "bundled" / "reference" / "system.toml").read_text())
    assert tomllib.loads(shown)["variants"]["no_lock"] == bundled["variants"]["no_lock"]


def test_the_fault_of_the_example_is_short() -> None:
    assert len(blocks(FAULTS, "python")[0].strip().splitlines()) < 60


def test_the_tests_of_a_suite_name_cells_and_flaws_that_exist() -> None:
    (text,) = blocks(DOCS / "pytest.md", "python")
    compile(text, "pytest.md", "exec")
    for cell in re.findall(r'deploydrill\("([^"]+)"', text):
        scenario, _, name = cell.partition(":")
        assert registry.scenario(scenario, []).cell(name)
    variants = read_system(ROOT / "harness" / "bundled" / "reference" / "system.toml").variants
    assert set(re.findall(r'flaws=\["([^"]+)"', text)) <= set(variants)


@pytest.mark.island
def test_the_example_scenario_and_its_test_pass(tmp_path: Path) -> None:
    (fault,), (checker,), (scenario, test) = (blocks(page, "python") for page in (FAULTS, CHECKERS, SCENARIOS))
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "_says_why.py").write_text(checker)
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
