"""The rows of the review: of the reference system alone, each for codes and claims that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness.checkers
import harness.judge.codes
from harness import registry
from harness.campaign.review_rows import read_rows
from harness.checkers.core.codes import CODES, code_of
from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.model import Claim

# Codes about the run, the load and the harness, of `verify`, and of how the kit lists backups: the review has no row.
OF_OURS = ("run.", "plan.", "checker.", "recording.", "harness.", "host.", "load.", "fault.", "contract.")
LISTED = ("backup.listed", "backup.not_listed", "backup.only_older_listed")
CLAIMS = [Claim("backup", "duration_s", 1, key="backup_s")]
TOTAL = 'total = { row = "R4", claimed_s = [1, 2], realistic_s = [3, 4], note = "n" }'


def rows_of(name: str) -> dict[str, object]:
    config = load_system(name, registry.BUNDLED)
    return read_rows(config.folder, config.claims)


def test_every_code_about_the_system_has_its_row_and_every_row_names_codes_that_there_are() -> None:
    answered = set(rows_of("hardened")["codes"])
    assert answered <= set(CODES)
    own = {code_of(d).name for c in harness.checkers.CHECKERS.values() for d in c.codes}
    assert {c for c in own - answered if not c.startswith((*OF_OURS, *LISTED, "claim."))} == set()


def test_every_claim_of_the_reference_system_has_its_row() -> None:
    config = load_system("hardened", registry.BUNDLED)
    assert set(rows_of("hardened")["claims"]) == {c.key for c in config.claims}


@pytest.mark.parametrize("name", ["naive", "shellkit", "shellkit-repaired", "postgres"])
def test_no_other_system_has_rows(name: str) -> None:
    assert rows_of(name) == {}


def test_what_the_file_should_not_hold_is_told_with_what_was_meant(tmp_path: Path) -> None:
    for text, said in (
        ('[claims.bakup_s]\nrow = "R1"', "did you mean 'backup_s'?"),
        ('[claims.backup_s]\nrow = "1"', "'1' is not a name"),
        ('[claims.backup_s]\nrow = "R1"\nrealistic_s = [2, 1]', "claimed_s: "),
        ('row = { R1 = ["a.b"] }', "unknown key"),
    ):
        (tmp_path / "rows.toml").write_text(f"{TOTAL}\n{text}\n")
        with pytest.raises(HarnessError) as caught:
            read_rows(tmp_path, CLAIMS)
        assert said in str(caught.value)
        assert caught.value.code == ExitCode.USAGE


def test_a_row_may_answer_several_codes_and_a_code_several_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.toml").write_text(f'{TOTAL}\n[rows]\nR1 = ["a.b", "c.d"]\nR2 = ["c.d"]\n')
    assert read_rows(tmp_path, [])["codes"] == {"a.b": ["R1"], "c.d": ["R1", "R2"]}
