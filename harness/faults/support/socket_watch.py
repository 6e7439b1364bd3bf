"""Looks at the system's own sockets into a link while a fault is in: what they show is what the system felt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.links.link import Link
    from harness.links.sockets import SocketState

_EVERY_S = 0.1
# (as it was when the fault came, as it was one look ago, as it is now) -> what shows the fault, in words, or ""
Telling: TypeAlias = "Callable[[SocketState | None, SocketState, SocketState], str]"


class SocketWatch:
    """Polls from ``start`` to ``stop``. ``said`` is what the socket with the longest queue showed; our own probes,
    known by their local addresses, are left out."""

    def __init__(self, link: Link, telling: Telling) -> None:
        self.said = ""
        self.problem = ""
        self._longest = -1
        self._ours: set[str] = set()
        self._link = link
        self._telling = telling
        self._end = threading.Event()
        self._first = {s.local: s for s in link.sockets()}
        self._before: dict[str, SocketState] = dict(self._first)
        self._thread = threading.Thread(target=self._look_on, name=f"sockets of {link.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave_out(self, local: str) -> None:
        """This address is ours."""
        self._ours.add(local)

    def stop(self) -> None:
        """Also when it was stopped before."""
        self._end.set()
        self._thread.join(5.0)

    def _look_on(self) -> None:
        while not self._end.wait(_EVERY_S):
            try:
                now = {s.local: s for s in self._link.sockets()}
            except HarnessError as error:
                self.problem = f"nobody could look at the sockets any more ({error.why})"
                return
            for local, state in now.items():
                if local in self._before and local not in self._ours and state.queued >= self._longest:
                    said = self._telling(self._first.get(local), self._before[local], state)
                    if said:
                        self.said, self._longest = said, state.queued
            self._before = now
