"""Templates, tokens and what a ledger may conclude."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.schema import RequestTemplate
from harness.host.clock import mono_ns
from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.load.request_tracker import RequestTracker
from harness.load.requests import Requests, answered, payload_of
from harness.model import NS, Write
from harness.recording.outcomes import ledger_outcome
from harness.recording.samples import FLAG_KNOWN, FLAG_WRITE, read_samples

pytestmark = pytest.mark.usefixtures("clock")

CREATE = RequestTemplate("create", "write", 1, "POST", "/c", '{"token": "{token}", "payload": "{payload}", "n": {n}}')
PATCH = RequestTemplate("patch", "write", 1, "PATCH", "/c/{known}", '{"token": "{token}"}', {"X-Row": "{known}"})
READ = RequestTemplate("read", "read", 1, "GET", "/c/{known}")


def requests() -> Requests:
    return Requests([CREATE, PATCH, READ], "l", "deploydrill-load", 7, Endpoint("http://127.0.0.1:8080"))


def test_a_filled_write_carries_its_token_payload_and_idempotency_key() -> None:
    request = requests().fill(CREATE)
    assert request
    body = json.loads(request.body)
    assert re.fullmatch(r"[a-z0-9-]{8,40}", request.token)
    assert body["token"] == request.token
    assert body["payload"] == payload_of(request.token)
    assert request.headers["Idempotency-Key"] == request.token
    assert request.headers["User-Agent"] == "deploydrill-load"


def test_the_payload_of_a_token_never_changes() -> None:
    # Recordings of earlier versions are judged by this too.
    assert payload_of("l-1-2-3") == "9bd056b4aeac6ec8afaee9bb35d89b54"


def test_tokens_are_unique_also_between_two_fillers_of_one_seed() -> None:
    one, two = requests(), requests()
    tokens = [r.token for filler in (one, two) for r in (filler.fill(CREATE) for _ in range(500)) if r]
    assert len(set(tokens)) == 1000


def test_what_one_account_wrote_is_named_by_no_other() -> None:
    filler = requests()
    created = filler.fill(CREATE)
    assert created
    filler.acknowledged(created, account=1)
    assert filler.fill(READ) is None and filler.fill(PATCH) is None
    read, patch = filler.fill(READ, 1), filler.fill(PATCH, 1)
    assert read and patch and read.path == patch.path == f"/c/{created.token}"


def test_nothing_is_patched_before_its_create_was_acknowledged_nor_twice() -> None:
    filler = requests()
    assert filler.fill(PATCH) is None
    created = filler.fill(CREATE)
    assert created
    filler.acknowledged(created)
    patch = filler.fill(PATCH)
    assert patch and patch.path == f"/c/{created.token}"
    assert patch.headers["X-Row"] == created.token
    assert filler.fill(PATCH) is None
    filler.acknowledged(patch)  # a patch creates no row to be patched
    assert filler.fill(PATCH) is None


def test_a_patch_that_comes_first_waits_for_the_write_that_makes_tokens() -> None:
    filler = Requests([PATCH, CREATE], "l", "deploydrill-load", 7, Endpoint("http://127.0.0.1:8080"))
    created = filler.fill(CREATE)
    assert created
    filler.acknowledged(created)
    patch = filler.fill(PATCH)
    assert patch and patch.path == f"/c/{created.token}"


def test_a_read_may_name_a_known_token_again() -> None:
    filler = requests()
    created = filler.fill(CREATE)
    assert created
    filler.acknowledged(created)
    paths = {r.path for r in (filler.fill(READ), filler.fill(READ)) if r}
    assert paths == {f"/c/{created.token}"}


@pytest.mark.parametrize(
    ("outcome", "status", "concluded"),
    [
        ("ok", 201, "acknowledged"),
        ("http_error", 507, "refused"),
        ("http_error", 409, "refused"),
        ("http_error", 429, "refused"),
        ("http_error", 501, "refused"),
        ("http_error", 408, "indeterminate"),
        ("http_error", 500, "indeterminate"),
        ("http_error", 503, "indeterminate"),
        ("refused", 0, "refused"),
        ("http_error", 502, "indeterminate"),
        ("http_error", 504, "indeterminate"),
        ("http_error", 302, "indeterminate"),
        ("timeout", 0, "indeterminate"),
        ("reset", 0, "indeterminate"),
        ("unfinished", 0, "indeterminate"),
    ],
)
def test_only_an_answer_that_says_what_became_of_it_settles_a_write(outcome: str, status: int, concluded: str) -> None:
    assert ledger_outcome(outcome, status) == concluded


def test_the_book_accounts_for_every_request_also_those_still_in_flight(tmp_path: Path) -> None:
    tracker = RequestTracker(tmp_path / "s.bin", tmp_path / "l.jsonl", ["create", "read"])
    filler = requests()
    entries = [tracker.start(request, "load", 1) for request in (filler.fill(CREATE) for _ in range(3)) if request]
    assert tracker.finish(entries[0], "ok", 201)
    assert not tracker.finish(entries[1], "http_error", 507)
    tracker.close()
    assert not tracker.finish(entries[2], "ok", 201), "an answer after the end must not be counted twice"
    file = read_samples(tmp_path / "s.bin")
    writes = [Write(**json.loads(line)) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    assert file.complete
    assert [int(o) for o in file.records["outcome"]] == [0, 1, 5]
    assert set(file.records["flags"]) == {FLAG_WRITE}
    assert [w.outcome for w in writes] == ["acknowledged", "refused", "indeterminate"]
    assert tracker.started == tracker.outcomes.total() == 3


def test_a_sample_says_when_it_named_a_known_token(tmp_path: Path) -> None:
    tracker = RequestTracker(tmp_path / "s.bin", tmp_path / "l.jsonl", ["create", "patch"])
    filler = requests()
    for template in (CREATE, PATCH):
        request = filler.fill(template)
        assert request
        tracker.finish(tracker.start(request, "load", 1), "ok", 200)
        filler.acknowledged(request)
    tracker.close()
    records = read_samples(tmp_path / "s.bin").records
    assert [int(f) for f in records["flags"]] == [FLAG_WRITE, FLAG_WRITE | FLAG_KNOWN]
    assert [int(s) for s in records["known_age_s"]] == [0, 1]


@pytest.mark.parametrize(("age_s", "told"), [(0.2, 1), (1.2, 2), (253.9, 254), (254.1, 255), (4000, 255)])
def test_a_sample_says_how_old_the_row_it_named_was_at_most(tmp_path: Path, age_s: float, told: int) -> None:
    tracker = RequestTracker(tmp_path / "s.bin", tmp_path / "l.jsonl", ["create", "read"])
    filler = requests()
    created = filler.fill(CREATE)
    assert created
    filler.acknowledged(replace(created, made_ns=mono_ns() - int(age_s * NS)))
    read = filler.fill(READ)
    assert read
    tracker.finish(tracker.start(read, "load", 1), "ok", 200)
    tracker.close()
    assert [int(s) for s in read_samples(tmp_path / "s.bin").records["known_age_s"]] == [told]


def test_a_load_config_reads_back_as_it_was_written(tmp_path: Path) -> None:
    config = LoadConfig(Endpoint("http://h"), 1000, 3, (0.1, 0.2), 20, 0, (CREATE, PATCH, READ), 1, "s", "l", "status")
    login = config.save(tmp_path / "load.json")
    assert LoadConfig.load(tmp_path / "load.json", login) == config


@pytest.mark.parametrize(
    ("statuses", "pattern", "status", "body", "outcome"),
    [
        ((), "", 204, b"", "ok"),
        ((), "", 303, b"", "http_error"),
        ((200, 303), "", 303, b"", "ok"),
        ((201,), "", 200, b"", "http_error"),
        ((), "^stored", 200, b"stored 7", "ok"),
        ((), "^stored", 200, b"Sorry", "http_error"),
        ((), "stored", 500, b"stored", "http_error"),
        ((), "\ufffd!", 200, b"\xff!", "ok"),
    ],
)
def test_what_is_expected_of_an_answer(
    statuses: tuple[int, ...], pattern: str, status: int, body: bytes, outcome: str
) -> None:
    template = replace(CREATE, expect_status=statuses, expect_body=pattern)
    assert answered(template, status, body, {}) == outcome


def test_a_form_is_sent_as_what_it_says_it_is() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    request = requests().fill(RequestTemplate("add", "write", 1, "POST", "/add", "t={token}", form))
    assert request and request.body == f"t={request.token}".encode()
    assert [v for n, v in request.headers.items() if n.lower() == "content-type"] == [form["content-type"]]


def test_a_request_we_lacked_something_for_is_dropped_as_if_it_had_not_begun(tmp_path: Path) -> None:
    tracker = RequestTracker(tmp_path / "s.bin", tmp_path / "l.jsonl", ["create", "read"])
    request = requests().fill(CREATE)
    assert request
    entry = tracker.start(request, "load", 1)
    tracker.withdraw(entry)
    tracker.withdraw(entry)
    assert not tracker.finish(entry, "refused", 0)
    tracker.close()
    file = read_samples(tmp_path / "s.bin")
    assert (tracker.started, tracker.outcomes.total(), len(file.records), file.dropped) == (0, 0, 0, 1)
    assert (tmp_path / "l.jsonl").read_text() == ""


def test_a_slow_request_may_take_as_long_as_any_other() -> None:
    report = RequestTemplate("report", "slow", 1, "GET", "/report")
    assert [report.deadline_s(ms) for ms in (1000, 20_000)] == [10, 20]
