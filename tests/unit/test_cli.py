"""The ways out of the command: each has its exit code, and only what was judged and passed ends with 0."""

from __future__ import annotations

import sys

import pytest

from harness import verbs
from harness.cli import main
from harness.errors import ExitCode


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Its exit code and what it said on stderr."""
    with pytest.raises(SystemExit) as left:
        main(words)
    assert isinstance(left.value.code, int)
    return left.value.code, capsys.readouterr().err


def test_code_of_others_that_calls_exit_0_does_not_make_the_command_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verbs, "run", lambda *_, **__: sys.exit(0))
    code, said = ended(capsys, "run", "baseline")
    assert code == ExitCode.OUR_BUG
    assert "something called exit(0)" in said
