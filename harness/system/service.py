"""The service of the system under test: started, stopped, and asked for health, readiness and version."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from harness.config.schema import SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.host.commands import Process
from harness.host.endpoint import Endpoint, Tls
from harness.host.outputs import error_in
from harness.model import NS
from harness.recording.outcomes import REFUSALS
from harness.system import http
from harness.system.clients.talk import ClientGone, Talk
from harness.system.commands import SystemCommands
from harness.system.session import LoginRefused, Session, filled, login_of

# How long something may still answer at the address of a service that was stopped.
STOP_DEADLINE_S = 5.0
_VERSION_CHARS = 200
_VERSION_DEADLINE_S = 10.0


def _why_turned_away(answer: http.Answer) -> str:
    """Which key makes it answer, where the service is there and refuses a stranger; empty otherwise."""
    if "certificate" in answer.error.lower():
        return "[service] ca_file names the authority of its certificate; verify = false takes any, on this host"
    if answer.status not in REFUSALS:
        return ""
    if answer.status in (401, 403):
        return "[service] ready is a path that needs no login; headers can carry a token"
    return '[service] headers says what a front would add, such as { X-Forwarded-Proto = "https", Host = "..." }'


@dataclass(frozen=True, slots=True)
class Stop:
    """How a stop went: ``error`` of the command of ``[service] stop``, and whether the process was ``killed``."""

    error: str
    killed: bool


class Service:
    """One service; ``url`` is its front's."""

    def __init__(self, config: SystemConfig, commands: SystemCommands, talk: Talk | None = None) -> None:
        """``talk``: with a client of the user's own, where the service does not speak HTTP."""
        self._talk = talk
        self._name = config.name
        self._config = config.service
        self._commands = commands
        self._process: Process | None = None
        self._login = login_of(config)
        self._sessions: dict[int, Session] = {}

    @property
    def endpoint(self) -> Endpoint:
        """Where its front answers."""
        config, fill = self._config, self._commands.text
        return Endpoint(
            fill(config.url) if self._talk is None else "http://localhost",
            {name: fill(value) for name, value in config.headers.items()},
            Tls(fill(config.ca_file), fill(config.cert_file), fill(config.key_file), config.verify),
        )

    @property
    def accounts(self) -> int:
        """How many there are by which clients log in; at least 1."""
        return max(1, len(self._login.accounts))

    @property
    def url(self) -> str:
        return self.endpoint.url

    def start(self, version: str) -> float:
        """Start the service and wait until it is ready; the seconds it took."""
        service = self._config
        began = mono_ns()
        output = self._commands.output("service.out")
        self._process = self._commands.spawn(self._commands.argv(service.start, version=version), output.name)
        what = f"start the service of {self._name}"

        def ready() -> bool:
            code = self._process.exit if self._process else None
            if code:
                last = error_in(output) or "no output"
                raise HarnessError(what, f"it exited with {code}: {last}", "run the command of [service] start by hand")
            return self.ready().ok

        if not wait_until(ready, Deadline(service.start_deadline_s, what), every_s=0.05):
            answer = self.ready()
            hint = _why_turned_away(answer)
            raise HarnessError(
                what,
                f"{self.url}{service.ready} was not ready after {service.start_deadline_s:g} s ({answer.said()})",
                hint or "check [service] url, ready and start in system.toml",
                ExitCode.UNKNOWN,
                matter="plan" if hint else "system",
            )
        return (mono_ns() - began) / NS

    def health(self) -> http.Answer:
        return self._asked(self._config.health) if self._talk is None else self._told("ready")

    def ready(self) -> http.Answer:
        return self._asked(self._config.ready) if self._talk is None else self._told("ready")

    def version(self) -> str:
        """The version the service says it is, through its front; empty when it does not answer."""
        return self.version_asked()[0]

    def version_asked(self) -> tuple[str, http.Answer]:
        """The same, and the answer it was told by, or that told none."""
        config = self._config
        if config.version_command:
            said = self._commands.run(config.version_command, _VERSION_DEADLINE_S)
            failed = f"its version command ended with {said.exit}: {said.error}" if said.exit != 0 else ""
            answer = http.Answer(0 if failed else 200, said.stdout.encode(), failed)
        elif self._talk is not None:
            answer = self._told("version")
        else:
            answer = self._asked(config.version)
            if answer.status in (401, 403) and self._login.steps:
                answer = self.ask_as_client("GET", config.version, config.deadline_ms / 1000)
        return self._version_in(answer)[:_VERSION_CHARS], answer

    def _version_in(self, answer: http.Answer) -> str:
        if not answer.ok:
            return ""
        if name := self._config.version_header:
            return answer.headers.get(name.lower(), "").strip()
        text = answer.body.decode(errors="replace").strip()
        if pattern := self._config.version_pattern:
            match = re.search(pattern, text)
            return (match[1] if match.re.groups else match[0]) or "" if match else ""
        document = answer.json()
        if isinstance(document, str):
            return document
        if not isinstance(document, dict | list):
            return text  # also one of digits alone, which is JSON of a kind
        found = http.pointer(document, self._config.version_pointer)
        return "" if found is None else str(found)

    def _told(self, do: str) -> http.Answer:
        """What a client of the user's own says, as an answer."""
        assert self._talk is not None
        try:
            told = self._talk.ask(do, self._config.deadline_ms / 1000)
        except (TimeoutError, ClientGone) as error:
            return http.Answer(0, b"", str(error))
        if said := told.get("error"):
            return http.Answer(0, b"", str(said))
        if do == "version":
            return http.Answer(200, str(told.get("version", "")).encode())
        return http.Answer(200 if told.get("ok") is True else 503, b"")

    def _asked(self, path: str) -> http.Answer:
        return self.ask("GET", path, self._config.deadline_ms / 1000, most_bytes=http.WORD_BYTES)

    def ask(
        self,
        method: str,
        path: str,
        deadline_s: float,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        most_bytes: int = http.MOST_BYTES,
    ) -> http.Answer:
        """One question of the harness's own, through its front."""
        return http.ask(self.endpoint, method, path, deadline_s, body, headers, most_bytes)

    def ask_as_client(
        self,
        method: str,
        path: str,
        deadline_s: float,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        account: int = 0,
    ) -> http.Answer:
        """The same as a client that is logged in by that account; the variables of its login are filled in. Where it
        cannot log in, an answer that says so."""
        if not self._login.in_use:
            return self.ask(method, path, deadline_s, body, headers)
        session = self._sessions.setdefault(account, Session(self.endpoint, self._login, account))
        try:
            session.ensure(deadline_s)
            since_ns = mono_ns()
            answer = self._asked_in(session, method, path, deadline_s, body, headers or {})
            if session.refused(answer.status, answer.headers.get("location", "")):
                session.renew(since_ns, deadline_s)
                answer = self._asked_in(session, method, path, deadline_s, body, headers or {})
        except LoginRefused as refused:
            return http.Answer(0, b"", str(refused))
        return answer

    def _asked_in(
        self, session: Session, method: str, path: str, deadline_s: float, body: str, headers: Mapping[str, str]
    ) -> http.Answer:
        variables, sent_ns = session.variables, mono_ns()
        own = {name: filled(value, variables) for name, value in headers.items()}
        answer = self.ask(method, filled(path, variables), deadline_s, filled(body, variables), session.headers() | own)
        session.take(answer.set_cookies, sent_ns)
        return answer

    def recovered(self, deadline_s: float, in_a_row: int = 3) -> tuple[bool, int]:
        """Whether health and readiness came back, several answers in a row, before the deadline; and when it was last
        asked in vain (CLOCK_MONOTONIC ns, 0: never)."""
        good = last_bad_ns = 0

        def steady() -> bool:
            nonlocal good, last_bad_ns
            asked_ns = mono_ns()
            if self.health().ok and self.ready().ok:
                good += 1
            else:
                good, last_bad_ns = 0, asked_ns
            return good >= in_a_row

        return wait_until(steady, Deadline(deadline_s, "the service's health"), every_s=0.02), last_bad_ns

    def stop(self, deadline_s: float | None = None) -> Stop:
        """Ask it to stop, and end what is left of what ``start`` started; each has ``deadline_s``, by default
        ``stop_deadline_s``."""
        limit_s = self._config.stop_deadline_s if deadline_s is None else deadline_s
        process, error = self._process, ""
        if self._config.stop:
            # One that waits for the service to be gone sees it until its parent, who is us, has reaped it.
            said = self._commands.run(self._config.stop, limit_s, meanwhile=lambda: process and process.exit)
            if said.exit != 0:
                how = f"had not ended after {limit_s:g} s" if said.exit is None else f"exited with {said.exit}"
                error = f"[service] stop {how}; it said: {said.error or 'nothing'}"
            elif process is not None:
                process.wait(limit_s)  # it was asked already: a second signal makes many a service leave at once
        killed = process is not None and process.exit is None and process.end(limit_s) == -signal.SIGKILL
        return Stop(error, killed)

    def still_answers(self) -> str:
        """What still answers at its address a while after it was stopped, in words; empty for nothing."""
        gone = wait_until(lambda: self.health().status == 0, Deadline(STOP_DEADLINE_S, "its silence"), every_s=0.05)
        return "" if gone else self.health().said()
