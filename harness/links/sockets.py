"""What the kernel knows of TCP sockets, from `ss -tin`: bytes acknowledged, under way, and not even sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.host import commands

_NUMBER = re.compile(r"([a-z_]+):(\d+)")


@dataclass(frozen=True, slots=True)
class SocketState:
    """One socket. ``queued`` bytes are in its send queue, of which ``not_sent`` never left; ``unacked`` counts the
    segments on their way, ``retransmits`` those sent again in vain so far; ``silent_ms`` is since the last data came.
    """

    state: str
    local: str
    peer: str
    queued: int
    acked: int
    received: int
    unacked: int
    not_sent: int
    retransmits: int
    silent_ms: int

    @property
    def connecting(self) -> bool:
        return self.state == "SYN-SENT"

    @property
    def open(self) -> bool:
        return self.state == "ESTAB"


def sockets_to(address: str, where: Sequence[str] = ()) -> list[SocketState]:
    """All sockets connected (or connecting) to ``address`` (host:port) in this network namespace; ``where`` is the
    start of a command that looks in another one."""
    said = commands.check(
        [*where, "ss", "--tcp", "--all", "--info", "--numeric", "--no-header", "--oneline", "dst", address]
    )
    return [parse(line) for line in said.splitlines() if line.strip()]


def parse(line: str) -> SocketState:
    """One line of ``ss -tainHO``."""
    state, _, queued, local, peer, *rest = line.split(None, 5)
    facts = rest[0] if rest else ""
    numbers = {key: int(value) for key, value in _NUMBER.findall(facts)}
    again = re.search(r"\bbackoff:(\d+)", facts)
    return SocketState(
        state=state,
        local=local,
        peer=peer,
        queued=int(queued),
        acked=numbers.get("bytes_acked", 0),
        received=numbers.get("bytes_received", 0),
        unacked=numbers.get("unacked", 0),
        not_sent=numbers.get("notsent", 0),
        retransmits=int(again[1]) if again else 0,
        silent_ms=numbers.get("lastrcv", 0),
    )
