"""The users Locust runs: a closed loop with think time, and an open-loop stream of arrivals."""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gevent
import gevent.socket
from gevent.pool import Pool
from geventhttpclient import client as geventhttp_client
from geventhttpclient import useragent as geventhttp_useragent
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPResponse, HTTPSocketResponse
from locust import FastHttpUser, task
from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode

from harness.config.schema import RequestTemplate, slow_deadline_s
from harness.host.bodies import WORDS_CHARS, words_of
from harness.host.clock import mono_ns
from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.load.request_tracker import RequestTracker
from harness.load.requests import Request, Requests, answered, id_in, is_ours
from harness.model import NS
from harness.system.clients.talk import ClientGone, Talk, ended
from harness.system.session import LoginRefused, Session

# geventhttpclient sends idempotent requests again, up to pool size + 1 times, when a connection dies before the answer;
# max_retries=0 does not stop it. A re-sent request hides exactly the failure we are here to count.
geventhttp_client.IDEMPOTENT_METHODS = frozenset()
geventhttp_useragent.IDEMPOTENT_METHODS = frozenset()


def _message_complete(response: HTTPSocketResponse) -> None:
    """The client gives its connection back once a message is complete, and takes an interim answer (103 before 200) for
    one; what comes of the real answer after that is lost."""
    if response.get_code() < 200:
        HTTPResponse._on_message_complete(response)
    else:
        _whole_message_complete(response)


_whole_message_complete = HTTPSocketResponse._on_message_complete
HTTPSocketResponse._on_message_complete = _message_complete

# So many choices without one that can be sent: there is none.
_CHOICES = 1000
_NOT_CONNECTED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN)

_DROPPED = "dropped"  # no outcome: it was never sent


class Sender:
    """Sends requests and writes them down; shared by all users of this process."""

    def __init__(self, config: LoadConfig, tracker: RequestTracker) -> None:
        self.config = config
        self.tracker = tracker
        self.requests = Requests(config.requests, "l", "deploydrill-load", config.seed, config.endpoint, config.numbers)
        self.stopping = False
        self.sent_again = 0  # with a new session; the server counts each
        self.talk = Talk(config.program) if config.program else None

    def send(self, client: FastHttpSession, session: Session, request: Request, intended_ns: int) -> None:
        template = request.template
        deadline_s = template.deadline_s(self.config.deadline_ms)
        if self.stopping:  # a late greenlet: no record would hold what it sends now
            return
        entry = self.tracker.start(request, "load", intended_ns)
        done = _Exchange("timeout", 0)
        try:
            # One timer over connect, send and the whole answer; the client's own timeouts start again at every read.
            with gevent.Timeout(deadline_s):
                done = self._exchange(client, session, request, deadline_s)
        except gevent.Timeout:
            pass
        except LoginRefused as refused:
            done = _Exchange("http_error" if refused.status else "reset", refused.status, str(refused))
        except Exception:
            self.tracker.finish(entry, "reset", 0)
            raise
        if done.outcome == _DROPPED:
            self.tracker.withdraw(entry)
        elif self.tracker.finish(entry, done.outcome, done.status, said=done.said, id_=done.id):
            self.requests.acknowledged(request, done.id, session.account)

    def _exchange(self, client: FastHttpSession, session: Session, request: Request, deadline_s: float) -> _Exchange:
        """Log in where need be, send, and once more where the session was over. LoginRefused."""
        if self.talk is not None:
            return self._told(self.talk, request, deadline_s)
        if not self.config.login.in_use:
            return self._sent(client, session, request)
        session.ensure(deadline_s)
        since_ns = mono_ns()
        done = self._sent(client, session, self.requests.of(request, session))
        if session.refused(done.status, done.location):
            session.renew(since_ns, deadline_s)
            self.sent_again += 1
            done = self._sent(client, session, self.requests.of(request, session))
        return done

    def _told(self, talk: Talk, request: Request, deadline_s: float) -> _Exchange:
        """By a client of the user's own."""
        try:
            told = talk.ask(request.do, deadline_s, **request.told)
        except TimeoutError:
            return _Exchange("timeout", 0)
        except ClientGone as gone:
            return _Exchange("reset", 0, str(gone))
        return _Exchange(*ended(told))

    def _sent(self, client: FastHttpSession, session: Session, request: Request) -> _Exchange:
        template, sent_ns = request.template, mono_ns()
        with client.request(
            template.method,
            request.path,
            name=template.name,
            data=request.body,
            headers={"Host": request.host, **request.headers},
            catch_response=True,
        ) as response:
            body = response.content or b"" if template.reads_body else b""
            error = response.request_meta["exception"]
            headers = response.headers or {}
            outcome, status = classified(template, response.status_code or 0, body, headers, error)
            session.take(_lines(headers, "set-cookie"), sent_ns)
            return _Exchange(
                outcome,
                status,
                "" if outcome == "ok" else _words(response, error),
                next(iter(_lines(headers, "location")), ""),
                id_in(template, body) if outcome == "ok" else "",
            )

    def pause_if_stopping(self) -> None:
        """Once the load is stopping nothing new is sent: wait to be killed."""
        while self.stopping:
            gevent.sleep(60)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """How a request ended; ``said`` are the first words of a bad answer, ``id`` what a good one calls what was
    written."""

    outcome: str
    status: int
    said: str = ""
    location: str = ""
    id: str = ""


def classified(
    template: RequestTemplate, status: int, body: bytes, headers: Mapping[str, Any], error: Any
) -> tuple[str, int]:
    """(outcome, status) of an answer or of what the client raised instead; ``dropped`` when it was for our own sake."""
    error = getattr(error, "original", None) or error  # timeouts come wrapped as RetriesExceeded
    if error is None or isinstance(error, LocustBadStatusCode):  # to Locust every status from 400 on is bad
        told = {name.lower(): ", ".join(_lines(headers, name)) for name in template.expect_headers}
        return answered(template, status, body, told), status
    if isinstance(error, gevent.Timeout | TimeoutError):
        return "timeout", status
    if isinstance(error, OSError) and is_ours(error):
        return _DROPPED, 0
    if isinstance(error, OSError) and error.errno in _NOT_CONNECTED:
        return "refused", 0
    return "reset", status


def _lines(headers: Mapping[str, Any], name: str) -> list[str]:
    """The values of a header, one a line."""
    value = headers.get(name)
    return [] if value is None else list(value) if isinstance(value, list) else [str(value)]


def _words(response: Any, error: Any) -> str:
    """The first words of a bad answer, or where it leads; without one, what the client says of it."""
    if response.status_code:
        target = next(iter(_lines(response.headers or {}, "location")), "")
        return f"to {target}"[:WORDS_CHARS] if target else words_of(response.content or b"")
    return str(error)[:WORDS_CHARS]


class _LedgeredUser(FastHttpUser):
    """What both kinds of user have in common."""

    abstract = True
    sender: Sender
    session: Session
    clients = itertools.count()

    def on_start(self) -> None:
        # Not by allow_redirects=False: that swaps this set around each request, and greenlets of a stream share it.
        self.client.client.redirect_response_codes = frozenset()
        self.client.client.cookiejar = None  # a session of ours keeps them, where they are kept
        self.session = Session(self.sender.config.endpoint, self.sender.config.login, next(self.clients))


class ThinkingUser(_LedgeredUser):
    """Closed loop: one request at a time, then think."""

    abstract = True
    numbers = itertools.count()

    @task
    def work(self) -> None:
        sender, mix = self.sender, self.sender.config.mix
        weights = [t.weight for t in mix]
        own = random.Random(f"user:{next(self.numbers)}:{sender.config.seed}")
        pause_s = own.uniform(0, sender.config.think_s[1])  # so that users do not start in step
        while True:
            intended_ns = mono_ns() + int(pause_s * NS)
            gevent.sleep(pause_s)
            sender.pause_if_stopping()
            request = sender.requests.fill(own.choices(mix, weights)[0], self.session.account)
            if request is not None:
                sender.send(self.client, self.session, request, intended_ns)
            pause_s = own.uniform(*sender.config.think_s)


class StreamUser(_LedgeredUser):
    """Open loop: requests arrive at ``rate`` per second whether or not earlier ones were answered."""

    abstract = True
    fixed_count = 1
    rate: float
    choose: Callable[[], RequestTemplate]

    @task
    def arrive(self) -> None:
        sender = self.sender
        gaps = random.Random(f"{type(self).__name__}:{sender.config.seed}")
        pool = Pool(self.concurrency)
        due_ns = mono_ns()
        while True:
            due_ns += int(gaps.expovariate(self.rate) * NS)
            gevent.sleep(max(0.0, (due_ns - mono_ns()) / NS))
            sender.pause_if_stopping()
            # One that names a known write cannot be sent before there is one: another is chosen in its place.
            tries = (sender.requests.fill(self.choose(), self.session.account) for _ in range(_CHOICES))
            request = next((made for made in tries if made is not None), None)
            if request is None:
                continue  # all of them name one; waiting for it here would keep even the writes from being sent
            if pool.full():
                sender.tracker.drop()
            else:
                pool.spawn(sender.send, self.client, self.session, request, due_ns)


def user_classes(sender: Sender) -> dict[str, type[FastHttpUser]]:
    """The users of ``sender.config``: think-time users or an arrival stream, and the stream of ledger writes."""
    config = sender.config
    # The sender's own timer is the deadline; these only have to be longer.
    _LedgeredUser.network_timeout = _LedgeredUser.connection_timeout = slow_deadline_s(config.deadline_ms) + 1
    _LedgeredUser.insecure = not config.endpoint.tls.verify
    _LedgeredUser.ssl_context_factory = staticmethod(config.endpoint.tls.context)
    ConnectionPool._resolve = lambda _: _addresses(config.endpoint)  # this process talks to nobody else
    classes: dict[str, type[FastHttpUser]] = {}
    if config.arrival_rate > 0:
        classes["Arrivals"] = _stream("Arrivals", sender, config.arrival_rate, _weighted(config))
    elif config.users > 0:
        classes["Users"] = type("Users", (ThinkingUser,), {"sender": sender, "concurrency": 1})
    if config.write_rate > 0:
        turn = itertools.cycle(config.writes)
        classes["Writes"] = _stream("Writes", sender, config.write_rate, lambda: next(turn))
    return classes


def _addresses(endpoint: Endpoint) -> list[tuple[Any, Any, int, str, Any]]:
    """As getaddrinfo tells them."""
    return [(family, gevent.socket.SOCK_STREAM, 0, "", address) for family, address in endpoint.addresses()]


def _stream(name: str, sender: Sender, rate: float, choose: Callable[[], RequestTemplate]) -> type[FastHttpUser]:
    # Room for twice what is in flight when nothing is answered before its deadline: full means the harness is overrun.
    longest_s = max(t.deadline_s(sender.config.deadline_ms) for t in sender.config.requests)
    room = min(1000, max(64, int(2 * rate * longest_s)))
    return type(
        name,
        (StreamUser,),
        {"sender": sender, "rate": rate, "choose": staticmethod(choose), "concurrency": room},
    )


def _weighted(config: LoadConfig) -> Callable[[], RequestTemplate]:
    own = random.Random(f"mix:{config.seed}")
    weights = [t.weight for t in config.mix]
    return lambda: own.choices(config.mix, weights)[0]
