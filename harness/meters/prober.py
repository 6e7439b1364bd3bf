"""The process that judges downtime: a probe every interval whatever became of those before, on three channels."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import h11
import msgspec

from harness.config.schema import RequestTemplate
from harness.host.bodies import WORDS_CHARS, CannotDecode, decoded, words_of
from harness.host.clock import mono_ns
from harness.host.endpoint import Endpoint
from harness.load.config import START, next_line
from harness.load.request_tracker import RequestTracker
from harness.load.requests import Request, Requests, answered, id_in, is_ours
from harness.meters.program_talk import ProgramTalk
from harness.model import NS
from harness.system.clients.talk import ended
from harness.system.ledger_tail import FLUSH_EVERY_S
from harness.system.session import NO_LOGIN, Login, LoginRefused, Session

DRAIN_S = 0.25  # at the end, answers under way get this long; a frozen server must show as `unfinished`
_PRIORITY = 10  # any real-time priority will do: it only has to beat the load and the system under test
_IDLE_KEPT = 64
_WORDS_READ = 1024  # of a bad answer
MOST_BAD = 5  # of the ways in which probes ended badly, so many are told
_BODY_READ = 2**20  # what is expected in an answer is looked for in so much of it


@dataclass(frozen=True, slots=True)
class ProberConfig:
    """What the prober process is told. Reads alternate between a new and a kept connection; writes keep theirs."""

    endpoint: Endpoint
    deadline_ms: float
    interval_ms: float
    read: RequestTemplate
    write: RequestTemplate | None
    samples_dir: str
    ledger_dir: str
    seed: int
    numbers: tuple[int, int] = (0, 999_999)
    login: Login = NO_LOGIN
    program: str = ""  # the door to a client of the user's own; empty: HTTP

    @property
    def channels(self) -> tuple[str, ...]:
        # Which of its connections a client of the user's own takes is its own matter.
        reads = ("read_reused",) if self.program else ("read_fresh", "read_reused")
        return (*reads, "write") if self.write else reads

    def save(self, path: Path) -> bytes:
        """Write it down without how a client logs in, which is returned as a line of its own."""
        path.write_bytes(msgspec.json.encode(replace(self, login=NO_LOGIN)))
        return msgspec.json.encode(self.login) + b"\n"

    @staticmethod
    def load(path: Path, login: bytes) -> ProberConfig:
        """What ``save`` wrote, with the line that it gave."""
        config = msgspec.json.decode(path.read_bytes(), type=ProberConfig)
        return replace(config, login=msgspec.json.decode(login, type=Login))


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, one request at a time; an exchange ends as (outcome, status)."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._answer: asyncio.Future[tuple[str, int]] | None = None
        self._status = 0
        self._body = b""
        self.headers: dict[str, str] = {}  # of the last answer, names in lower case; of several the last
        self.set_cookies: list[str] = []
        self._template: RequestTemplate | None = None
        self.content = ""  # what kind of content the last answer had, such as text/html
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    @property
    def reusable(self) -> bool:
        return (
            self.transport is not None
            and not self.transport.is_closing()
            and self._http.our_state is h11.IDLE
            and self._http.their_state is h11.IDLE
        )

    def send(self, request: Request, close: bool) -> asyncio.Future[tuple[str, int]]:
        """LocalProtocolError where the request is none that can be sent."""
        self._answer = asyncio.get_running_loop().create_future()
        self._status, self._body, self._template = 0, b"", request.template
        headers = [("Host", request.host), *request.headers.items()]
        if request.body or request.template.method != "GET":
            headers.append(("Content-Length", str(len(request.body))))
        if close:
            headers.append(("Connection", "close"))
        out = self._http.send(h11.Request(method=request.template.method, target=request.path, headers=headers))
        if request.body:
            out = (out or b"") + (self._http.send(h11.Data(data=request.body)) or b"")
        out = (out or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        assert self.transport
        self.transport.write(out)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def eof_received(self) -> None:
        self._receive(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended("reset")

    def _receive(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while True:
                event = self._http.next_event()
                if isinstance(event, h11.Response):
                    self._status = event.status_code
                    self.headers = {n.decode(): v.decode(errors="replace") for n, v in event.headers}
                    self.set_cookies = [v.decode(errors="replace") for n, v in event.headers if n == b"set-cookie"]
                    self.content = self.headers.get("content-type", "").partition(";")[0].strip().lower()
                elif isinstance(event, h11.Data):
                    if len(self._body) < self._body_read:
                        self._body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    template = self._template
                    good = answered(template, self._status, self.body, self.headers) if template else "reset"
                    self._ended(good)
                    if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                        self._http.start_next_cycle()
                elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                    break
        except h11.RemoteProtocolError:
            # Half an answer, or none that HTTP knows: it never arrived.
            self._ended("reset")
            self.close()

    @property
    def _body_read(self) -> int:
        """So much of the answer is of interest."""
        good = self._template is None or 200 <= self._status < 300
        return _BODY_READ if self._template and self._template.reads_body else 0 if good else _WORDS_READ

    @property
    def body(self) -> bytes:
        """What was read of the last answer's, decoded."""
        try:
            return decoded(self._body, self.headers.get("content-encoding", ""), _BODY_READ)
        except CannotDecode:
            return b""

    @property
    def said(self) -> str:
        """The first words of the last answer, or where it leads."""
        target = self.headers.get("location")
        return f"to {target}"[:WORDS_CHARS] if target and 300 <= self._status < 400 else words_of(self.body)

    def _ended(self, outcome: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result((outcome, self._status))

    def close(self) -> None:
        if self.transport:
            self.transport.abort()


class Prober:
    """Starts a probe at each point of a fixed grid and never waits for an earlier one."""

    def __init__(self, config: ProberConfig, tracker: RequestTracker, addresses: Sequence[Any]) -> None:
        self._config = config
        self._tracker = tracker
        self._addresses = list(addresses)
        self._tls = config.endpoint.tls.context() if config.endpoint.secure else None
        self._session = Session(config.endpoint, config.login)
        self._logging_in = asyncio.Lock()
        self._program = ProgramTalk(config.program) if config.program else None
        templates = [t for t in (config.write, config.read) if t]
        self._requests = Requests(templates, "p", "deploydrill-probe", config.seed, config.endpoint, config.numbers)
        self._idle: dict[str, deque[Connection]] = {"read_reused": deque(), "write": deque()}
        self._tasks: set[asyncio.Task[None]] = set()
        self.contents: dict[str, list[str]] = {}  # kinds of content of good answers by request, in the order they came

    async def run(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        step_ns = int(self._config.interval_ms * 1e6)
        channels = cycle(self._config.channels)
        due_ns = mono_ns() + step_ns
        flush = loop.create_task(self._flush())
        while not stop.is_set():
            delay_s = (due_ns - mono_ns()) / NS
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            # Also those that became due while this process was held up: their lateness is in their samples.
            while due_ns <= mono_ns():
                self._probe(loop, next(channels), due_ns)
                due_ns += step_ns
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        flush.cancel()
        self._tracker.close()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            self._tracker.flush()

    def _probe(self, loop: asyncio.AbstractEventLoop, channel: str, due_ns: int) -> None:
        template = self._config.write if channel == "write" else self._config.read
        assert template
        request = self._requests.fill(template)
        if request is None:  # a read of a known token before the first write was acknowledged
            return
        exchange = self._by_http if self._program is None else self._by_program
        task = loop.create_task(exchange(channel, request, due_ns))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _by_program(self, channel: str, request: Request, due_ns: int) -> None:
        """By a client of the user's own."""
        assert self._program is not None
        entry = self._tracker.start(request, channel, due_ns)
        deadline_s = request.template.deadline_s(self._config.deadline_ms)
        outcome, status, said = "timeout", 0, ""
        try:
            async with asyncio.timeout(deadline_s):
                outcome, status, said = ended(await self._program.ask(request.do, deadline_s, request.told))
        except TimeoutError:
            pass
        except OSError as error:
            outcome, said = "reset", str(error)[:WORDS_CHARS]
        if self._tracker.finish(entry, outcome, status, said=said):
            self._requests.acknowledged(request)

    async def _by_http(self, channel: str, request: Request, due_ns: int) -> None:
        connection = self._kept(channel)
        entry = self._tracker.start(request, channel, due_ns, fresh=connection is None)
        deadline_s = request.template.deadline_s(self._config.deadline_ms)
        outcome, status, said = "timeout", 0, ""
        try:
            async with asyncio.timeout(deadline_s):
                if self._config.login.in_use:
                    await self._log_in(deadline_s)
                if connection is None:
                    connection = await self._connect()
                since_ns = mono_ns()
                outcome, status = await self._sent(connection, request, channel)
                if self._session.refused(status, connection.headers.get("location", "")):
                    outcome, status = "timeout", 0  # what counts is the answer to the next one
                    await self._log_in(deadline_s, since_ns)
                    self._put_back(channel, connection)
                    connection = self._kept(channel) or await self._connect()
                    outcome, status = await self._sent(connection, request, channel)
                said = connection.said if outcome == "http_error" else ""
        except TimeoutError:
            pass
        except LoginRefused as refused:
            outcome, status, said = "http_error" if refused.status else "refused", refused.status, str(refused)
        except ConnectionResetError:
            outcome = "reset"
        except (h11.LocalProtocolError, UnicodeEncodeError):  # its words hold the header, and so perhaps a secret
            outcome, said = "refused", "it cannot be sent: a path or a header holds what none can"
        except OSError as error:
            if is_ours(error):
                self._tracker.withdraw(entry)
                return
            outcome, said = "refused", str(error)[:WORDS_CHARS]  # never connected: nothing can have been applied
        strange = outcome == "ok" and connection is not None and self._strange(request, connection.content)
        id_ = id_in(request.template, connection.body) if outcome == "ok" and connection is not None else ""
        if self._tracker.finish(entry, outcome, status, strange, said, id_):
            self._requests.acknowledged(request, id_)
        if connection:
            self._put_back(channel, connection)

    async def _log_in(self, deadline_s: float, since_ns: int = 0) -> None:
        """Where need be, or (``since_ns``) for a session that was over then. In a thread: a login is no probe."""
        async with self._logging_in:
            if since_ns:
                await asyncio.to_thread(self._session.renew, since_ns, deadline_s)
            elif self._config.login.steps:
                await asyncio.to_thread(self._session.ensure, deadline_s)

    async def _sent(self, connection: Connection, request: Request, channel: str) -> tuple[str, int]:
        if self._config.login.in_use:
            request = self._requests.of(request, self._session)
        sent_ns = mono_ns()
        ended = await connection.send(request, close=channel == "read_fresh")
        self._session.take(connection.set_cookies, sent_ns)
        return ended

    def _strange(self, request: Request, content: str) -> bool:
        """Whether it is not what this request was answered with at first: a front has error pages of its own, and may
        well send them as a success."""
        kinds = self.contents.setdefault(request.template.name, [content])
        if content not in kinds:
            kinds.append(content)
        return content != kinds[0]

    async def _connect(self) -> Connection:
        """To the first address that takes it; that one is tried first from then on."""
        loop, host = asyncio.get_running_loop(), self._config.endpoint.host if self._tls else None
        refused: OSError | None = None
        for address in self._addresses:
            try:
                if self._config.endpoint.socket_path:
                    _, connection = await loop.create_unix_connection(Connection, address)
                else:
                    where, port = address[:2]
                    _, connection = await loop.create_connection(
                        Connection, where, port, ssl=self._tls, server_hostname=host
                    )
            except OSError as error:
                refused = refused or error
                continue
            self._addresses.remove(address)
            self._addresses.insert(0, address)
            return connection
        raise refused or OSError(f"{self._config.endpoint.host} has no address")

    def _kept(self, channel: str) -> Connection | None:
        """An idle connection of the channel; None when all are busy or closed: then the pool grows by a new one."""
        idle = self._idle.get(channel, deque())
        while idle:
            connection = idle.pop()
            if connection.reusable:
                return connection
            connection.close()
        return None

    def _put_back(self, channel: str, connection: Connection) -> None:
        idle = self._idle.get(channel)
        if idle is not None and connection.reusable and len(idle) < _IDLE_KEPT:
            idle.append(connection)
        else:
            connection.close()


def _real_time() -> bool:
    """Run before everything else on this host, where allowed: p99 lateness is a tenth of a plain process's."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        return False
    return True


async def _main(config: ProberConfig) -> None:
    loop = asyncio.get_running_loop()
    # Resolved once: a name server's pause is not the system's downtime.
    addresses = [] if config.program else [address for _, address in config.endpoint.addresses()]
    stop = asyncio.Event()
    loop.add_reader(0, _stopped, loop, stop)
    names = list(dict.fromkeys(t.name for t in (config.read, config.write) if t))
    samples = Path(config.samples_dir) / f"probe-{os.getpid()}.bin"
    tracker = RequestTracker(samples, Path(config.ledger_dir) / "probe.jsonl", names)
    real_time = _real_time()
    gc.collect()
    gc.freeze()  # what is alive now stays: no collection has to walk it again
    began_ns, began_cpu_s = mono_ns(), _cpu_s()
    prober = Prober(config, tracker, addresses)
    await prober.run(stop)
    end = {
        "started": tracker.started,
        "outcomes": dict(tracker.outcomes),
        "contents": prober.contents,
        "bad_answers": [asdict(bad) for bad in tracker.bad[:MOST_BAD]],
        "real_time": real_time,
        "cpu_s": _cpu_s() - began_cpu_s,
        "wall_s": (mono_ns() - began_ns) / NS,
    }
    sys.stdout.write(json.dumps(end) + "\n")


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _stopped(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    os.read(0, 64)
    loop.remove_reader(0)
    stop.set()


if __name__ == "__main__":
    login = next_line()
    # Without a line more, whoever started us is gone, or ends the run before it began.
    if login.endswith(b"\n") and next_line() == START:
        asyncio.run(_main(ProberConfig.load(Path(sys.argv[1]), login)))
