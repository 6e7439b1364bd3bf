"""The ways out of the command: each has its exit code, and only what was judged and passed ends with 0."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from harness.cli import rehearsals
from harness.cli.main import main
from harness.errors import ExitCode, HarnessError


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Its exit code and what it said on stderr."""
    with pytest.raises(SystemExit) as left:
        main(words)
    assert isinstance(left.value.code, int)
    return left.value.code, capsys.readouterr().err


def test_code_of_others_that_calls_exit_0_does_not_make_the_command_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rehearsals, "run", lambda *_, **__: sys.exit(0))
    code, said = ended(capsys, "run", "baseline")
    assert code == ExitCode.OUR_BUG
    assert "something called exit(0)" in said


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_a_folder_where_a_file_is_to_be_written_is_refused_before_the_run(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(rehearsals, "run", lambda *_, **__: pytest.fail("it was run"))
    code, said = ended(capsys, "run", "baseline", option, str(tmp_path))
    assert code == ExitCode.USAGE
    assert f"'{tmp_path}' is a directory" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_host_that_cannot_take_the_report_is_no_bug_of_ours(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, "the host said no", "/there/report.html")

    monkeypatch.setattr(rehearsals, "run", refuse)
    code, said = ended(capsys, "run", "baseline")
    assert code == ExitCode.HOST_CANNOT
    assert "the host said no: '/there/report.html'" in said and "our bug" not in said


def test_any_other_error_of_the_system_is_our_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(rehearsals, "run", fail)
    code, said = ended(capsys, "run", "baseline")
    assert code == ExitCode.OUR_BUG
    assert "this is our bug: OSError" in said


def test_an_error_shows_nothing_a_terminal_would_act_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise HarnessError("start it", "it said \x1b[2J\x9b31m\x07oh", "look")

    monkeypatch.setattr(rehearsals, "run", refuse)
    assert ended(capsys, "run") == (ExitCode.USAGE, "deploydrill: start it: it said oh\ntry: look\n")
