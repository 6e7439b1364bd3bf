"""Toxiproxy's faults on a link: stalled_peer, reset, down, slow_drip, cut_at. A bad far end, a whole cable.

None of them is a partition: connects succeed (or are refused at once), and what is sent is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.faults.fault import Fault, Undo
from harness.faults.partition import LINK_NEEDS
from harness.faults.support.socket_watch import SocketWatch, Telling
from harness.model import Evidence
from harness.recording.failure_phrases import network_failure

if TYPE_CHECKING:
    from harness.links.link import ConnectProbe, ConnectResult, Link
    from harness.links.sockets import SocketState
    from harness.system.live import LiveSystem

# A peer is silent once nothing came from it for this long; both ends are on one host.
_SILENT_MS = 300


def _nothing(first: SocketState | None, before: SocketState, now: SocketState) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class _Toxic(Fault):
    """What the five have in common: a link, and a toxic of one ``type`` on what the system sends."""

    link: str
    targets: ClassVar[Mapping[str, str]] = {"link": "link"}
    needs: ClassVar[tuple[str, ...]] = LINK_NEEDS
    type: ClassVar[str] = ""
    # How a connect of our own ends while it is in, and what in the system's sockets shows it.
    connect_result: ClassVar[ConnectResult] = "connected"
    telling: ClassVar[Telling] = staticmethod(_nothing)

    def attributes(self, system: LiveSystem) -> Mapping[str, int]:
        return {}

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> BadPeer:
        link, name = system.link(self.link), f"drill-{self.name}"
        watch = SocketWatch(link, type(self).telling)
        undo(lambda: link.api.remove_toxic(link.name, name))
        state = link.api.add_toxic(link.name, name, self.type, "upstream", self.attributes(system))
        undo(watch.stop)
        watch.start()
        said = ", ".join(f"{k} {v}" for k, v in state.attributes.items())
        return BadPeer(
            link, watch, self.connect_result, f"Toxiproxy has {self.type} ({said})", lambda: _has(link, name)
        )


def _has(link: Link, toxic: str) -> bool:
    return link.proxy().toxic(toxic) is not None


@dataclass(frozen=True, slots=True)
class BadPeer:
    """A link with a misbehaving far end. ``connect_result``: how a connect must end then; ``there`` asks the server."""

    link: Link
    watch: SocketWatch
    connect_result: ConnectResult
    said: str
    there: Callable[[], bool]

    def confirm(self) -> Evidence:
        probe = self._probe()
        self.watch.leave_out(probe.local)
        applied = self.there() and probe.result == self.connect_result
        said = f"{self.said}; our connect to {self.link.address}: {probe.said} after {1000 * probe.seconds:.0f} ms"
        return Evidence(applied, False, said)

    def _probe(self) -> ConnectProbe:
        return self.link.probe_connect(provoke=self.connect_result == Reset.connect_result)

    def lost_early(self) -> str:
        return self.watch.problem if self.there() else f"{self.said}: the server has it no more"

    def observed_by(self, said: str) -> str:
        return "; ".join(filter(None, (self.watch.said, network_failure(said))))

    def reverted(self) -> bool:
        return not self.there() and self.link.probe_connect(2.0).connected


def _acknowledged_in_vain(first: SocketState | None, before: SocketState, now: SocketState) -> str:
    sent = now.acked - (first.acked if first else 1)  # the SYN counts as one
    if now.open and sent > 0 and not now.queued and now.silent_ms >= _SILENT_MS and now.received == before.received:
        return (
            f"{sent} bytes of the system's socket {now.local} to {now.peer} were acknowledged, none is waiting, and"
            f" nothing came back for {now.silent_ms / 1000:.1f} s"
        )
    return ""


def _waiting(first: SocketState | None, before: SocketState, now: SocketState) -> str:
    if now.queued and before.queued:
        return f"{now.queued} bytes of the system's socket {now.local} to {now.peer} waited, {now.acked} were through"
    return ""


@dataclass(frozen=True, slots=True)
class StalledPeer(_Toxic):
    """The peer accepts everything and answers nothing: what is sent is acknowledged and thrown away."""

    name: ClassVar[str] = "stalled_peer"
    effects: ClassVar[frozenset[str]] = frozenset({"stalls"})
    type: ClassVar[str] = "timeout"
    telling: ClassVar[Telling] = staticmethod(_acknowledged_in_vain)

    def attributes(self, system: LiveSystem) -> Mapping[str, int]:
        return {"timeout": 0}


@dataclass(frozen=True, slots=True)
class Reset(_Toxic):
    """New connections are reset at their first byte; those that were there are closed."""

    name: ClassVar[str] = "reset"
    effects: ClassVar[frozenset[str]] = frozenset({"cuts"})
    type: ClassVar[str] = "reset_peer"
    connect_result: ClassVar[ConnectResult] = "reset"

    def attributes(self, system: LiveSystem) -> Mapping[str, int]:
        return {"timeout": 0}


@dataclass(frozen=True, slots=True)
class SlowDrip(_Toxic):
    """What is sent goes through at ``rate_kb_s``: always progress, and no end."""

    rate_kb_s: int = 100
    name: ClassVar[str] = "slow_drip"
    effects: ClassVar[frozenset[str]] = frozenset({"slows", "leaks"})
    type: ClassVar[str] = "bandwidth"
    telling: ClassVar[Telling] = staticmethod(_waiting)

    def attributes(self, system: LiveSystem) -> Mapping[str, int]:
        return {"rate": self.rate_kb_s}


@dataclass(frozen=True, slots=True)
class CutAt(_Toxic):
    """Each connection is closed, exactly, after ``share`` of the bytes of the newest backup; ``share`` is a number, or
    a (low, high) range from which the run's seed chooses."""

    share: float | tuple[float, float] = 0.5
    name: ClassVar[str] = "cut_at"
    effects: ClassVar[frozenset[str]] = frozenset({"cuts", "leaks"})
    type: ClassVar[str] = "limit_data"

    def attributes(self, system: LiveSystem) -> Mapping[str, int]:
        assert not isinstance(self.share, tuple), "inject before resolved()"
        return {"bytes": max(1, int(self.share * system.files.newest_backup_bytes()))}


@dataclass(frozen=True, slots=True)
class Down(_Toxic):
    """Nobody listens at the far end any more: connections there were end, new ones are refused."""

    name: ClassVar[str] = "down"
    effects: ClassVar[frozenset[str]] = frozenset({"cuts"})
    connect_result: ClassVar[ConnectResult] = "refused"

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> BadPeer:
        link = system.link(self.link)
        watch = SocketWatch(link, _nothing)
        undo(lambda: _enable(link))
        link.api.set_enabled(link.name, False)
        undo(watch.stop)
        watch.start()
        return BadPeer(
            link, watch, self.connect_result, "Toxiproxy has the proxy disabled", lambda: not link.proxy().enabled
        )


def _enable(link: Link) -> None:
    link.api.set_enabled(link.name, True)
