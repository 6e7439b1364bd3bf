"""What a command that judges and runs nothing imports: it is to answer at once."""

from __future__ import annotations

import json
import subprocess
import sys

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


@pytest.mark.parametrize(("words", "code"), [("list", 0), ("explain baseline", 0), ("explain no-such-scenario", 64)])
def test_what_only_tells_of_scenarios_imports_nothing_that_measures_judges_or_renders(words: str, code: int) -> None:
    ended, modules = imported(*words.split())
    assert (ended, modules & HEAVY) == (code, set())
