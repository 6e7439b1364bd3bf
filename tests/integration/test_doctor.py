"""What the doctor says: each capability tried, one failure never the end of the others, nothing left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness import doctor
from harness.doctor import Capability, examine
from harness.host import undo
from harness.host.clock import Deadline, wait_until
from harness.host.healers import CGROUPS


def by_name(capabilities: list[Capability]) -> dict[str, Capability]:
    return {c.name: c for c in capabilities}


def leftovers(images: Path) -> list[str]:
    """Loop devices over images below a folder, mounts at /mnt, cgroups of the doctor."""
    loops: list[str] = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            loops.append(backing.read_text())
        except OSError:
            continue  # detached meanwhile
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [
        *(b for b in loops if str(images) in b),
        *(m for m in mounts if m.startswith("/mnt")),
        *(str(p) for p in CGROUPS.glob(f"**/deploydrill-doctor-{os.getpid()}")),
    ]


def test_examine_tries_everything_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = leftovers(tmp_path)
    found = examine()
    assert [c.name for c in found] == [c.name for c in doctor.CHECKS]
    assert len(by_name(found)) == len(found), "names are unique"
    assert by_name(found)["python"].ok
    for c in found:
        assert c.why and c.needed_for, c
        assert bool(c.hint) != c.ok, f"a hint exactly where something is missing: {c}"
    # The kernel detaches a loop device some moments after its last mount has gone.
    assert wait_until(lambda: leftovers(tmp_path) == before, Deadline(10, "loop device")), leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert [h for h in undo.heal(dry_run=True) if "tried by doctor" in h.subject and h.outcome != "live"] == []


def test_empty_path_makes_every_program_missing_with_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("harness.links.toxiproxy_server.TOOLS", tmp_path)
    found = by_name(examine())
    for name in ("island", "user namespace", "links", "toxiproxy", "caddy", "rclone", "chromium", "real time"):
        assert not found[name].ok, name
        assert found[name].hint, name
    assert "no caddy on PATH" in found["caddy"].why
    assert "run unshare: No such file or directory" in found["island"].why
    assert "make setup" in found["toxiproxy"].hint
    assert found["python"].ok and found["memory"].why


def test_program_that_only_fails_is_not_a_capability(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("caddy", "unshare", "chrt"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho warning >&2; echo 'Operation not permitted' >&2; exit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = by_name(examine())
    for name in ("caddy", "island", "links", "sized tmpfs", "real time"):
        assert not found[name].ok and "Operation not permitted" in found[name].why, found[name]


def test_program_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "caddy"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    real = doctor._run
    monkeypatch.setattr(doctor, "_run", lambda argv, deadline_s=10.0: real(argv, 0.3))
    found = doctor.capability("caddy")
    assert not found.ok and "not done after 0.3 s" in found.why


def test_names_and_uses_fit_an_80_column_table() -> None:
    for check in doctor.CHECKS:
        assert len(check.name) <= 14 and len(check.needed_for) <= 40, check.name


def test_pytest_does_not_import_locust() -> None:
    assert "locust" not in sys.modules and "gevent" not in sys.modules
