"""The harness's own questions are asked, and answers understood, as real services want and give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.host.endpoint import Endpoint, Tls
from harness.system import http
from tests.integration.answers import Certificates, Manners, answering, certificates

DEADLINE_S = 10.0


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    "manners",
    [
        Manners(encoding="gzip"),
        Manners(encoding="deflate"),
        Manners(encoding="raw-deflate"),
        Manners(chunked=True),
        Manners(chunked=True, encoding="gzip"),
        Manners(version="HTTP/1.0"),
        Manners(hints=True),
        Manners(hints=True, chunked=True, encoding="gzip"),
    ],
    ids=str,
)
def test_an_answer_is_understood_however_it_is_given(manners: Manners) -> None:
    with answering(manners) as port:
        answer = http.ask(Endpoint(f"http://127.0.0.1:{port}"), "GET", "/x?y=1", DEADLINE_S)
    assert (answer.status, answer.json(), answer.error) == (200, {"ok": True}, "")
    assert manners.asked[0].line == "GET /x?y=1 HTTP/1.1"


def test_a_redirect_is_not_followed_and_told_with_its_target() -> None:
    manners = Manners(status=301, location="https://shop.example/login")
    with answering(manners) as port:
        answer = http.ask(Endpoint(f"http://127.0.0.1:{port}"), "GET", "/", DEADLINE_S)
    assert (answer.status, answer.said(), len(manners.asked)) == (301, "HTTP 301 to https://shop.example/login", 1)


def test_what_is_no_text_is_not_printed() -> None:
    with answering(Manners(status=500, body=bytes(range(256)))) as port:
        answer = http.ask(Endpoint(f"http://127.0.0.1:{port}"), "GET", "/", DEADLINE_S)
    assert answer.said() == "HTTP 500: 256 bytes that are no text"


def test_every_request_carries_the_headers_of_the_service_and_its_own_win() -> None:
    manners = Manners()
    with answering(manners) as port:
        endpoint = Endpoint(f"http://127.0.0.1:{port}/shop", {"Host": "shop.example", "X-One": "1", "x-two": "2"})
        http.ask(endpoint, "POST", "/x", DEADLINE_S, "body", {"X-Two": "own"})
    (asked,) = manners.asked
    assert asked.line == "POST /shop/x HTTP/1.1"
    told = {name: asked.headers[name] for name in ("host", "x-one", "x-two", "content-length")}
    assert told == {"host": "shop.example", "x-one": "1", "x-two": "own", "content-length": "4"}


def test_a_unix_socket_is_asked(tmp_path: Path) -> None:
    manners, path = Manners(), str(tmp_path / "service.sock")
    with answering(manners, path):
        answer = http.ask(Endpoint(f"unix:{path}"), "GET", "/x", DEADLINE_S)
    assert (answer.status, manners.asked[0].headers["host"]) == (200, "localhost")


@pytest.mark.parametrize(("listens", "asked"), [("127.0.0.1", "localhost"), ("::1", "localhost"), ("::1", "[::1]")])
def test_every_address_of_a_name_is_tried(listens: str, asked: str) -> None:
    with answering(Manners(), (listens, 0)) as port:
        assert http.ask(Endpoint(f"http://{asked}:{port}"), "GET", "/", DEADLINE_S).ok


def test_nobody_there_is_told_from_no_answer() -> None:
    with answering(Manners()) as port:
        pass
    assert http.ask(Endpoint(f"http://127.0.0.1:{port}"), "GET", "/", DEADLINE_S).refused
    assert http.ask(Endpoint("unix:/no/such/socket"), "GET", "/", DEADLINE_S).status == 0


def test_https_is_checked_by_the_authority_that_is_named(signed: Certificates) -> None:
    with answering(Manners(), tls=signed.context()) as port:
        url = f"https://localhost:{port}"
        strange = http.ask(Endpoint(url), "GET", "/", DEADLINE_S)
        known = http.ask(Endpoint(url, tls=Tls(ca_file=str(signed.ca))), "GET", "/", DEADLINE_S)
        unasked = http.ask(Endpoint(url, tls=Tls(verify=False)), "GET", "/", DEADLINE_S)
    assert (strange.status, known.status, unasked.status) == (0, 200, 200)
    assert "certificate" in strange.error


def test_a_client_shows_its_certificate(signed: Certificates) -> None:
    with answering(Manners(), tls=signed.context(clients=True)) as port:
        url = f"https://127.0.0.1:{port}"
        without = http.ask(Endpoint(url, tls=Tls(ca_file=str(signed.ca))), "GET", "/", DEADLINE_S)
        tls = Tls(ca_file=str(signed.ca), cert_file=str(signed.client))
        shown = http.ask(Endpoint(url, tls=tls), "GET", "/", DEADLINE_S)
    assert (without.status, shown.status) == (0, 200)
