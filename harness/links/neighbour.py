"""A wrong permanent neighbour entry: every packet to one peer goes to an address nobody has, and vanishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.errors import ExitCode, HarnessError
from harness.host import commands

# Locally administered, and on none of the cables.
NOBODY = "02:00:00:00:00:99"
# Puts a command where it must run: on this side, or on the far one.
Where = Callable[[Sequence[str]], list[str]]


def blackhole(where: Where, device: str, peer: str) -> None:
    """Drop what leaves ``device`` for ``peer`` from now on. HarnessError if the kernel does not list the entry."""
    commands.check(
        where(["ip", "neigh", "replace", peer, "lladdr", NOBODY, "dev", device, "nud", "permanent"]),
    )
    if not is_blackholed(where, device, peer):
        raise HarnessError(
            f"cut {device} to {peer}",
            "the kernel does not list the entry",
            "see `deploydrill doctor`",
            ExitCode.UNKNOWN,
        )


def clear(where: Where, device: str, peer: str) -> None:
    """Remove the wrong entry; also if there is none."""
    if is_blackholed(where, device, peer):
        commands.check(where(["ip", "neigh", "del", peer, "dev", device]))


def is_blackholed(where: Where, device: str, peer: str) -> bool:
    said = commands.check(where(["ip", "neigh", "show", peer, "dev", device]))
    return NOBODY in said and "PERMANENT" in said
