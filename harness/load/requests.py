"""A request of the load: its template, the placeholders filled in, and the payload that a token stands for."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.config.schema import RequestTemplate
from harness.host.bodies import ACCEPTED
from harness.host.clock import mono_ns
from harness.host.endpoint import Endpoint
from harness.system.http import pointer
from harness.system.session import Session, filled

_KNOWN_KEPT = 4096
# Of these there were too few where the request came from: descriptors, ports, memory.
_TOO_FEW = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)


def payload_of(token: str) -> str:
    """What a write with ``token`` must store; derived, so that a read-back can judge it without having seen it."""
    return hashlib.sha256(f"deploydrill:{token}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Request:
    """A template filled in with ``values``, ready to send. ``known_ns``: when the write whose token it names was; 0: it
    names none."""

    template: RequestTemplate
    token: str
    payload: str
    path: str
    body: bytes
    host: str
    headers: Mapping[str, str]
    made_ns: int
    known_ns: int = 0
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def do(self) -> str:
        """What a client of the user's own is asked to do."""
        return "write" if self.template.kind == "write" else "read"

    @property
    def told(self) -> dict[str, str]:
        """What it is told with that."""
        name = {"name": self.template.name}
        return name | {"token": self.token, "payload": self.payload} if self.do == "write" else name


@dataclass(frozen=True, slots=True)
class _Known:
    """A write that was acknowledged: its token, when it was made, and its id at the service."""

    token: str
    made_ns: int
    id: str


def _some() -> deque[_Known]:
    return deque(maxlen=_KNOWN_KEPT)


class Requests:
    """Fills templates for one process: tokens no other process makes, and what ``{known}`` may name.

    ``{known}`` is a token acknowledged earlier by the first write template of this process that names none. A write
    takes each at most once (two patches of one row could not be told apart in a read-back); a read may name any of them
    again.
    """

    def __init__(
        self,
        templates: Sequence[RequestTemplate],
        prefix: str,
        agent: str,
        seed: int,
        endpoint: Endpoint,
        numbers: tuple[int, int] = (0, 999_999),
    ) -> None:
        """``numbers``: what {n} ranges over, both ends included."""
        self._endpoint = endpoint
        self._numbers = numbers
        self._creates = next((t.name for t in templates if t.kind == "write" and not t.needs_known), "")
        self._agent = agent
        self._random = random.Random(f"{prefix}:{seed}")
        # Start time and pid: no two processes of a run share both, whatever the seed.
        self._prefix = f"{prefix}-{mono_ns():x}-{os.getpid():x}"
        self._count = 0
        # By the account that wrote them: others may not see them.
        self._untouched: dict[int, deque[_Known]] = defaultdict(_some)
        self._known: dict[int, deque[_Known]] = defaultdict(_some)

    def fill(self, template: RequestTemplate, account: int = 0) -> Request | None:
        """None when the template needs a known token and there is none yet that this account wrote."""
        self._count += 1
        token = f"{self._prefix}-{self._count:x}"
        payload = payload_of(token)
        values = {"token": token, "payload": payload, "n": str(self._random.randint(*self._numbers))}
        known_ns = 0
        if template.needs_known:
            if template.kind == "write":
                if not self._untouched[account]:
                    return None
                known = self._untouched[account].popleft()
            else:
                if not self._known[account]:
                    return None
                known = self._random.choice(self._known[account])
            values |= {"known": known.token, "id": known.id}
            known_ns = known.made_ns
        return self._made(template, values, mono_ns(), known_ns)

    def of(self, request: Request, session: Session) -> Request:
        """The same request with what the session of a client brings."""
        return self._made(
            request.template,
            {**session.variables, **request.values},
            request.made_ns,
            request.known_ns,
            session.headers(),
        )

    def _made(
        self,
        template: RequestTemplate,
        values: Mapping[str, str],
        made_ns: int,
        known_ns: int,
        of_session: Mapping[str, str] = MappingProxyType({}),
    ) -> Request:
        own = {name: filled(value, values) for name, value in template.headers.items()}
        headers = {"User-Agent": self._agent, "Accept-Encoding": ACCEPTED, **of_session}
        if template.body and not any(name.lower() == "content-type" for name in own):
            headers["Content-Type"] = "application/json"
        if template.kind == "write":
            headers["Idempotency-Key"] = values["token"]
        headers = self._endpoint.all_headers(_over(headers, own))
        host = next((v for name, v in own.items() if name.lower() == "host"), self._endpoint.authority)
        path, body = filled(template.path, values), filled(template.body, values)
        return Request(
            template,
            values["token"],
            values["payload"],
            path,
            body.encode(),
            host,
            headers,
            made_ns,
            known_ns,
            values,
        )

    def acknowledged(self, request: Request, id_: str = "", account: int = 0) -> None:
        """Say that ``request`` was acknowledged: its token may be named by later ones, and its id."""
        if request.template.name == self._creates:
            known = _Known(request.token, request.made_ns, id_)
            self._untouched[account].append(known)
            self._known[account].append(known)


def answered(template: RequestTemplate, status: int, body: bytes, headers: Mapping[str, str]) -> str:
    """``ok`` when the answer is what the template expects, else ``http_error``: an error page with status 200, too. The
    names of ``headers`` are in lower case."""
    good = status in template.expect_status if template.expect_status else 200 <= status < 300
    if good and template.expect_body:
        good = re.search(template.expect_body, body.decode(errors="replace")) is not None
    if good and template.expect_headers:
        told = ((pattern, headers.get(name.lower())) for name, pattern in template.expect_headers.items())
        good = all(value is not None and re.search(pattern, value) for pattern, value in told)
    if good and template.id:
        good = bool(id_in(template, body))
    return "ok" if good else "http_error"


def id_in(template: RequestTemplate, body: bytes) -> str:
    """The id that the answer to a write tells; empty for none."""
    if not template.id:
        return ""
    try:
        found = pointer(json.loads(body), template.id)
    except (ValueError, RecursionError):
        return ""
    return "" if found is None else str(found)


def is_ours(error: OSError) -> bool:
    """Whether a connection was not made for the sender's own sake, which says nothing about the system."""
    return error.errno in _TOO_FEW


def _over(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Both, ``own`` in place of those of the same name; without a Host."""
    names = {name.lower() for name in own}
    kept = {name: value for name, value in headers.items() if name.lower() not in names}
    return kept | {name: value for name, value in own.items() if name.lower() != "host"}
