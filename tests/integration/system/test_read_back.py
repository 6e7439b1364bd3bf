"""The read-back against a server of our own: what it cannot read is an error, never an entry less."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness import registry
from harness.config.placeholders import fill
from harness.config.reader import load_system
from harness.config.schema import ReadBackConfig, TotalConfig
from harness.host.endpoint import Endpoint
from harness.load.requests import payload_of
from harness.recording.recorder import Recorder
from harness.system import http
from harness.system.live import LiveSystem
from harness.system.operations import Status
from harness.system.read_back import ReadBack, observe, read_back, read_with_totals
from harness.system.read_pages import _Entries

ENTRIES = [{"token": f"t-{i}", "payload": f"p-{i}"} for i in range(5)]
COMMANDS = SimpleNamespace(text=lambda text, **told: fill(text, told))
# after -> (status, document)
Pages = Callable[[str], tuple[int, Any]]
# Path and headers of a request -> (status, document)
Tell = Callable[[str, Mapping[str, str]], tuple[int, Any]]


@contextmanager
def serving(tell: Tell) -> Iterator[int]:
    """The port of a server that answers so; what was sent as a body stands in the query."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.path = f"/?{sent}&key={self.headers['X-Key']}"
            self.do_GET()

        def do_GET(self) -> None:
            status, document = tell(self.path, dict(self.headers))
            body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(pages: Pages) -> Iterator[int]:
    """Pages by the `after` in the query."""

    def tell(path: str, _: Mapping[str, str]) -> tuple[int, Any]:
        (after,) = parse_qs(urlsplit(path).query, keep_blank_values=True)["after"]
        return pages(after)

    with serving(tell) as port:
        yield port


def service(port: int, prefix: str = "", accounts: int = 1) -> SimpleNamespace:
    """What of a live service is used: that it can be asked."""
    endpoint = Endpoint(f"http://127.0.0.1:{port}{prefix}")
    return SimpleNamespace(
        endpoint=endpoint,
        accounts=accounts,
        ask_as_client=lambda method, path, deadline_s, body="", headers=None, account=0: http.ask(
            endpoint, method, path, deadline_s, body, {**(headers or {}), "X-Account": str(account)}
        ),
    )


def read_at(
    port: int, path: str, *, prefix: str = "", accounts: int = 1, folder: Path | None = None, **config: Any
) -> ReadBack:
    """What is read back there; ``folder`` is that of the recording."""
    system: Any = SimpleNamespace(
        config=SimpleNamespace(load=SimpleNamespace(read_back=ReadBackConfig(path, **config))),
        service=service(port, prefix, accounts),
        commands=COMMANDS,
        talk=None,
        recorder=SimpleNamespace(folder=folder),
    )
    return read_back(system)


def read(pages: Pages, **config: Any) -> ReadBack:
    with served(pages) as port:
        return read_at(port, "/all?after={after}", **config)


@contextmanager
def live(folder: Path, port: int, attach: bool = False, totals: Mapping[str, TotalConfig] = {}) -> Iterator[LiveSystem]:
    """A system that is read back there; its recording is in ``run``."""
    config = load_system("hardened", registry.BUNDLED)
    at = replace(config.service, url="http://127.0.0.1:{port}", attach=attach)
    load = replace(config.load, read_back=ReadBackConfig("/all?after={after}"), totals=totals)
    (folder / "sut").mkdir()
    recorder = Recorder(folder / "run")
    yield LiveSystem(replace(config, service=at, load=load), folder / "sut", port, 1, {}, recorder, sys.executable)
    recorder.close()


def two_pages(after: str) -> tuple[int, Any]:
    return 200, {"items": ENTRIES[3:], "next": None} if after else {"items": ENTRIES[:3], "next": "t-2"}


def test_all_pages_are_read() -> None:
    back = read(two_pages)
    assert back.error == ""
    assert back.found == tuple((e["token"], e["payload"]) for e in ENTRIES)


@pytest.mark.parametrize("wrong", [{"token": "/tok"}, {"payload": "/pay"}, {"next": "/cursor"}, {"items": "/rows"}])
def test_a_misspelt_pointer_is_no_read_back_and_not_a_loss(wrong: dict[str, str]) -> None:
    back = read(two_pages, **wrong)
    assert back.found is None
    assert f"no {'list at ' if 'items' in wrong else ''}{next(iter(wrong.values()))} in" in back.error


def test_a_last_page_may_leave_the_pointer_to_the_next_out_once_it_was_seen() -> None:
    def pages(after: str) -> tuple[int, Any]:
        return 200, {"items": ENTRIES[3:]} if after else {"items": ENTRIES[:3], "next": "t-2"}

    assert len(read(pages).found or ()) == 5


def test_entries_of_nobody_have_a_null_token_and_are_passed_over() -> None:
    found = read(lambda _: (200, {"items": [{"token": None, "payload": None}, *ENTRIES], "next": None})).found
    assert found and [token for token, _ in found] == [e["token"] for e in ENTRIES]


def test_a_payload_that_is_null_is_an_empty_one() -> None:
    assert read(lambda _: (200, {"items": [{"token": "t", "payload": None}], "next": None})).found == (("t", ""),)


def test_what_names_the_next_page_arrives_as_it_was_given() -> None:
    given = "a b&limit=1#ü/%"
    asked: list[str] = []

    def pages(after: str) -> tuple[int, Any]:
        asked.append(after)
        return 200, {"items": [], "next": None if after else given}

    assert read(pages).error == ""
    assert asked == ["", given]


def failing_at_first(times: int, status: int) -> Pages:
    left = [times]

    def pages(after: str) -> tuple[int, Any]:
        if after and left[0]:
            left[0] -= 1
            return status, {"error": "not now"}
        return two_pages(after)

    return pages


@pytest.mark.parametrize("status", [502, 503])
def test_a_page_that_is_not_to_be_had_for_a_moment_is_asked_again_and_that_is_said(status: int) -> None:
    back = read(failing_at_first(3, status))
    assert back.found is not None and len(back.found) == 5
    assert back.asked_again == (f"a page answered {status}",) * 3


@pytest.mark.parametrize(("times", "status"), [(4, 503), (1, 500), (1, 404)])
def test_a_page_that_stays_away_or_was_refused_is_no_read_back(times: int, status: int) -> None:
    back = read(failing_at_first(times, status))
    assert back.found is None
    assert (str(status) in back.error, back.error_status) == (True, status)


ROW = r"(?m)^(?P<token>t-\S+) (?P<payload>\S*)$"
TEXT = "".join(f"{e['token']} {e['payload']}\n" for e in ENTRIES)


def test_pages_that_are_not_json_are_read_by_patterns() -> None:
    def pages(after: str) -> tuple[int, Any]:
        lines = TEXT.splitlines(keepends=True)
        return 200, "".join(lines[3:]) if after == "a/1" else f"{''.join(lines[:3])}more: a/1"

    back = read(pages, pattern=ROW, next_pattern=r"more: (\S+)")
    assert (back.error, back.found) == ("", tuple((e["token"], e["payload"]) for e in ENTRIES))


def test_a_page_of_nothing_is_not_read_as_empty() -> None:
    """An error page with status 200 would be the loss of everything."""
    sorry = read(lambda _: (200, "<p>Sorry!</p>"), pattern=ROW)
    assert sorry.found is None
    assert "cannot be told from an error page" in sorry.error and "Sorry!" in sorry.error


def test_a_page_is_whole_only_with_what_every_page_has() -> None:
    cut = read(lambda _: (200, TEXT), pattern=ROW, expect_body="(?m)^# end")
    assert cut.found is None and "a page without '(?m)^# end'" in cut.error
    assert read(lambda _: (200, "# end"), pattern=ROW, expect_body="# end").found == ()
    assert len(read(lambda _: (200, TEXT + "# end"), pattern=ROW, expect_body="# end").found or ()) == len(ENTRIES)


def test_a_pattern_that_leads_in_a_circle_is_an_error() -> None:
    back = read(lambda _: (200, TEXT), pattern=ROW, next_pattern=r"(t-1)")
    assert back.found is None and "does not move on from 't-1'" in back.error


def test_an_entry_far_too_long_to_be_ours_is_kept_short_and_is_none_of_ours() -> None:
    entry = {"token": "t" * 1_000_000, "payload": "p" * 1_000_000}
    ((token, payload),) = read(lambda _: (200, {"items": [entry], "next": None})).found or ()
    assert len(token) < 4200 and len(payload) < 4200
    assert payload.endswith("... (1000000 characters)")


def test_more_entries_than_any_load_writes_are_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.system.read_pages.MOST_ENTRIES", 10)
    back = read(lambda after: (200, {"items": ENTRIES, "next": f"{after}x"}))
    assert (back.found, back.error) == (None, "read-back: more than 10 entries")


def test_a_page_may_have_to_be_asked_for_with_a_body_and_headers() -> None:
    post = {"method": "POST", "body": "after={after}", "headers": {"X-Key": "k"}}
    assert len(read(two_pages, **post).found or ()) == len(ENTRIES)


@pytest.mark.parametrize("attach", [True, False])
def test_what_others_wrote_to_an_attached_system_is_not_recorded(tmp_path: Path, attach: bool) -> None:
    ours = {"token": "l-1f-2a-7", "payload": payload_of("l-1f-2a-7")}
    theirs = {"token": "Invoice 2026-114", "payload": "a customer's address"}
    pages = {"items": [theirs, ours, theirs], "next": None}
    with served(lambda _: (200, pages)) as port, live(tmp_path, port, attach=attach) as system:
        observe(system, "end-1", "end", Status("", ()), None)
    kept = (tmp_path / "run" / "observations" / "end-1.json").read_text()
    assert ours["payload"] in kept
    assert ("customer" in kept) == ("Invoice" in kept) == (not attach)


def test_entries_of_ours_that_were_found_are_taken_off_a_total_that_counts_them(tmp_path: Path) -> None:
    """40 rows were seeded; one of ours comes once the pages are read, and a row of nobody is among them."""
    entries = [{"token": f"l-1-{i}-0", "payload": ""} for i in range(3)] + [{"token": "seeded", "payload": ""}]
    total = TotalConfig("rows", "/count", "/rows", with_writes=True)

    def tell(path: str, _: Mapping[str, str]) -> tuple[int, Any]:
        return (200, {"rows": 44}) if path == "/count" else (200, {"items": entries, "next": None})

    with serving(tell) as port, live(tmp_path, port, totals={"rows": total}) as system:
        back, totals = read_with_totals(system)
    assert (len(back.found or ()), totals) == (4, {"rows": 41})


PAGE_OF = 2


class Counting:
    """Pages of two, by number, by offset, after the last id, or by a Link header; every question is kept."""

    def __init__(self, entries: list[Any], empty_last: bool = False) -> None:
        self.entries, self.empty_last = entries, empty_last
        self.asked: list[str] = []

    def shown(self) -> list[dict[str, Any]]:
        """What is there as a page is asked for."""
        return self.entries

    @contextmanager
    def serve(self) -> Iterator[int]:
        counting = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                counting.asked.append(self.path)
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                start = int(asked.get("offset", (int(asked.get("page", 1)) - 1) * PAGE_OF))
                if "since" in asked:
                    start = [e["id"] for e in counting.entries].index(int(asked["since"])) + 1
                entries = counting.shown()
                rows = entries[start : start + PAGE_OF]
                body = json.dumps(rows).encode()
                self.send_response(200)
                if start + PAGE_OF < len(entries):
                    number = start // PAGE_OF + 2
                    self.send_header("Link", f'</shop/x?page=1>; rel="first", </shop/x?page={number}>; rel="next"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def read(self, path: str, **config: Any) -> ReadBack:
        with self.serve() as port:
            return read_at(port, path, prefix="/shop", items="", **config)


def read_numbered(pages: Ending) -> ReadBack:
    """By their numbers, from a server that is asked by ``after``."""

    def shown(after: str) -> tuple[int, Any]:
        return pages.of(int(after))

    with served(shown) as port:
        return read_at(port, "/all?after={page}", items="")


class Growing(Counting):
    """With the newest first; so many are written after each page, up to a number that lets the reading end."""

    def __init__(self, entries: list[dict[str, Any]], between: int) -> None:
        super().__init__(entries)
        self._fresh = [{"id": -n, "token": f"new-{n}", "payload": "p"} for n in range(6)]
        self._between = between

    def shown(self) -> list[dict[str, Any]]:
        rows = [*self.entries]
        self.entries = [*self._fresh[: self._between], *self.entries]
        del self._fresh[: self._between]
        return rows


NUMBERED = [{"id": i, "token": f"t-{i}", "payload": f"p-{i}"} for i in range(5)]


@pytest.mark.parametrize("entries", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("path", "config"),
    [
        ("/x?page={page}", {}),
        ("/x?offset={offset}", {}),
        ("/x?since={after}", {"next_in_entry": "/id"}),
        ("/x", {"next_link": True}),
    ],
    ids=["page", "offset", "last id", "link"],
)
def test_pages_are_read_to_the_last_however_the_next_is_told(entries: int, path: str, config: dict[str, Any]) -> None:
    pages = Counting(NUMBERED[:entries])
    back = pages.read(path, **config)
    assert back.error == ""
    assert back.found == tuple((f"t-{i}", f"p-{i}") for i in range(entries))
    assert all(asked.startswith("/shop/x") for asked in pages.asked)


@pytest.mark.parametrize("between", [1, 2])
@pytest.mark.parametrize("path", ["/x?page={page}", "/x?offset={offset}"])
def test_where_the_newest_come_first_what_is_written_meanwhile_doubles_nothing(path: str, between: int) -> None:
    pages = Growing(NUMBERED, between)
    back = pages.read(path)
    tokens = [token for token, _ in back.found or ()]
    assert (len(tokens), len(set(tokens))) == (5, 5)


class Ending(Counting):
    """Of pages beyond the last ``past`` is the status; 200: the last one is given again. ``short`` is one in the middle
    with an entry less."""

    def __init__(self, past: int, short: int = -1) -> None:
        super().__init__(NUMBERED)
        self._past, self._short = past, short

    def of(self, number: int) -> tuple[int, list[Any]]:
        pages = [NUMBERED[at : at + PAGE_OF] for at in range(0, len(NUMBERED), PAGE_OF)]
        if self._short >= 0:
            pages.insert(self._short, [])
            pages[self._short] = [{"id": 9, "token": "t-9", "payload": "p-9"}]
        if number <= len(pages):
            return 200, pages[number - 1]
        return (200, pages[-1]) if self._past == 200 else (self._past, [])


@pytest.mark.parametrize("past", [200, 400, 404, 410])
def test_numbered_pages_end_as_services_end_them(past: int) -> None:
    back = read_numbered(Ending(past))
    assert (back.error, [t for t, _ in back.found or ()]) == ("", [f"t-{n}" for n in range(5)])


def test_a_page_that_is_short_in_the_middle_is_not_the_last() -> None:
    back = read_numbered(Ending(404, short=1))
    assert sorted(t for t, _ in back.found or ()) == [*(f"t-{n}" for n in range(5)), "t-9"]


@pytest.mark.parametrize("first", [404, 500])
def test_a_first_page_that_is_refused_is_no_read_back(first: int) -> None:
    with served(lambda _: (first, {})) as port:
        back = read_at(port, "/x?after=&page={page}")
    assert (back.found, back.error_status) == (None, first)


@pytest.mark.parametrize("form", ["http://shop.example/all?after={}", "/all?after={}", "?after={}"])
def test_each_page_may_name_the_address_of_the_next(form: str) -> None:
    def pages(after: str) -> tuple[int, Any]:
        at = int(after or 0)
        following = form.format(at + 2) if at + 2 < len(ENTRIES) else None
        return 200, {"items": ENTRIES[at : at + 2], "links": {"next": following}}

    with served(pages) as port:
        back = read_at(port, "/all?after=", next="/links/next")
    assert [t for t, _ in back.found or ()] == [f"t-{i}" for i in range(5)]


def test_what_is_no_address_is_told_so() -> None:
    with served(lambda _: (200, {"items": ENTRIES, "next": 1000})) as port:
        back = read_at(port, "/all?after=", next="/next")
    assert back.found is None and "'1000', which is no address, and path has no {after}" in back.error


def test_also_where_more_is_written_than_a_page_holds() -> None:
    every = [(f"t-{n}", None) for n in range(60)]
    entries = _Entries(moves=True)
    for page in (every[20:40], [*every[15:20], *every[20:35]], every[35:55]):
        entries.add(page)
    assert sorted(entries.found) == sorted(every[15:55])


def test_pages_after_an_entry_do_not_move() -> None:
    doubled = [(f"t-{n // 2}", None) for n in range(10)]
    entries = _Entries(moves=False)
    for at in range(0, 10, 3):
        entries.add(doubled[at : at + 3])
    assert entries.found == doubled


@pytest.mark.parametrize("twice", [1, 2, 4])
def test_an_entry_that_is_stored_twice_is_told_twice(twice: int) -> None:
    back = Counting([*NUMBERED, NUMBERED[twice]]).read("/x?page={page}")
    assert [token for token, _ in back.found or ()].count(f"t-{twice}") == 2


def read_as_accounts(folder: Path, told: Sequence[Mapping[str, Any]], *own: Sequence[Mapping[str, Any]]) -> list[str]:
    """By which accounts was read what each sees of its own, after these writes were acknowledged; the found tokens are
    what those see."""
    asked: list[str] = []

    def tell(_: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        asked.append(headers["X-Account"])
        return 200, own[int(asked[-1])]

    (folder / "ledger").mkdir()
    lines = [{"token": e["token"], "payload": "p", "sent_ns": 1, "end_ns": 2, "outcome": "acknowledged"} for e in told]
    (folder / "ledger" / "load.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with serving(tell) as port:
        back = read_at(port, "/x", accounts=len(own), folder=folder, items="", next_link=True)
    assert {t for t, _ in back.found or ()} == {e["token"] for account in asked for e in own[int(account)]}
    return asked


EVEN, ODD = ([e for e in NUMBERED if e["id"] % 2 == odd] for odd in (0, 1))


def test_what_only_another_account_sees_is_read_as_that_one(tmp_path: Path) -> None:
    assert read_as_accounts(tmp_path, NUMBERED, EVEN, ODD) == ["0", "1"]


def test_what_nobody_sees_is_asked_of_all(tmp_path: Path) -> None:
    assert read_as_accounts(tmp_path, [*NUMBERED, {"token": "t-lost"}], EVEN, ODD, []) == ["0", "1", "2"]


def test_where_the_first_sees_all_that_was_written_the_others_are_not_asked(tmp_path: Path) -> None:
    assert read_as_accounts(tmp_path, EVEN, EVEN, ODD) == ["0"]


def test_where_all_see_the_same_one_more_is_enough(tmp_path: Path) -> None:
    """A restore took something away: fifty accounts would be asked for it in vain, each for every page."""
    assert read_as_accounts(tmp_path, [*EVEN, {"token": "t-gone"}], EVEN, EVEN, EVEN) == ["0", "1"]


def test_entries_may_be_plain_texts_without_a_payload() -> None:
    back = Counting([f"t-{i}" for i in range(3)]).read("/x?page={page}", token="", payload="")
    assert back.found == (("t-0", None), ("t-1", None), ("t-2", None))


@pytest.mark.parametrize("nothing", [{"items": []}, {"items": None}, {"items": [], "next": None}])
def test_an_empty_set_reads_as_nothing_is_there(nothing: dict[str, Any]) -> None:
    back = read(lambda _: (200, nothing))
    assert (back.found, back.error) == ((), "")
