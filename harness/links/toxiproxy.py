"""The Toxiproxy server: where to find it, and a client for it that reads every change back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import requests
import toxiproxy
import toxiproxy.api
import toxiproxy.exceptions

from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, wait_until
from harness.links.toxiproxy_server import HINT

Stream = Literal["upstream", "downstream"]
_Answer = TypeVar("_Answer")

TIMEOUT_S = 2.0
_START_HINT = f"{HINT}; `deploydrill doctor` says what is there"
# The client puts names into its addresses as they are: a proxy called "a/b" can be made and never be reached again.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class ToxicState:
    """A toxic as the server reports it. ``attributes`` are the server's, with those it was not given as 0."""

    name: str
    type: str
    stream: Stream
    toxicity: float
    attributes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy as the server reports it, not as it was wished for."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicState, ...]

    def toxic(self, name: str) -> ToxicState | None:
        return next((t for t in self.toxics if t.name == name), None)


class _ServerError(Exception):
    """The server answered 5xx, which the client library would take for success."""


class _BoundedRequests:
    """Takes the place of ``requests`` inside toxiproxy-python, which sets no time-outs, follows proxy variables of the
    environment and takes a 500 for success."""

    timeout_s = TIMEOUT_S

    def get(self, **arguments: Any) -> requests.Response:
        return self._send("GET", arguments)

    def post(self, **arguments: Any) -> requests.Response:
        return self._send("POST", arguments)

    def delete(self, **arguments: Any) -> requests.Response:
        return self._send("DELETE", arguments)

    def _send(self, method: str, arguments: dict[str, Any]) -> requests.Response:
        # A session a call: no kept connection that a restarted server has closed behind our back.
        with requests.Session() as session:
            session.trust_env = False
            session.headers["User-Agent"] = "deploydrill-harness"
            response = session.request(method, timeout=self.timeout_s, **arguments)
        if response.status_code >= 500:
            raise _ServerError(_said(response.content))
        return response


_transport = _BoundedRequests()
toxiproxy.api.requests = _transport
# Address and time-out are class state of the client library: one call at a time in this process.
_one_call = threading.Lock()


def _said(body: bytes | str) -> str:
    """The ``error`` of an answer such as ``{"error": "proxy not found", "status": 404}``."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    match = re.search(r'"error":\s*"([^"]*)"', text)
    return match.group(1) if match else text.strip()


class ToxiproxyApi:
    """One Toxiproxy server. Every change is read back; every call ends within its time-out or raises HarnessError."""

    def __init__(self, host: str, port: int, timeout_s: float = TIMEOUT_S) -> None:
        self.host = host
        self.port = port
        self.timeout_s = timeout_s
        self._client = toxiproxy.Toxiproxy()

    def wait_ready(self, deadline_s: float) -> None:
        """Until the server answers, or HarnessError at the deadline (a frozen server: one time-out later at most)."""
        problem: list[HarnessError] = []

        def answers() -> bool:
            try:
                self.proxies()
            except HarnessError as error:
                problem[:] = [error]
                return False
            return True

        if not wait_until(answers, Deadline(deadline_s, "toxiproxy-server to answer")):
            raise self._error("start", f"no answer within {deadline_s:g} s ({problem[0].why})")

    def proxies(self) -> dict[str, ProxyState]:
        """All proxies with their toxics, as the server has them now."""

        # Not the client's own `proxies()`: that one drops the toxics, and would ask once more for each proxy.
        def list_() -> dict[str, ProxyState]:
            listed = toxiproxy.api.APIConsumer.get("/proxies").json()
            return {name: _proxy_state(entry) for name, entry in listed.items()}

        return self._call("list proxies", list_)

    def create(self, name: str, listen: str, upstream: str) -> ProxyState:
        """An enabled proxy; ``listen`` may end in ``:0``, the answer has the real port."""
        what = f"create proxy {name} on {listen}"
        if not _NAME.fullmatch(name):
            raise self._error(what, "the name may hold letters, digits, '_', '.' and '-' only")
        if ":" not in listen.lstrip(":"):
            # An empty host would listen on every interface of the machine.
            raise self._error(what, "listen needs a host and a port")
        self._call(what, lambda: self._client.create(upstream=upstream, name=name, listen=listen))
        made = self._read_back(what, name)
        if not made.enabled or made.upstream != upstream or made.listen.endswith(":0"):
            raise self._error(what, f"the server has it as {made}")
        return made

    def destroy(self, name: str) -> None:
        """Remove a proxy with its connections; none of that name is fine."""
        what = f"remove proxy {name}"
        proxy = self._client_proxy(what, name)
        if proxy is not None:
            self._call(what, proxy.destroy)
            if name in self.proxies():
                raise self._error(what, "the server still lists it")

    def add_toxic(
        self,
        proxy: str,
        name: str,
        type: str,
        stream: Stream,
        attributes: Mapping[str, int],
        toxicity: float = 1.0,
    ) -> ToxicState:
        """Add a toxic; it works on live connections at once (``reset_peer``: on those opened from now on)."""
        what = f"add toxic {name} to proxy {proxy}"
        if not _NAME.fullmatch(name):
            raise self._error(what, "the name may hold letters, digits, '_', '.' and '-' only")
        if not 0.0 <= toxicity <= 1.0:
            raise self._error(what, f"toxicity {toxicity:g} is not between 0 and 1")  # the server would take it
        client = self._client_proxy(what, proxy, must_exist=True)
        self._call(
            what,
            lambda: client.add_toxic(
                name=name, type=type, stream=stream, attributes=dict(attributes), toxicity=toxicity
            ),
        )
        toxic = self._read_back(what, proxy).toxic(name)
        if toxic is None:
            raise self._error(what, "the server does not list it")
        # The server drops attributes it does not know: a misspelt one would be a toxic that does nothing.
        differing = {k: v for k, v in attributes.items() if toxic.attributes.get(k) != v}
        if differing or toxic.type != type or toxic.stream != stream or abs(toxic.toxicity - toxicity) > 1e-6:
            raise self._error(what, f"asked {type} {stream} {dict(attributes)}, the server has {toxic}")
        return toxic

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic; none of that name, or no such proxy, is fine."""
        what = f"remove toxic {name} from proxy {proxy}"
        state = self.proxies().get(proxy)
        if state is None or state.toxic(name) is None:
            return
        client = self._client_proxy(what, proxy, must_exist=True)
        self._call(what, lambda: client.destroy_toxic(name))
        if self._read_back(what, proxy).toxic(name):
            raise self._error(what, "the server still lists it")

    def set_enabled(self, proxy: str, enabled: bool) -> ProxyState:
        """Disabled: its connections end and new ones are refused. Its toxics and port survive."""
        what = f"{'enable' if enabled else 'disable'} proxy {proxy}"
        client = self._client_proxy(what, proxy, must_exist=True)
        self._call(what, client.enable if enabled else client.disable)
        state = self._read_back(what, proxy)
        if state.enabled != enabled:
            raise self._error(what, f"the server has it as {state}")
        return state

    def _client_proxy(self, what: str, name: str, must_exist: bool = False) -> Any:
        proxy = self._call(what, lambda: self._client.get_proxy(name))
        if proxy is None and must_exist:
            raise self._error(what, "proxy not found")
        return proxy

    def _read_back(self, what: str, name: str) -> ProxyState:
        state = self.proxies().get(name)
        if state is None:
            raise self._error(what, "the server does not list the proxy")
        return state

    def _call(self, what: str, request: Callable[[], _Answer]) -> _Answer:
        with _one_call:
            self._client.update_api_consumer(self.host, self.port)
            _transport.timeout_s = self.timeout_s
            try:
                return request()
            except requests.Timeout as error:
                raise self._error(what, f"no answer within {self.timeout_s:g} s") from error
            except requests.JSONDecodeError as error:
                raise self._error(what, "the answer is not Toxiproxy's; something else has this port") from error
            except requests.RequestException as error:
                raise self._error(what, f"cannot reach the server ({_root_cause(error)})") from error
            except (
                _ServerError,
                toxiproxy.exceptions.ProxyExists,
                toxiproxy.exceptions.NotFound,
                toxiproxy.exceptions.InvalidToxic,
            ) as error:
                raise self._error(what, _said(error.args[0])) from error
            except (KeyError, TypeError, AttributeError) as error:
                # What the client makes of an answer without the fields it expects.
                raise self._error(what, f"the answer lacks {error}; something else may have this port") from error

    def _error(self, what: str, why: str) -> HarnessError:
        return HarnessError(f"{what} (Toxiproxy at {self.host}:{self.port})", why, _START_HINT, ExitCode.HOST_CANNOT)


def _root_cause(error: BaseException) -> str:
    """The system's own words at the bottom of a chain of wrapped exceptions, such as ``Connection refused``."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        reason = getattr(cause, "reason", None) or next((a for a in cause.args if isinstance(a, Exception)), None)
        cause = cause.__cause__ or cause.__context__ or (reason if isinstance(reason, BaseException) else None)
    return type(error).__name__


def _proxy_state(entry: Mapping[str, Any]) -> ProxyState:
    return ProxyState(
        entry["name"],
        entry["listen"],
        entry["upstream"],
        entry["enabled"],
        tuple(
            ToxicState(t["name"], t["type"], t["stream"].lower(), t["toxicity"], t["attributes"])
            for t in entry["toxics"]
        ),
    )
