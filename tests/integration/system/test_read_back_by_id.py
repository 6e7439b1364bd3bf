"""A read-back of one request an entry: every acknowledged write is asked for by the id that its answer gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.host.clock import mono_ns
from harness.system.read_back import ReadBack
from tests.integration.system.test_read_back import read_at, serving

Read = Callable[..., ReadBack]
# By path: status and body.
Answers = Mapping[str, tuple[int, Any]]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    """What is read back of the writes t-1 to t-3, which have the ids 1 to 3, from a service that answers so."""
    (tmp_path / "ledger").mkdir()
    now_ns = mono_ns()
    lines = [
        {"token": f"t-{n}", "payload": f"p-{n}", "sent_ns": now_ns, "end_ns": now_ns, "outcome": outcome, "id": id_}
        for n, id_, outcome in ((1, "1", "acknowledged"), (2, "2", "acknowledged"), (3, "a b", "acknowledged"))
    ]
    lines.append({**lines[0], "token": "t-4", "id": "", "outcome": "indeterminate"})
    (tmp_path / "ledger" / "load-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers: dict[str, tuple[int, Any]] = {}

    def _read(told: Answers, **config: Any) -> ReadBack:
        answers.update(told)
        plain: dict[str, Any] = {"token": "/token", "payload": "/payload"}
        return read_at(port, "/notes/{id}", folder=tmp_path, items="", **(plain | config))

    with serving(lambda path, _: answers.get(path, (404, {}))) as port:
        yield _read


def entry(number: int) -> tuple[int, Any]:
    return 200, {"token": f"t-{number}", "payload": f"p-{number}"}


ALL = {"/notes/1": entry(1), "/notes/2": entry(2), "/notes/a%20b": entry(3)}


def test_every_acknowledged_write_is_asked_for(read: Read) -> None:
    back = read(ALL)
    assert (back.error, set(back.found or ())) == ("", {(f"t-{n}", f"p-{n}") for n in (1, 2, 3)})


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_missing(read: Read, status: int) -> None:
    back = read({**ALL, "/notes/2": (status, {})})
    assert (back.error, {t for t, _ in back.found or ()}) == ("", {"t-1", "t-3"})


@pytest.mark.parametrize(
    ("other", "config"),
    [
        ((200, {"token": "of-another", "payload": "p-9"}), {}),
        ((200, {"payload": "p-9"}), {"token": ""}),
        ((200, "<b>of-another</b> p-9"), {"pattern": r"<b>(?P<token>\S+)</b> (?P<payload>\S+)"}),
    ],
    ids=["by its token", "by its payload", "by a pattern"],
)
def test_an_id_that_another_one_has_now_brings_back_nothing(
    read: Read, other: tuple[int, Any], config: dict[str, Any]
) -> None:
    """After a restore a service may give an id again."""
    told: dict[str, tuple[int, Any]] = {**ALL}
    if "pattern" in config:
        told = {path: (200, f"<b>{said['token']}</b> {said['payload']}") for path, (_, said) in ALL.items()}
    back = read({**told, "/notes/2": other}, **config)
    assert (back.error, {t for t, _ in back.found or ()}) == ("", {"t-1", "t-3"})


def test_an_answer_that_is_no_entry_is_no_loss(read: Read) -> None:
    refused = read({**ALL, "/notes/2": (500, "broken")})
    assert (refused.found, refused.error_status) == (None, 500)
    other = read({**ALL, "/notes/2": (200, {"token": "t-2"})})
    assert other.found is None and "no /payload in" in other.error
