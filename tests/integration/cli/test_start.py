"""What a command that judges and runs nothing imports: it is to answer at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# All of the third-party modules that --help and a usage error are allowed. The others take longer to be imported than
# the answer takes to be read.
LIGHT = {"click"}
# Of these the first attribute that is looked at takes a tenth of a second or more.
HEAVY = {"matplotlib", "scipy", "pandas", "numpy", "requests", "locust", "gevent", "psutil", "rich", "jinja2"}
TELL = """
import json, sys
before = set(sys.modules)
from harness.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    code = left.code
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print("\\n" + json.dumps([code, sorted(tops - set(sys.stdlib_module_names))]))
"""


def imported(*words: str) -> tuple[int, set[str]]:
    """The exit code of the command, and the top-level modules it imported that are not Python's own."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--help", 0),
        ("--version", 0),
        ("run --help", 0),
        ("discriminate --help", 0),
        ("no-such-verb", 64),
        ("run --size huge", 64),
    ],
)
def test_help_and_a_usage_error_import_click_and_nothing_else(words: str, code: int) -> None:
    ended, modules = imported(*words.split())
    assert (ended, modules - {"harness"}) == (code, LIGHT)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("list", 0),
        ("explain baseline", 0),
        ("explain no-such-scenario", 64),
        ("explain harness.late", 0),
        ("explain harness.lat", 64),
    ],
)
def test_what_only_tells_of_scenarios_or_codes_imports_nothing_heavy(words: str, code: int) -> None:
    ended, modules = imported(*words.split())
    assert (ended, modules & HEAVY) == (code, set())


OWN = """
from dataclasses import dataclass
from harness import Cell, Checker, Scenario, Step
from harness.checkers.core.codes import Details, code

@code("own.slow", "fail", title="It is slow", sentence="slow", meaning="Slower than was said.", hint="make it quick")
class Slow(Details):
    seconds: float

@dataclass(frozen=True)
class Own(Checker):
    name = "own"
    codes = (Slow,)
    def check(self, run):
        return []

cells = (Cell("once", "once", (Step("backup"),)),)
scenario = Scenario("own", "Own", (), cells, (Own(),))
"""


def test_the_code_of_a_checker_of_the_users_own_is_explained(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    words = ["explain", "own.slow", "--scenarios", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "harness.cli", *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("own.slow: It is slow") and "seconds: number" in done.stdout
