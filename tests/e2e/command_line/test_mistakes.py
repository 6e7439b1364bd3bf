"""What a person can get wrong, and what a kit can: one clear message or verdict each, the right exit code, no mess."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.island.island import KIND_VARIABLE
from tests.e2e.command import COMMAND, ROOT, TINY, Done, conclusive, deploydrill, refuted
from tests.e2e.host.test_deaths import notes_about
from tests.e2e.live_run import SCENARIOS, tiny_copy

QUICK = ("quick:backup", "--scenarios", SCENARIOS)
START = 'start = ["{python}", "{system}/tiny.py", "serve", "{port}"]'


def run(out: Path, *words: str | Path, env: dict[str, str] | None = None, before: Sequence[str] = ()) -> Done:
    return deploydrill("run", *words, "--out", out, "--no-live", env=env, before=before)


def here(capfd: pytest.CaptureFixture[str], *words: str | Path) -> Done:
    """The same in this process, for what ends before a run begins."""
    with pytest.raises(SystemExit) as ended:
        main(["run", *map(str, words)])
    assert isinstance(ended.value.code, int)
    out, err = capfd.readouterr()
    return Done(ended.value.code, out, err)


def refused(done: Done, code: int, *said: str) -> None:
    """One message: what, why, and what to try where the why does not say it already; nothing on stdout."""
    assert done.exit == code, done
    first, *more = done.err.strip().splitlines()
    assert re.match(r"deploydrill: \S.{20}", first)
    assert [line[:5] for line in more] == ["try: "] or re.search("must be|is required", first)
    for text in said:
        assert text in done.err
    assert done.out == ""


def unknown(done: Done, code: str, *said: str) -> None:
    """A whole report, whose first reason says what to mend."""
    assert (done.exit, done.found("fail")) == (3, [])
    first = done.found("unknown")[0]
    assert first["code"] == code
    for text in said:
        assert text in str(first["details"])
    assert done.out.splitlines()[-1].startswith("outcome=unknown ")


def nothing_changed(out: Path) -> None:
    """Not even the directory is made, and no undo record stays."""
    assert not out.exists() or list(out.iterdir()) == []
    assert notes_about(out) == []


# -- on the command line -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "lots"), "'--size': 'lots' is not a size: write it like 512m"),
        (("--size", "-5MB"), "'--size': '-5MB' is not a size"),
        (("--deadline", "soon"), "'--deadline': 'soon' is not a duration such as 90s"),
        (("--deadline", "0"), "'--deadline': '0' is not a duration"),
        (("--deadline", "nan"), "'--deadline': 'nan' is not a duration"),
        (("--repeat", "0"), "'--repeat': 0 is not in the range"),
        (("--users", "many"), "'--users': 'many' is not a valid integer"),
        (("--sede", "1"), "No such option"),
        (("--tier", "slow"), "'--tier': 'slow' is not one of 'quick', 'full'"),
        (("--system", "hardend"), "did you mean 'hardened'?"),
        (("--system", "/no/such/place"), "no bundled system and no file has that name"),
        (("--flaw", "lie"), "did you mean 'lies'?"),
        (("--scenarios", "/no/such/place"), "there is no such directory"),
        (("baselin",), "did you mean 'baseline'?"),
        (("baseline:twice",), "cells: round-trip, once"),
        (("",), "none has that name"),
    ],
)
def test_a_word_that_means_nothing_is_a_usage_error(
    words: tuple[str, ...], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    system = () if "--system" in words else ("--system", TINY)
    refused(here(capfd, *words, *system, "--out", tmp_path / "out"), 64, said)
    nothing_changed(tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--failed", "/no/such/place"), "/no/such/place: there is no such folder"),
        (("--failed",), "out/latest: there is no such folder"),
        (("--failed", str(ROOT / "tests")), "there is no campaign.json in it"),
        (("--failed", "x", "--seed", "2", "--flaw", "lies"), "--seed, --flaw would make it something else"),
        (("--failed=x", "baseline"), "SCENARIO would make it something else"),
    ],
)
def test_again_what_failed_needs_a_campaign_and_nothing_else(
    words: tuple[str, ...], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refused(here(capfd, *words, "--out", tmp_path / "out"), 64, said)
    nothing_changed(tmp_path / "out")


# -- in system.toml ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[limits]", "[service.moer]\n[limits]", "moer"),
        ("access_log =", "acess_log =", "did you mean 'access_log'?"),
        ("[claims]", "[claim]", "did you mean 'claims'?"),
        ("think_s = [0.05, 0.15]", 'think_s = "long"', "load.think_s"),
        ('"serve", "{port}"', '"serve", "{prot}"', "did you mean"),
        ('name = "tiny"', "name = tiny", "not TOML"),
        (START, "", "service.start"),
    ],
)
def test_a_mistake_in_system_toml_is_a_usage_error(
    old: str, new: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_copy(tmp_path / "tiny", (old, new))
    done = here(capfd, *QUICK, "--system", folder, "--out", tmp_path / "out")
    refused(done, 64, said, str(folder / "system.toml"))
    nothing_changed(tmp_path / "out")


def test_users_of_a_load_that_has_none_are_a_usage_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tiny_copy(tmp_path / "tiny", ("users = 4\nthink_s = [0.05, 0.15]", "arrival_rate = 60"))
    done = here(capfd, *QUICK, "--system", folder, "--users", "9", "--out", tmp_path / "out")
    why = f"load tiny with --users 9: it has no users: {folder / 'system.toml'} says arrival_rate = 60"
    refused(done, 64, why, "leave --users out")
    nothing_changed(tmp_path / "out")


@pytest.mark.island
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ('start = ["no-such-program"]', ("service.start: there is no program 'no-such-program'", "install it")),
        (
            'start = ["{python}", "{system}/tiny.py", "serve", "9999"]\nstart_deadline_s = 2',
            ("http://127.0.0.1:8080/ready was not ready after 2 s", "Connection refused", "check [service] url"),
        ),
        (
            """start = ["{python}", "-c", "import sys; sys.exit('no licence found')"]""",
            ("start the service of tiny: it exited with 1: no licence found", "by hand"),
        ),
    ],
    ids=["no-such-program", "another-port", "exits-at-once"],
)
def test_a_service_that_does_not_come_up_is_unknown(start: str, said: tuple[str, ...], tmp_path: Path) -> None:
    folder = tiny_copy(tmp_path / "tiny", (START, start))
    done = run(tmp_path / "out", *QUICK, "--system", folder)
    unknown(done, "run.broken_off", *said)


@pytest.mark.island
def test_a_command_of_the_kit_that_is_missing_is_named_before_anything_runs(tmp_path: Path) -> None:
    folder = tiny_copy(
        tmp_path / "tiny", ('command = ["{python}", "{system}/tiny.py", "restore"]', 'command = ["rstore"]')
    )
    done = run(tmp_path / "out", *QUICK, "--system", folder)
    unknown(done, "run.broken_off", "operations.restore.command: there is no program 'rstore'")
    assert not list(done.report.glob("*/operations/*.out"))


# -- on the host ---------------------------------------------------------------------------------------------------
def mounted(path: Path, options: str, then: str = "true") -> tuple[str, ...]:
    """The start of a command for which ``path`` is a memory file system; for it alone."""
    path.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o {options} test {path} && {then} && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh")


@pytest.mark.root
@pytest.mark.island
def test_without_toxiproxy_a_system_with_links_is_unknown_and_told_how_to_get_it(tmp_path: Path) -> None:
    links = """
[dependencies.store]
start = ["{python}", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
port = 9000
health = "tcp://127.0.0.1:{port}"
[links.offsite]
upstream = "store"
env = { OFFSITE_URL = "http://{link}/" }
"""
    folder = tiny_copy(tmp_path / "tiny", more=links)
    with_it = shutil.which("toxiproxy-server")
    path = [p for p in os.environ["PATH"].split(":") if with_it is None or Path(p) != Path(with_it).parent]
    (ROOT / ".tools").mkdir(exist_ok=True)
    hidden = mounted(ROOT / ".tools", "size=1m")
    done = run(tmp_path / "out", *QUICK, "--system", folder, before=hidden, env={"PATH": ":".join(path)})
    unknown(
        done,
        "run.broken_off_elsewhere",
        "there is no toxiproxy-server",
        "`make setup` builds one into .tools/",
    )


@pytest.mark.island
def test_a_fault_on_a_link_the_system_does_not_have_is_unknown_and_names_the_key(tmp_path: Path) -> None:
    folder = tiny_copy(tmp_path / "tiny")
    done = run(tmp_path / "out", "network_partition:upload-cut", "--system", folder)
    assert done.exit == 3
    (found,) = done.found("unknown")
    assert (found["code"], found["details"]) == ("run.system_lacks", {"keys": ["[links.offsite]"]})


@pytest.mark.island
def test_in_a_user_namespace_a_run_goes_to_its_end_on_memory_file_systems(tmp_path: Path) -> None:
    folder = tiny_copy(tmp_path / "tiny")
    done = run(tmp_path / "out", *QUICK, "--system", folder, env={KIND_VARIABLE: "user"})
    assert done.found("fail") == []
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, [])
    (result,) = done.results()
    assert "memory file system" in result["host"]["disks"]["data"]
    assert "user" in str(result["host"])


def test_without_namespaces_what_needs_them_is_unknown_and_says_so(tmp_path: Path) -> None:
    folder = tiny_copy(tmp_path / "tiny")
    before = set(Path(tempfile.gettempdir()).glob("drill-*"))
    done = run(tmp_path / "out", *QUICK, "disk_full:in-restore", "--system", folder, env={KIND_VARIABLE: "none"})
    assert (done.exit, done.found("fail")) == (3, [])
    outcomes = {r["scenario"]: r["outcome"] for r in done.results()}
    assert outcomes == {"quick": "pass", "disk_full": "unknown"}
    (found,) = done.found("unknown")
    assert (found["code"], found["details"]) == ("run.host_lacks", {"needs": ["sized_disk"]})
    done = run(tmp_path / "cut", "network_partition:upload-cut", "--system", folder, env={KIND_VARIABLE: "none"})
    assert done.exit == 3
    (found,) = done.found("unknown")
    assert (found["code"], found["details"]["needs"][:1]) == ("run.host_lacks", ["links"])
    assert set(Path(tempfile.gettempdir()).glob("drill-*")) <= before


def test_an_unknown_kind_of_island_is_a_usage_error(tmp_path: Path) -> None:
    refused(run(tmp_path / "out", *QUICK, "--system", TINY, env={KIND_VARIABLE: "desert"}), 64, "root, user, none")
    nothing_changed(tmp_path / "out")


@pytest.mark.root
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("size=8m", 69, "only 8.4 MB are free there, a run needs 256.0 MB"),
        ("size=512m,ro", 64, "Read-only file system"),
    ],
    ids=["full", "read-only"],
)
def test_a_place_for_reports_that_cannot_be_used_is_one_error(
    options: str, code: int, said: str, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    done = run(place, *QUICK, "--system", TINY, before=mounted(place, options))
    refused(done, code, str(place), said, "choose another place with --out")
    nothing_changed(place)


def test_reports_cannot_go_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "file"
    place.write_text("precious")
    refused(here(capfd, *QUICK, "--system", TINY, "--out", place), 64, f"write to {place}: it is not a directory")
    assert place.read_text() == "precious"


# -- of the kit ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def bad_kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """One deployment with each, at the same time: both take their time."""
    base = tmp_path_factory.mktemp("kits")
    system = tiny_copy(base / "tiny")
    words = ("quick:deploy", "--scenarios", SCENARIOS, "--system", system, "--flaw")
    with ThreadPoolExecutor() as pool:
        going = {flaw: pool.submit(run, base / flaw, *words, flaw) for flaw in ("lies", "hangs")}
        return {flaw: one.result() for flaw, one in going.items()}


@pytest.mark.island
def test_a_deploy_that_exits_0_without_doing_anything_fails(bad_kits: dict[str, Done]) -> None:
    done = bad_kits["lies"]
    refuted(done)
    (found,) = done.found("fail", "version.not_served_at_exit")
    told = {name: found["details"][name] for name in ("name", "version", "wanted", "later_s")}
    assert told == {"name": "deploy", "version": "1", "wanted": "2", "later_s": None}
    assert (found["details"]["end"]["id"], found["details"]["end"]["exit"]) == ("deploy-1", 0)


@pytest.mark.island
def test_what_failed_is_run_again_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("quick:backup", "--scenarios", SCENARIOS, "--system", tiny_copy(tmp_path / "tiny"), "--flaw", "no_backup")
    first = refuted(run(tmp_path / "out", *words))
    then = first.report
    planned = here(capfd, "--failed", then, "--dry-run")
    assert (planned.exit, planned.out.count("budget")) == (0, 2)  # one cell, and the line on all of them
    assert planned.out.startswith("quick:backup ")
    done = run(then.parent, "--failed")  # the latest there
    assert refuted(done).report != then
    assert done.codes("fail") == first.codes("fail")
    campaign = json.loads((done.report / "campaign.json").read_text())
    assert "run quick:backup" in campaign["reproduce"] and "--flaw no_backup --seed 1" in campaign["reproduce"]


@pytest.mark.island
def test_a_deploy_that_hangs_fails_and_says_what_it_waited_for(bad_kits: dict[str, Done]) -> None:
    done = bad_kits["hangs"]
    refuted(done)
    (found,) = done.found("fail", "operation.hung")
    assert found["details"]["end"]["id"] == "deploy-1"
    assert re.search("nanosleep|hrtimer", found["details"]["end"]["blocked_on"])


def test_a_reader_that_has_seen_enough_is_no_bug_of_ours() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m harness.cli list | head -1"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.startswith("baseline: ")
    assert done.stderr == ""


@pytest.mark.island
def test_a_run_whose_reader_has_seen_enough_ends_and_failed_nothing(tmp_path: Path) -> None:
    run = f"{COMMAND} verify {TINY} --out {tmp_path} 2>&1 | head -1; echo $PIPESTATUS"
    done = subprocess.run(["bash", "-c", run], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["3"]
