"""Secret values are gone from every file of a recording, and a recording is still one afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.recording.events import Observed, RunFailed
from harness.recording.recorder import Recorder, digest
from harness.recording.recording import Recording
from harness.recording.secrets import mask, secret_values, starred

PASSWORD = 'p4ss"wörd\\with all'


def test_what_looks_secret_is_found_by_its_name_or_in_an_address() -> None:
    env = {
        "API_TOKEN": "token-1234",
        "db_password": PASSWORD,
        "DATABASE_URL": "postgres://me:hidden-42@localhost/db",
        "PATH": "/usr/bin:/usr/sbin",
        "OLDPWD": str(Path(__file__).parent),
        "KEY_FILE": "{dir}/state/backup.key",
        "SHORT_KEY": "1234567",
        "TOKEN_KIND": "acknowledged",
    }
    assert set(secret_values(env)) == {"token-1234", PASSWORD, "hidden-42"}


@pytest.mark.parametrize("value", ["token-1234", PASSWORD])
def test_a_value_is_masked_as_it_is_and_as_json_writes_it_and_lines_stay_lines(value: str, tmp_path: Path) -> None:
    (tmp_path / "operations").mkdir()
    line = json.dumps({"n": 0, "text": f"it said {value}, twice: {value}"})
    (tmp_path / "events.jsonl").write_text(line + "\n")
    (tmp_path / "operations" / "a.out").write_bytes(b"\xff\0" + value.encode() + b"\n")
    (tmp_path / "run.json").write_text(value)
    (tmp_path / "empty").touch()
    assert mask(tmp_path, [value]) == 3
    text = (tmp_path / "events.jsonl").read_text()
    assert len(text) == len(line) + 1
    assert json.loads(text)["text"].replace("*", "") == "it said , twice: "
    assert (tmp_path / "operations" / "a.out").read_bytes() == b"\xff\0" + b"*" * len(value.encode()) + b"\n"
    assert (tmp_path / "run.json").read_text() == value  # all our own


def test_an_event_is_shown_without_them() -> None:
    event = RunFailed(text="token-1234 is wrong: token-1234", hint="ask", code=3, t=5)
    shown = RunFailed(text="********** is wrong: **********", hint="ask", code=3, t=5)
    assert starred(event, ["token-1234"]) == shown


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("token-1234")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link.out").symlink_to(outside)
    assert mask(tmp_path / "run", ["token-1234"]) == 0
    assert outside.read_text() == "token-1234"


@pytest.mark.usefixtures("clock")
def test_an_observation_that_was_masked_is_still_the_one_of_its_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.observation("end-1", "end", 0, {"error": "said token-1234", "found": []})
    recorder.close()
    assert mask(tmp_path, ["token-1234"]) == 1
    assert "token" not in (tmp_path / "observations" / "end-1.json").read_text()
    (event,) = Recording(tmp_path).of(Observed)
    assert event.digest == digest((tmp_path / "observations" / "end-1.json").read_text())
