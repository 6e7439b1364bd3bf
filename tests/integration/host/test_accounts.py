"""Programs as another user, who it really is."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

import pytest

from harness.host import commands
from harness.host.accounts import account
from tests.e2e.command import ROOT

IDS = ["sh", "-c", "id -u; id -g; id -G"]


@pytest.mark.root
def test_a_command_really_is_that_user_and_so_are_its_files(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    become = account("nobody")
    assert become
    ran = commands.run(IDS, account=become)
    assert ran.output.split()[:2] == [str(nobody.pw_uid), str(nobody.pw_gid)]
    assert "0" not in ran.output.split()
    output = tmp_path / "out"
    assert commands.spawn(IDS, account=become, output=output).wait(10) == 0
    assert output.read_text().split()[0] == str(nobody.pw_uid)


def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
    """In a process of that user, who has no more rights than it."""
    python = "/usr/bin/python3"  # ours may lie where only root can look
    become = ["setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--regid=65534", "--clear-groups"]
    return subprocess.run([*become, *words, python, "-B", "-c", _CODE], capture_output=True, text=True, cwd="/")


_CODE = f"""
import os, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from harness.errors import HarnessError
from harness.host.accounts import account
for name in ("nobody", "daemon"):
    try:
        found = account(name)
    except HarnessError as error:
        print(name, error.why)
    else:
        command = [*(found.prefix if found else ()), "id", "-u"]
        print(name, subprocess.run(command, capture_output=True, text=True).stdout.strip())
"""


@pytest.mark.root
@pytest.mark.skipif(
    not all(p.stat().st_mode & 1 for p in (ROOT, *ROOT.parents)) or not Path("/usr/bin/python3").exists(),
    reason="needs the host's Python, and a checkout that everybody can read",
)
def test_without_root_only_ourselves_also_where_a_namespace_calls_us_root() -> None:
    uid = str(pwd.getpwnam("nobody").pw_uid)
    assert as_nobody().stdout.splitlines() == [f"nobody {uid}", "daemon only root can, or that user"]
    inside = as_nobody("unshare", "--user", "--map-root-user")
    assert inside.stdout.splitlines() == [f"nobody {uid}", "daemon this user namespace does not have it"], inside.stderr
