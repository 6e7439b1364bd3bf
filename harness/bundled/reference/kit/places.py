"""Where everything of one installation lies: paths under ``$KIT_DIR``, ports counted from ``$KIT_PORT``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from errors import UsageError

HOST = "127.0.0.1"
SLOTS = ("blue", "green")


@dataclass(frozen=True, slots=True)
class Places:
    root: Path
    port: int

    @classmethod
    def from_environment(cls) -> Places:
        try:
            return cls(Path(os.environ["KIT_DIR"]).resolve(), int(os.environ["KIT_PORT"]))
        except KeyError as error:
            raise UsageError(f"{error.args[0]} is not set: it says which installation is meant") from error

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def database(self) -> Path:
        return self.data / "app.db"

    @property
    def work(self) -> Path:
        """Plaintext on its way in or out of a backup: on the disk where the database is plaintext anyway."""
        return self.data / ".kit"

    @property
    def backups(self) -> Path:
        return self.root / "backup"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def upstream(self) -> Path:
        """The one line that says which address the front sends requests to."""
        return self.state / "upstream"

    @property
    def admin_port(self) -> int:
        return self.port + 1 + len(SLOTS)

    def slot_port(self, slot: str) -> int:
        return self.port + 1 + SLOTS.index(slot)

    def dial(self, slot: str) -> str:
        """Where the front finds a slot: beside it, or at the end of a link to it."""
        return os.environ.get(f"KIT_{slot.upper()}_LINK") or f"{HOST}:{self.slot_port(slot)}"

    def prepare(self) -> None:
        for folder in (self.data, self.backups, self.state, self.logs, self.home):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.state, self.backups):
            folder.chmod(0o700)

    def work_file(self, purpose: str) -> Path:
        """A fresh name that tells whose it is, so that only what a dead process left is ever cleaned away."""
        self.work.mkdir(mode=0o700, exist_ok=True)
        return self.work / f"{purpose}.{os.getpid()}.{start_time(os.getpid())}.db"


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when none runs. A pid alone proves nothing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])  # a zombie has ended; its parent has not looked yet
