"""The service of the system under test: started, stopped, and asked for health, readiness and version."""

from __future__ import annotations

import re

from harness.config.schema import SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.host.commands import Process
from harness.host.outputs import last_line
from harness.model import NS
from harness.system import http
from harness.system.commands import SystemCommands

# How long something may still answer at the address of a service that was stopped.
STOP_DEADLINE_S = 5.0
_VERSION_CHARS = 200


class Service:
    """One service; ``url`` is its front's."""

    def __init__(self, config: SystemConfig, commands: SystemCommands) -> None:
        self._name = config.name
        self._config = config.service
        self._commands = commands
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self._commands.text(self._config.url)

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
                last = last_line(output) or "no output"
                raise HarnessError(what, f"it exited with {code}: {last}", "run the command of [service] start by hand")
            return self.ready().ok

        if not wait_until(ready, Deadline(service.start_deadline_s, what), every_s=0.05):
            raise HarnessError(
                what,
                f"{self.url}{service.ready} was not ready after {service.start_deadline_s:g} s ({self.ready().said()})",
                "check [service] url, ready and start in system.toml",
                ExitCode.UNKNOWN,
            )
        return (mono_ns() - began) / NS

    def health(self) -> http.Answer:
        return self._asked(self._config.health)

    def ready(self) -> http.Answer:
        return self._asked(self._config.ready)

    def version(self) -> str:
        """The version the service says it is, through its front; empty when it does not answer."""
        return self.version_asked()[0]

    def version_asked(self) -> tuple[str, http.Answer]:
        """The same, and the answer it was told by, or that told none."""
        answer = self._asked(self._config.version)
        return self._version_in(answer), answer

    def _asked(self, path: str) -> http.Answer:
        return http.get(self.url + path, self._config.deadline_ms / 1000, http.WORD_BYTES)

    def _version_in(self, answer: http.Answer) -> str:
        if not answer.ok:
            return ""
        if pattern := self._config.version_pattern:
            match = re.search(pattern, answer.body.decode(errors="replace"))
            return (match[1] if match.re.groups else match[0]) or "" if match else ""
        document = answer.json()
        if document is None:
            return answer.body.decode(errors="replace").strip()[:_VERSION_CHARS]
        found = http.pointer(document, self._config.version_pointer)
        return "" if found is None else str(found)[:_VERSION_CHARS]

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

    def stop(self) -> None:
        """Ask it to stop; what is left of what ``start`` started is ended."""
        if self._config.stop:
            self._commands.run(self._config.stop, deadline_s=20)
        if self._process is not None:
            self._process.end(2.0)

    def still_answers(self) -> str:
        """What still answers at its address a while after it was stopped, in words; empty for nothing."""
        gone = wait_until(lambda: self.health().status == 0, Deadline(STOP_DEADLINE_S, "its silence"), every_s=0.05)
        return "" if gone else self.health().said()
