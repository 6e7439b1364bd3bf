"""init on the command line: from a directory to a plan, and the two mistakes it can meet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli.main import main
from tests.e2e.command import TINY


def deploydrill(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert isinstance(ended.value.code, int)
    return ended.value.code, *capfd.readouterr()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program of a name that says nothing, and a script that is named for an operation."""
    shutil.copy(TINY / "tiny.py", tmp_path / "tiny.py")
    (tmp_path / "backup.sh").write_text('exec python3 "${0%/*}/tiny.py" backup\n')
    return tmp_path


def test_a_directory_becomes_a_plan_once_the_command_is_filled_in(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = deploydrill(capfd, "init", folder)
    assert code == 0
    assert "found backup: sh {system}/backup.sh (backup.sh)" in out
    assert "GUESS" in out and "service.start[0]" in out.partition("to do: ")[2]  # says what the reader says below
    planned = ("run", "baseline", "--system", folder, "--dry-run")
    code, out, err = deploydrill(capfd, *planned)
    assert (code, out) == (64, "")
    assert "service.start[0]" in err and str(folder / "system.toml") in err
    file = folder / "system.toml"
    file.write_text(
        file.read_text().replace('start = [""]', 'start = ["python3", "{system}/tiny.py", "serve", "{port}"]')
    )
    code, out, _ = deploydrill(capfd, *planned)
    assert code == 0
    assert out.startswith("baseline:round-trip ")


def test_it_says_all_that_is_left_to_fill_in(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "Procfile").write_text("web: python3 tiny.py serve $PORT\n")
    _, out, _ = deploydrill(capfd, "init", folder)
    todo = [line for line in out.splitlines() if line.startswith("to do: ")]
    assert todo[0] == "to do: operations that were not found: seed, validate, deploy, rollback, restore, status"
    assert len(todo) == 3 and "a write" in todo[1] and "[load.read_back]" in todo[2]


def test_it_never_overwrites_and_says_where_it_should_be_asked(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    deploydrill(capfd, "init", folder)
    written = (folder / "system.toml").read_bytes()
    code, out, err = deploydrill(capfd, "init", folder)
    assert (code, out, (folder / "system.toml").read_bytes()) == (64, "", written)
    assert "it has one, which is left alone" in err and "\ntry: " in err
    code, _, err = deploydrill(capfd, "init", folder / "nowhere")
    assert (code, "there is no such directory" in err) == (64, True)
