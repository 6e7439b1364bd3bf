"""A scenario file of the user's own: whatever it does while it is loaded, it gets one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.errors import ExitCode, HarnessError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
        ("import pytest\npytest.skip('later', allow_module_level=True)\n", "Skipped: later"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("print('hello')\n", "does not end in"),
    ],
)
def test_a_scenario_file_that_cannot_be_loaded_is_wrong_usage_not_success(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(HarnessError, match=why) as raised:
        registry.scenarios([tmp_path])
    assert raised.value.code == ExitCode.USAGE
    assert "mine.py" in raised.value.what
