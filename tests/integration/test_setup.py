""".ci/setup in a checkout of its own, with stand-ins for uv, pip, go and apt-get: nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0

# Each stand-in notes its call; a file of the checkout changes what it does.
UV = """#!/bin/sh
[ "$1" != --version ] || { echo "uv 0.9.1 (stand-in)"; exit; }
echo "uv $*" >>calls
case "$1" in
venv)
    python3 -m venv --without-pip .venv && mv .venv/bin/python .venv/bin/real
    cp "$(command -v python-of-venv)" .venv/bin/python;;
pip)
    if [ -e meet ]; then : >uv-began; until [ -e go-began ]; do sleep 0.05; done; fi
    if [ -e uv-says ]; then cat uv-says; exit 1; fi
    printf '#!%s/.venv/bin/python\\n' "$PWD" >.venv/bin/deploydrill
    if [ -e hang ]; then : >uv-began; sleep 1000 & wait; fi;;
esac
"""
PYTHON = """#!/bin/sh
case "$*" in
"-m pip config"*) exit;;
"-m pip"*) echo "$*" >>calls;;
"-m ensurepip"*|"-m compileall"*) exit;;
*) exec "${0%/*}/real" "$@";;
esac
case "$*" in
*--require-hashes*) if [ -e pip-refuses-locked ]; then echo "ERROR: No matching distribution found"; exit 1; fi;;
esac
if [ -e pip-says ]; then cat pip-says; exit 1; fi
printf '#!%s/.venv/bin/python\\n' "$PWD" >.venv/bin/deploydrill
"""
GO = """#!/bin/sh
echo "go $*" >>calls
if [ -e meet ]; then : >go-began; until [ -e uv-began ]; do sleep 0.05; done; fi
if [ -e hang ]; then : >go-began; sleep 1000 & wait; fi
mkdir -p "$GOBIN" && echo server >"$GOBIN/server" && chmod +x "$GOBIN/server"
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with what set-up reads, and stand-ins first on PATH; what still runs in it afterwards is ended."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (
        ("uv", UV),
        ("go", GO),
        ("python-of-venv", PYTHON),
        ("apt-get", "#!/bin/sh\nexit 100\n"),
        ("nginx", "#!/bin/sh\n"),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    base = Path(sys._base_executable)  # type: ignore[attr-defined]  # CPython sets it, the stubs leave it out
    (tools / "python3").symlink_to(base.resolve())
    monkeypatch.setenv("PATH", f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin")
    root = tmp_path / "a checkout"
    root.mkdir()
    shutil.copytree(ROOT / ".ci", root / ".ci")
    shutil.copy(ROOT / "pyproject.toml", root)
    yield root
    for pid in running_in(root):
        os.kill(pid, signal.SIGKILL)


def set_up(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([".ci/setup"], cwd=checkout, capture_output=True, text=True, timeout=DEADLINE_S)


def ended(setup: subprocess.Popen[bytes]) -> int:
    """Its exit code; killed and reaped if it does not end."""
    try:
        return setup.wait(DEADLINE_S)
    finally:
        setup.kill()
        setup.wait()


def calls(checkout: Path) -> list[str]:
    noted = checkout / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running_in(folder: Path) -> list[int]:
    """Ids of the processes whose working directory is the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder and (process / "stat").read_text().split(") ")[-1][0] != "Z":
                found.append(int(process.name))
        except OSError:
            continue
    return found


def tools_of(checkout: Path) -> set[str]:
    return {p.name for p in (checkout / ".tools").iterdir()}


def test_python_and_toxiproxy_are_installed_side_by_side_and_the_second_call_installs_nothing(checkout: Path) -> None:
    (checkout / "meet").touch()  # each waits for the other
    done = set_up(checkout)
    assert done.returncode == 0, done.stderr
    assert [line.split(" --python")[0] for line in calls(checkout) if line.startswith("uv")] == ["uv venv"] + 2 * [
        "uv pip install"
    ]
    assert tools_of(checkout) - {"setup.log"} == {".lock", "toxiproxy-server"}
    assert (checkout / ".venv" / ".ready").exists()
    before = calls(checkout)
    again = set_up(checkout)
    assert (again.returncode, again.stderr, calls(checkout)) == (0, "", before)


def test_a_locked_list_that_changed_is_installed_into_the_same_environment(checkout: Path) -> None:
    assert set_up(checkout).returncode == 0
    with (checkout / ".ci" / "requirements.txt").open("a") as file:
        file.write("# renewed\n")
    (checkout / "calls").unlink()
    assert set_up(checkout).returncode == 0
    assert [line.split(" --python")[0] for line in calls(checkout)] == 2 * ["uv pip install"]


def test_a_checkout_that_was_moved_gets_a_new_environment(checkout: Path) -> None:
    assert set_up(checkout).returncode == 0
    moved = checkout.rename(checkout.with_name("elsewhere"))
    (moved / "calls").unlink()
    assert set_up(moved).returncode == 0
    assert calls(moved)[0].startswith("uv venv")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_all_parts_and_leaves_nothing_half_made(
    checkout: Path, number: signal.Signals, status: int
) -> None:
    (checkout / "hang").touch()
    # Of a job in the background SIGINT is ignored, which a shell that it starts can never trap.
    heard = partial(signal.signal, number, signal.SIG_DFL)
    setup = subprocess.Popen([".ci/setup"], cwd=checkout, stderr=subprocess.DEVNULL, preexec_fn=heard)
    until(lambda: (checkout / "uv-began").exists() and (checkout / "go-began").exists())
    setup.send_signal(number)
    assert ended(setup) == status
    until(lambda: running_in(checkout) == [])
    assert not (checkout / ".venv").exists()
    assert tools_of(checkout) <= {".lock", "setup.log"}
    (checkout / "hang").unlink()
    assert set_up(checkout).returncode == 0
    assert (checkout / ".venv" / ".ready").exists()


def test_an_interrupt_before_all_parts_are_known_by_their_ids_ends_those_that_are_started(checkout: Path) -> None:
    """The shell that runs it stops itself once it has started the last of them, and is interrupted there."""
    (checkout / "hang").touch()
    script = checkout / ".ci" / "setup"
    last = "} 9>&- &\n"
    assert script.read_text().count(last) == 1
    script.write_text(script.read_text().replace(last, f"{last}: >stands-still; kill -STOP $$\n"))
    setup = subprocess.Popen([".ci/setup"], cwd=checkout, stderr=subprocess.DEVNULL)
    try:
        until(lambda: (checkout / "stands-still").exists() and (checkout / "uv-began").exists())
        setup.send_signal(signal.SIGTERM)
    finally:
        setup.send_signal(signal.SIGCONT)
        status = ended(setup)
    assert status == 143
    until(lambda: running_in(checkout) == [])


def test_one_that_was_killed_starts_over(checkout: Path) -> None:
    (checkout / "hang").touch()
    setup = subprocess.Popen([".ci/setup"], cwd=checkout, stderr=subprocess.DEVNULL, start_new_session=True)
    until(lambda: (checkout / "uv-began").exists() and (checkout / "go-began").exists())
    parts = (Path("/proc") / str(setup.pid) / "task" / str(setup.pid) / "children").read_text().split()
    for group in [setup.pid, *map(int, parts)]:
        with suppress(ProcessLookupError):  # what says that it goes on is in the group of the first
            os.killpg(group, signal.SIGKILL)
    setup.wait(DEADLINE_S)
    (checkout / "hang").unlink()
    (checkout / ".venv" / "half-made").touch()
    assert set_up(checkout).returncode == 0
    assert not (checkout / ".venv" / "half-made").exists()
    assert tools_of(checkout) <= {".lock", "setup.log", "toxiproxy-server"}


def test_where_uv_fails_pip_installs_the_locked_list(checkout: Path) -> None:
    (checkout / "uv-says").write_text("error: no route to https://somewhere.example/simple\n")
    done = set_up(checkout)
    assert done.returncode == 0, done.stderr
    assert "setup: uv could not install the locked packages; pip tries, which takes longer" in done.stderr
    assert "-m pip install --require-hashes -r .ci/requirements.txt" in "\n".join(calls(checkout))
    assert "[reference,dev]" not in "\n".join(calls(checkout))
    assert "somewhere.example" in (checkout / ".tools" / "setup.log").read_text()


def test_where_the_locked_list_does_not_fit_pip_takes_what_pyproject_allows(checkout: Path) -> None:
    (checkout / "uv-says").write_text("error: no wheel\n")
    (checkout / "pip-refuses-locked").touch()
    done = set_up(checkout)
    assert done.returncode == 0, done.stderr
    assert "setup: the locked packages cannot be had for Python 3" in done.stderr
    assert calls(checkout)[-1].startswith("-m pip install -e .[reference,dev]")


def test_a_package_with_another_hash_is_not_taken_unlocked(checkout: Path) -> None:
    (checkout / "uv-says").write_text("  error: Hash mismatch for `rich==15.0.0`\n")
    done = set_up(checkout)
    assert done.returncode == 69
    assert "setup: a package is not the one that was locked" in done.stderr
    assert not any(line.startswith("-m pip install") for line in calls(checkout))
    assert not (checkout / ".venv" / ".ready").exists()


def test_a_failure_of_all_ways_is_told_without_addresses(checkout: Path) -> None:
    (checkout / "uv-says").write_text("error: no route\n")
    (checkout / "pip-says").write_text("ERROR: nothing at https://somewhere.example/simple or (host='b.example')\n")
    done = set_up(checkout)
    assert done.returncode == 69
    assert "setup:   ERROR: nothing at <address> or (host=<address>)" in done.stderr
    assert "setup: pip could not install the packages (log: .tools/setup.log)" in done.stderr
    assert ".example" not in done.stderr
    assert not (checkout / ".venv" / ".ready").exists()
    assert "toxiproxy-server" in tools_of(checkout)  # the other part was not stopped by it
