"""An answer is bounded in bytes and in time, whoever sends it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

import pytest

from harness.system import http
from tests.busy import Machine


@contextmanager
def served(pieces: Callable[[], Iterator[bytes]], pause_s: float = 0.0) -> Iterator[str]:
    """A server that sends these and nothing else, with a pause before each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.recv(65536)
                for piece in pieces():
                    time.sleep(pause_s)
                    connection.sendall(piece)
            except OSError:  # the other one has seen enough
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()
        thread.join(10)


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def test_an_answer_is_read_whole() -> None:
    with served(lambda: iter([OK + b"Content-Length: 4\r\n\r\n", b"[1]\n"])) as url:
        answer = http.get(url, 5)
    assert (answer.status, answer.body, answer.json()) == (200, b"[1]\n", [1])


def test_a_connection_that_is_closed_without_an_answer_is_told_as_that() -> None:
    with served(lambda: iter([])) as url:
        answer = http.get(url, 5)
    assert (answer.status, answer.ok) == (0, False)
    assert "closed before an answer" in answer.error


@pytest.mark.calm
@pytest.mark.parametrize("start", [OK + b"\r\n", b"HTTP/1.1 200 OK\r\n"], ids=["in the body", "in the headers"])
def test_one_that_comes_drop_by_drop_is_given_up_at_the_deadline_on_the_whole(start: bytes) -> None:
    with served(lambda: chain([start], repeat(b"x")), pause_s=0.1) as url:
        machine, began = Machine(), time.monotonic()
        answer = http.get(url, 0.6)
        took_s = time.monotonic() - began
    machine.must(took_s < 2.0, f"given up at 0.6 s, after {took_s:.1f} s")
    assert (answer.status, answer.ok) == (0, False)
    assert "Timeout" in answer.error or "timed out" in answer.error


def test_one_without_end_is_none() -> None:
    with served(lambda: chain([OK + b"\r\n"], repeat(b"A" * 65536))) as url:
        answer = http.get(url, 10, most_bytes=300_000)
    assert (answer.status, answer.error) == (0, "the answer is longer than 300000 bytes")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"1" * 5000])
def test_what_no_reader_of_json_can_take_is_no_json(body: bytes) -> None:
    assert http.Answer(200, body).json() is None


def test_what_it_says_is_short() -> None:
    assert len(http.Answer(500, b"A" * 1_000_000).said()) < 250
    with served(lambda: iter([b"A" * 60_000 + b"\r\n\r\n"])) as url:
        assert len(http.get(url, 2).said()) <= 300
