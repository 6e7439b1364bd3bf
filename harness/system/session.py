"""The session of one client with the service: its cookies, and the variables that its login took."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.config.schema import LoginStep, SystemConfig
from harness.host.clock import mono_ns
from harness.host.cookies import Cookies
from harness.host.endpoint import Endpoint
from harness.model import NS
from harness.system import http

# 419, 440 and 498 are words of frameworks for a session that is over.
_REFUSED = (401, 403, 419, 440, 498)
# Frameworks say these of a form whose token is of a session that is over, and services of much else: only of a login
# that took such a token (from a page or a cookie), and not of one that has just begun.
_MAY_MEAN_SO = (400, 422)
_NOT_AGAIN_NS = 5 * NS


@dataclass(frozen=True, slots=True)
class Login:
    """How a client logs in: ``steps`` one after the other, filled with one of ``accounts``; again after ``renew_s``
    seconds, or (0) when it is refused. ``headers``: what every request carries then."""

    steps: tuple[LoginStep, ...] = ()
    accounts: tuple[Mapping[str, str], ...] = ()
    renew_s: float = 0.0
    headers: Mapping[str, str] | None = None
    cookies: bool = False

    @property
    def in_use(self) -> bool:
        """Whether a session makes any difference."""
        return bool(self.steps or self.headers or self.cookies)


def login_of(config: SystemConfig) -> Login:
    """How clients of this system log in."""
    load = config.load
    return Login(load.login, load.accounts, load.renew_s, load.headers or None, config.service.cookies)


NO_LOGIN = Login()


class LoginRefused(Exception):
    """Why a client could not log in, as a sentence; ``status`` of the answer, 0 where there was none."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


class Session:
    """Of the client with that ``number``, which has the ``account`` of that turn. Several threads may use it."""

    def __init__(self, endpoint: Endpoint, login: Login, number: int = 0) -> None:
        self._endpoint = endpoint
        self._login = login
        self.account = number % len(login.accounts) if login.accounts else 0
        self._account = login.accounts[self.account] if login.accounts else {}
        self._lock = threading.Lock()
        # Where a login is sent, or its form stands: not a front page that only gives a token first, where much else
        # leads to.
        sent = [step for step in login.steps if step.method != "GET" or step.path.partition("?")[0] != "/"]
        steps = sent or list(login.steps)
        self._doors = {endpoint.prefix + step.path.partition("?")[0] for step in steps if "{" not in step.path}
        self._shows_forms = any(step.patterns or step.from_cookies for step in login.steps)
        self._since_ns = 0
        self.variables: Mapping[str, str] = {}
        self.cookies = Cookies()

    def ensure(self, deadline_s: float) -> None:
        """Log in where that was not done, or not lately enough. LoginRefused."""
        if not self._login.steps:
            return
        with self._lock:
            if not self._since_ns or self._is_old():
                self._log_in(deadline_s)

    def renew(self, since_ns: int, deadline_s: float) -> None:
        """Log in again, unless somebody else has since then (CLOCK_MONOTONIC ns). LoginRefused."""
        with self._lock:
            if self._since_ns < since_ns:
                self._log_in(deadline_s)

    def refused(self, status: int, location: str) -> bool:
        """Whether such an answer means that this session is over."""
        if not self._login.steps:
            return False
        if status in _MAY_MEAN_SO:
            return self._shows_forms and mono_ns() - self._since_ns > _NOT_AGAIN_NS
        return status in _REFUSED or (300 <= status < 400 and urlsplit(location).path in self._doors)

    def take(self, set_cookies: list[str] | tuple[str, ...], sent_ns: int) -> None:
        """Keep the cookies of an answer, where clients do: not of one to a request from before the last login
        (``sent_ns`` in CLOCK_MONOTONIC ns), which was of another session."""
        if self._login.cookies and set_cookies:
            with self._lock:
                if sent_ns >= self._since_ns:
                    self.cookies = self.cookies.with_(set_cookies)

    def headers(self) -> dict[str, str]:
        """What every request of this client carries."""
        told = {name: filled(value, self.variables) for name, value in (self._login.headers or {}).items()}
        return told | ({"Cookie": self.cookies.header} if self._login.cookies and self.cookies else {})

    def _is_old(self) -> bool:
        return bool(self._login.renew_s) and mono_ns() - self._since_ns > self._login.renew_s * NS

    def _log_in(self, deadline_s: float) -> None:
        cookies, values = Cookies(), dict(self._account)
        for step in self._login.steps:
            headers = {name: filled(value, values) for name, value in step.headers.items()}
            body, path = filled(step.body, values), filled(step.path, values)
            if body and not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
            if cookies:
                headers["Cookie"] = cookies.header
            answer = http.ask(self._endpoint, step.method, path, deadline_s, body, headers)
            good = answer.status in step.expect_status if step.expect_status else 200 <= answer.status < 400
            if not good:
                # Its body may say what was sent, and that is nobody's business.
                how = f"HTTP {answer.status}" if answer.status else answer.error
                raise LoginRefused(f"the login at {step.path} was answered with {how}", answer.status)
            cookies = cookies.with_(answer.set_cookies)
            values |= _taken(step, answer, cookies)
        self.cookies = cookies
        self.variables = {name: value for name, value in values.items() if name not in self._account}
        self._since_ns = mono_ns()


def _taken(step: LoginStep, answer: http.Answer, cookies: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str | None] = {}
    document = answer.json() if step.pointers else None
    for name, pointer in step.pointers.items():
        value = http.pointer(document, pointer)
        found[name] = None if value is None else str(value)
    text = answer.body.decode(errors="replace") if step.patterns else ""
    for name, pattern in step.patterns.items():
        match = re.search(pattern, text)
        found[name] = (match[1] if match.re.groups else match[0]) if match else None
    found |= {name: answer.headers.get(header.lower()) for name, header in step.from_headers.items()}
    found |= {name: cookies.get(cookie) for name, cookie in step.from_cookies.items()}
    for name, value in found.items():
        if value is None:
            what = answer.headers.get("content-type", "no type")
            why = f"the login at {step.path} was answered without {name} (HTTP {answer.status}, {what})"
            raise LoginRefused(why, answer.status)
    return {name: value for name, value in found.items() if value is not None}


def filled(text: str, values: Mapping[str, str]) -> str:
    """With these placeholders filled in; others are left as they are."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
