"""The reference page of system.toml says what the reader reads."""

from __future__ import annotations

import re

from harness.config.claims import CLAIMS
from harness.config.operations import OPERATIONS
from harness.config.page import PAGE, page
from harness.config.placeholders import COMMAND, LINK, MEANINGS, PLACES, REQUEST
from harness.config.toml.shapes import PAGES


def test_the_page_is_as_fresh_as_the_declarations() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_every_operation_claim_and_placeholder_has_its_row() -> None:
    rows = re.findall(r"^\| `\{?(\w+)\}?` \|", page(), re.M)
    assert set(rows) >= {*OPERATIONS, *CLAIMS, *MEANINGS, "attach", "arrival_rate", "syscall"}
    assert set(MEANINGS) == PLACES | COMMAND | LINK | REQUEST | PAGES
