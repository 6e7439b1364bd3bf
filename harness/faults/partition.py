"""partition: the packets of a link really vanish, both ways or one way. No reset, no refusal, no acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.faults.fault import Fault, Undo
from harness.faults.support.socket_watch import SocketWatch
from harness.model import Evidence
from harness.recording.failure_phrases import network_failure

if TYPE_CHECKING:
    from harness.links.link import Direction, Link
    from harness.links.sockets import SocketState
    from harness.system.live import LiveSystem

# What a fault on a link needs of the host.
LINK_NEEDS = ("links", "toxiproxy")
_VANISH = {"both": "packets both ways", "out": "packets the system sends", "in": "packets sent to the system"}


@dataclass(frozen=True, slots=True)
class Partition(Fault):
    """Cuts the cable of ``link``. ``direction`` as the system sees it: ``out``, what it sends is lost; ``in``, what is
    sent to it."""

    link: str
    direction: Direction = "both"

    name: ClassVar[str] = "partition"
    targets: ClassVar[Mapping[str, str]] = {"link": "link"}
    effects: ClassVar[frozenset[str]] = frozenset({"cuts"})
    needs: ClassVar[tuple[str, ...]] = LINK_NEEDS

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> CutCable:
        link = system.link(self.link)
        watch = SocketWatch(link, unanswered)
        undo(link.restore)
        link.cut(self.direction)
        undo(watch.stop)
        watch.start()
        return CutCable(link, self.direction, watch)


@dataclass(frozen=True, slots=True)
class CutCable:
    """A link while it is cut."""

    link: Link
    direction: Direction
    watch: SocketWatch

    def confirm(self) -> Evidence:
        probe = self.link.probe_connect()
        self.watch.leave_out(probe.local)
        cut = self.link.is_cut(self.direction)
        applied = cut and probe.result == "timed_out"
        said = f"{_VANISH[self.direction]} vanish: our connect to {self.link.address} {probe.said}"
        said += f" after {probe.seconds:.1f} s" if cut else ", and the cable is not cut any more"
        return Evidence(applied, bool(self.watch.said), said)

    def lost_early(self) -> str:
        if not self.link.is_cut(self.direction):
            return f"the cable of {self.link.name} was whole again"
        return self.watch.problem

    def observed_by(self, said: str) -> str:
        return "; ".join(filter(None, (self.watch.said, network_failure(said))))

    def reverted(self) -> bool:
        return not self.link.is_cut("out") and not self.link.is_cut("in") and self.link.probe_connect(2.0).connected


def unanswered(first: SocketState | None, before: SocketState, now: SocketState) -> str:
    """Bytes, or a connect, that stay without an acknowledgement from one look to the next."""
    if now.connecting and before.connecting:
        return f"a connect of the system from {now.local} to {now.peer} got no answer"
    if now.queued and before.queued and now.acked == before.acked:
        return (
            f"the system's socket {now.local} to {now.peer} held {now.queued} bytes that nobody acknowledged"
            f" ({now.acked} were before), sent again {now.retransmits} times"
        )
    return ""
