"""Three real recordings are judged and rendered as they were when a person last looked at it."""

from __future__ import annotations

import difflib
import json
import re

import pytest

from harness.recording.events import Observed, RunStarted
from harness.recording.recording import Recording
from tests.golden.accept import HERE, MOST_BYTES, NAMES, expected, files, outputs, recording

FILES = [(name, path.name) for name in NAMES for path in sorted(expected(name).iterdir())]
# Where things lie on an island, and what stands for the places of the machine that a recording was made on.
PLACES = ("/mnt/drill", "/system", "/reports", "/checkout", "/python", "/home-of-user")
PATH = re.compile(rb"""(?:^|(?<=[\s"'=(,:]))/[\w.@+-]+(?:/[\w.@+-]+)*""", re.MULTILINE)
HOST = re.compile(
    rb"\b(?!127\.0\.0\.1\b)\d{1,3}(?:\.\d{1,3}){3}\b"
    rb"|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"
    rb"|\b[\w-]+\.(?:local|localdomain|lan|internal|corp|com|net|org|io|dev|cloud)\b"
    rb"|\b[\w-]+@[\w-]+\b"
)
# What `strings` shows of a file of samples: shorter runs are numbers that happen to be letters.
PRINTABLE = re.compile(rb"[ -~]{8,}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each recording is judged and rendered as now."""
    return {name: outputs(name, tmp_path_factory.mktemp("golden")) for name in NAMES}


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_recording_is_judged_and_rendered_as_expected(made: dict[str, dict[str, str]], name: str, file: str) -> None:
    path = expected(name) / file
    was, now = path.read_text(), made[name].get(file, "")
    if was != now:
        here = path.relative_to(HERE.parents[1])
        lines = difflib.unified_diff(
            was.splitlines(keepends=True), now.splitlines(keepends=True), f"{here} as expected", f"{here} as made now"
        )
        pytest.fail(f"{''.join(lines)}\nif that is meant: `make golden-accept`, and look at the diff", pytrace=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_has_the_outcome_it_is_named_after(made: dict[str, dict[str, str]], name: str) -> None:
    assert json.loads(made[name]["result.json"])["outcome"] == name


@pytest.mark.parametrize("name", NAMES)
def test_each_file_that_is_made_is_expected_and_none_else(made: dict[str, dict[str, str]], name: str) -> None:
    assert sorted(made[name]) == [file for of, file in FILES if of == name]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_whole_and_its_digests_are_those_of_the_scrubbed_files(name: str) -> None:
    whole = Recording(recording(name))
    assert whole.problems == ()
    assert all(e.digest for e in (*whole.of(RunStarted), *whole.of(Observed)))
    assert {(s.host, s.boot_id) for s in whole.sources} == {("host", "boot")}
    assert len(whole.observations) > 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_names_the_machine_that_a_recording_was_made_on(name: str) -> None:
    plan = Recording(recording(name)).plan
    assert (plan["host"]["kernel"], plan["provenance"]["commit"]) == ("kernel", "commit")
    for path in files(HERE / name):
        content = b"\n".join(PRINTABLE.findall(path.read_bytes()))
        elsewhere = [p.decode() for p in PATH.findall(content) if not p.decode().startswith(PLACES)]
        assert (path, elsewhere, HOST.findall(content)) == (path, [], [])


def test_the_recordings_are_small() -> None:
    assert sum(path.stat().st_size for name in NAMES for path in files(recording(name))) <= MOST_BYTES
