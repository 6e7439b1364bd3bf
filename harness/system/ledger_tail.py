"""The ledgers of a run as they grow: what clients were told of their writes so far, as the harness itself needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.host.clock import mono_ns, sleep
from harness.model import NS

# So often each sender writes down what it was told.
FLUSH_EVERY_S = 0.05


class _Line(msgspec.Struct):
    token: str
    payload: str
    sent_ns: int
    end_ns: int
    outcome: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A write that was acknowledged; ``id`` is what the service calls it, empty where it does not tell. Times in
    CLOCK_MONOTONIC ns."""

    token: str
    payload: str
    sent_ns: int
    end_ns: int
    id: str


class LedgerTail:
    """``acknowledged`` reads on from where it was. ``folder`` is that of the recording."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "ledger"
        self._read_to: dict[Path, int] = {}
        self._told: list[Told] = []
        self._decoder = msgspec.json.Decoder(_Line)

    def acknowledged_by(self, at_ns: int) -> list[Told]:
        """All that was acknowledged by then, and perhaps more; waits until each sender has written it down."""
        sleep(max(0.0, (at_ns - mono_ns()) / NS + 2 * FLUSH_EVERY_S))
        return self.acknowledged()

    def acknowledged(self) -> list[Told]:
        """So far, in no order; a line that is not whole yet waits for its rest."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read_to.get(path, 0))
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read_to[path] = self._read_to.get(path, 0) + len(whole)
            for line in whole.splitlines():
                write = self._decoder.decode(line)
                if write.outcome == "acknowledged":
                    self._told.append(Told(write.token, write.payload, write.sent_ns, write.end_ns, write.id))
        return self._told
