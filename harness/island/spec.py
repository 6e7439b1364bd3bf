"""What an island is made of: handed from the outside to its process 1 as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.model import Kind

# An island mounts its work directory here: a directory every host has, and nobody's temporary one.
WORK_MOUNT = Path("/mnt")
WORK = WORK_MOUNT / "drill"
# What a program may leave files in, and so must not share with its neighbour.
COVERED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"), WORK_MOUNT)


# Set for our own senders: without an island, and beside a system that is to stay, they alone are ended with the run.
OURS = "DEPLOYDRILL_OURS"


@dataclass(frozen=True, slots=True)
class IslandSpec:
    """``inside`` is the argv of the inside half; ``record`` the run folder it may write; ``keep`` directories that stay
    reachable (read-only) though a covered path lies above them; ``work`` where live work is done; ``fds`` inherited
    descriptors by name (images of disks). ``leave``: what others started goes on when the run is over."""

    kind: Kind
    inside: tuple[str, ...]
    record: str
    work: str
    keep: tuple[str, ...] = ()
    fds: Mapping[str, int] = field(default_factory=dict)
    leave: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> IslandSpec:
        raw = json.loads(text)
        return cls(**{**raw, "inside": tuple(raw["inside"]), "keep": tuple(raw["keep"])})
