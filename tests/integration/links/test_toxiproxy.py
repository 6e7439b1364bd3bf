"""The client for Toxiproxy against the real server."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import ExitCode, HarnessError
from harness.host import commands
from harness.host.clock import Deadline, wait_until
from harness.links import toxiproxy_server
from harness.links.toxiproxy import ToxiproxyApi
from harness.links.toxiproxy_server import find_server
from tests.busy import Machine


def stopped(pid: int) -> bool:
    """A SIGSTOP has reached every thread."""
    return all(" T " in (task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir())


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[commands.Process, ToxiproxyApi]]:
    program = find_server()
    assert program, "no toxiproxy-server; `make setup` builds it"
    port = free_port()
    process = commands.spawn([str(program), "-host", "127.0.0.1", "-port", str(port)], output=tmp_path / "server.log")
    try:
        api = ToxiproxyApi("127.0.0.1", port)
        api.wait_ready(10)
        yield process, api
    finally:
        process.signal(signal.SIGCONT)
        process.end()


@pytest.fixture
def api(server: tuple[commands.Process, ToxiproxyApi]) -> ToxiproxyApi:
    return server[1]


@pytest.fixture
def echo() -> Iterator[str]:
    """An upstream that sends everything back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_one(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def address(listen: str) -> tuple[str, int]:
    host, port = listen.rsplit(":", 1)
    return host, int(port)


def echo_seconds(listen: str, size: int = 4) -> float:
    began = time.monotonic()
    with socket.create_connection(address(listen), 5) as s:
        s.sendall(b"x" * size)
        left = size
        while left:
            data = s.recv(65536)
            if not data:
                raise ConnectionError(f"closed {left} bytes early")
            left -= len(data)
    return time.monotonic() - began


def test_created_proxy_passes_bytes_and_is_listed_with_its_real_port(api: ToxiproxyApi, echo: str) -> None:
    made = api.create("offsite", "127.0.0.1:0", echo)
    assert not made.listen.endswith(":0")
    assert api.proxies() == {"offsite": made}
    assert echo_seconds(made.listen) < 2


@pytest.mark.calm
def test_latency_toxic_delays_and_its_removal_heals_and_twice_is_fine(api: ToxiproxyApi, echo: str) -> None:
    made = api.create("p", "127.0.0.1:0", echo)
    toxic = api.add_toxic("p", "slow", "latency", "downstream", {"latency": 400})
    assert toxic.attributes == {"latency": 400, "jitter": 0}
    assert echo_seconds(made.listen) >= 0.4
    api.remove_toxic("p", "slow")
    api.remove_toxic("p", "slow")
    assert api.proxies()["p"].toxics == ()
    machine, took_s = Machine(), echo_seconds(made.listen)
    machine.must(took_s < 0.4, f"without the toxic of 400 ms an answer took {1000 * took_s:.0f} ms")


def test_cut_at_byte_n_lets_exactly_n_bytes_through(api: ToxiproxyApi, echo: str) -> None:
    made = api.create("p", "127.0.0.1:0", echo)
    api.add_toxic("p", "cut", "limit_data", "downstream", {"bytes": 1000})
    echo_seconds(made.listen, 1000)
    with pytest.raises(ConnectionError, match="closed 500 bytes early"):
        echo_seconds(made.listen, 1500)


def test_disabled_proxy_refuses_and_enabled_one_serves_on_the_same_port(api: ToxiproxyApi, echo: str) -> None:
    made = api.create("p", "127.0.0.1:0", echo)
    assert api.set_enabled("p", False).enabled is False
    with pytest.raises(ConnectionRefusedError):
        echo_seconds(made.listen)
    assert api.set_enabled("p", True).listen == made.listen
    assert echo_seconds(made.listen) < 2


def test_create_on_a_busy_port_says_so(api: ToxiproxyApi, echo: str) -> None:
    with pytest.raises(HarnessError, match="address already in use") as caught:
        api.create("p", echo, echo)
    assert caught.value.code == ExitCode.HOST_CANNOT
    assert "create proxy p on 127.0.0.1" in caught.value.what
    assert api.proxies() == {}


def test_enable_fails_aloud_when_the_port_was_taken_meanwhile(api: ToxiproxyApi, echo: str) -> None:
    made = api.create("p", "127.0.0.1:0", echo)
    api.set_enabled("p", False)
    with socket.create_server(address(made.listen)), pytest.raises(HarnessError, match="address already in use"):
        api.set_enabled("p", True)
    assert api.proxies()["p"].enabled is False


@pytest.mark.calm
def test_frozen_server_is_an_error_within_the_time_out(server: tuple[commands.Process, ToxiproxyApi]) -> None:
    process, api = server
    api.timeout_s = 0.5
    process.signal(signal.SIGSTOP)
    assert wait_until(lambda: stopped(process.pid), Deadline(10, "the server's threads to stop"))
    for change in (api.proxies, lambda: api.create("p", "127.0.0.1:0", "127.0.0.1:9"), lambda: api.wait_ready(0.1)):
        machine, began = Machine(), time.monotonic()
        with pytest.raises(HarnessError, match=r"no answer within 0\.[15] s"):
            change()
        took_s = time.monotonic() - began
        machine.must(took_s < 4, f"given up after {took_s:.1f} s")
    process.signal(signal.SIGCONT)
    api.timeout_s = 5
    assert set(api.proxies()) <= {"p"}, "after the thaw the server answers again"


def test_no_server_is_an_error_with_the_cause_and_a_hint() -> None:
    with pytest.raises(HarnessError, match=r"cannot reach the server \(Connection refused\)") as caught:
        ToxiproxyApi("127.0.0.1", free_port()).proxies()
    assert "make setup" in caught.value.hint


def test_something_else_on_the_port_is_recognised() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.server.body  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        for body in (b"<html>hello</html>", b'{"status": "ok"}', b"[]"):
            other.body = body  # type: ignore[attr-defined]
            with pytest.raises(HarnessError, match="something else"):
                ToxiproxyApi("127.0.0.1", other.server_port).proxies()
        other.shutdown()


def test_changes_to_what_does_not_exist_are_errors_and_removals_are_not(api: ToxiproxyApi) -> None:
    with pytest.raises(HarnessError, match="proxy not found"):
        api.add_toxic("nope", "t", "latency", "upstream", {"latency": 1})
    with pytest.raises(HarnessError, match="proxy not found"):
        api.set_enabled("nope", False)
    api.remove_toxic("nope", "t")
    api.destroy("nope")


def test_duplicates_and_wrong_toxics_say_what_is_wrong(api: ToxiproxyApi, echo: str) -> None:
    api.create("p", "127.0.0.1:0", echo)
    with pytest.raises(HarnessError, match="already exists"):
        api.create("p", "127.0.0.1:0", echo)
    with pytest.raises(HarnessError, match="invalid toxic type"):
        api.add_toxic("p", "t", "latencyy", "upstream", {})
    with pytest.raises(HarnessError, match="asked latency upstream"):
        api.add_toxic("p", "t", "latency", "upstream", {"delay": 5})
    with pytest.raises(HarnessError, match="toxic already exists"):
        api.add_toxic("p", "t", "latency", "upstream", {"latency": 5})
    with pytest.raises(HarnessError, match="toxicity 7 is not between"):
        api.add_toxic("p", "u", "latency", "upstream", {"latency": 5}, toxicity=7)
    for name in ("a/b", "", "a b", "../x"):
        with pytest.raises(HarnessError, match="the name may hold"):
            api.create(name, "127.0.0.1:0", echo)
    with pytest.raises(HarnessError, match="listen needs a host"):
        api.create("q", ":0", echo)


def test_proxy_variables_of_the_environment_are_not_followed(
    api: ToxiproxyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert api.proxies() == {}


def test_two_servers_in_one_process_do_not_mix(api: ToxiproxyApi, echo: str, tmp_path: Path) -> None:
    program, port = find_server(), free_port()
    other_process = commands.spawn([str(program), "-host", "127.0.0.1", "-port", str(port)])
    try:
        other = ToxiproxyApi("127.0.0.1", port)
        other.wait_ready(10)
        failures: list[BaseException] = []

        def work(mine: ToxiproxyApi, prefix: str) -> None:
            try:
                for n in range(10):
                    mine.create(f"{prefix}{n}", "127.0.0.1:0", echo)
            except BaseException as error:  # noqa: BLE001  # asserted on in the main thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=a) for a in ((api, "a"), (other, "b"), (api, "c"))]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30)
        assert not failures
        assert {n[0] for n in api.proxies()} == {"a", "c"} and len(api.proxies()) == 20
        assert {n[0] for n in other.proxies()} == {"b"} and len(other.proxies()) == 10
    finally:
        other_process.end()


def test_server_is_found_on_path_first_then_below_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toxiproxy_server, "TOOLS", tmp_path / ".tools")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_server() is None
    (tmp_path / ".tools").mkdir()
    built = tmp_path / ".tools" / "toxiproxy-server"
    built.write_text("#!/bin/sh\n")
    assert find_server() is None, "a file that cannot be executed is no server"
    built.chmod(0o755)
    assert find_server() == built
    (tmp_path / "bin").mkdir()
    on_path = tmp_path / "bin" / "toxiproxy-server"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    assert find_server() == on_path
    assert os.access(on_path, os.X_OK)
