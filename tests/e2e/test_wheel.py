"""Installed from a wheel, away from any checkout, the command does what it does in one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.e2e.command import ROOT, Done, conclusive
from tests.e2e.live_run import SCENARIOS, tiny_copy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy of the sources, with what is installed here: nothing is fetched."""
    work = tmp_path_factory.mktemp("wheel")
    sources = work / "sources"
    sources.mkdir()
    for name in ("harness", "scenarios"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    argv = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-build-isolation", "--no-deps", "-q"]
    subprocess.run([*argv, "-w", str(work), str(sources)], check=True, timeout=120)
    (built,) = work.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that holds the wheel, and beside it what it depends on as installed here."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    argv = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "-q"]
    subprocess.run([*argv, "--no-index", "--no-deps", "--ignore-installed", str(wheel)], check=True, timeout=120)
    return environment / "bin" / "deploydrill"


def called(command: Path, folder: Path, *words: str, path: str = "") -> Done:
    env = {**os.environ, "PATH": path or os.environ["PATH"]}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(command), *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=150,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    kept = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(path.relative_to(ROOT))
        for name in ("harness", "scenarios")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(ours) > 200
    assert ours - kept == set()
    assert not [name for name in kept if "__pycache__" in name or name.startswith("tests/")]


def test_explain_and_list_know_the_scenarios_that_come_with_it(command: Path, tmp_path: Path) -> None:
    told = called(command, tmp_path, "explain", "disk_full")
    assert told.exit == 0 and "disk" in told.out
    listed = called(command, tmp_path, "list")
    assert listed.exit == 0
    assert {"baseline", "network_partition", "hardened", "naive"} <= {w.strip(":,") for w in listed.out.split()}
    assert [*tmp_path.iterdir()] == []


@pytest.mark.island
def test_a_system_of_ones_own_is_verified_and_rehearsed_from_an_empty_folder(command: Path, tmp_path: Path) -> None:
    tiny_copy(tmp_path / "tiny")
    here = tmp_path / "empty"
    here.mkdir()
    verified = called(command, here, "verify", "--system", "../tiny")
    assert "ok" in verified.out and verified.exit in (0, 3), verified.out + verified.err
    words = ("run", "quick:backup", "--scenarios", str(SCENARIOS), "--system", "../tiny", "--no-live")
    done = called(command, here, *words)
    assert done.report.is_relative_to(here / "reports"), done.out
    assert done.exit != 1, done.found("fail")
    conclusive(done)
    assert done.exit == 0, done.out + done.err
    (result,) = done.results()
    assert result["outcome"] == "pass" and result["provenance"]["commit"] == ""
    assert {"report.html", "report.md", "campaign.json"} <= {p.name for p in done.report.iterdir()}
    assert [p.name for p in here.iterdir()] == ["reports"]


@pytest.mark.island
def test_without_toxiproxy_on_path_a_cut_link_is_unknown_and_says_how_to_get_it(command: Path, tmp_path: Path) -> None:
    tools = [folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "toxiproxy-server").exists()]
    words = ("run", "network_partition:upload-cut", "--system", "hardened", "--no-live", "--json")
    done = called(command, tmp_path, *words, path=":".join(tools))
    assert done.exit == 3, done.out + done.err
    (result,) = (json.loads(p.read_text()) for p in tmp_path.glob("reports/latest/*/result.json"))
    (found,) = [f for f in result["findings"] if f["outcome"] == "unknown"]
    assert (found["code"], found["details"]) == ("run.host_lacks", {"needs": ["toxiproxy"]})
    told = called(command, tmp_path, "doctor", path=":".join(tools))
    assert "put the toxiproxy-server of a Toxiproxy release on PATH" in told.out
