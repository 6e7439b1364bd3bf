"""The far side of a run and the cables to it: a second network namespace, one veth pair a link and one for control."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ExitCode, HarnessError
from harness.host import commands
from harness.host.accounts import Account
from harness.host.clock import Deadline, wait_until

# RFC 2544 reserves 198.18.0.0/15 for tests between devices: it cannot clash with an address a system means.
_NET = "198.18"


_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _setns(fd: int) -> None:
    """setns(2); Python has it from 3.12 on."""
    if _libc.setns(fd, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "enter a network namespace")


@dataclass(frozen=True, slots=True)
class Cable:
    """A veth pair. ``near`` is the end on the system's side, ``far`` the end of the far side."""

    number: int

    @property
    def near_name(self) -> str:
        return f"near{self.number}"

    @property
    def far_name(self) -> str:
        return f"far{self.number}"

    @property
    def near(self) -> str:
        return f"{_NET}.{self.number}.1"

    @property
    def far(self) -> str:
        return f"{_NET}.{self.number}.2"


CONTROL = Cable(0)  # no fault touches it: Toxiproxy's own API rides this one


class FarSide:
    """The other end of every link: its programs reach the system only through the cables."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._holder = commands.spawn(["unshare", "--net", "--", "sleep", "infinity"], output=output)
        ours = os.readlink("/proc/self/ns/net")

        def apart() -> bool:
            try:
                return os.readlink(f"/proc/{self._holder.pid}/ns/net") != ours
            except OSError:
                return False

        if not wait_until(apart, Deadline(5, "the far side's network namespace")):
            raise HarnessError(
                "make the far side", "no second network namespace after 5 s", "see doctor", ExitCode.HOST_CANNOT
            )
        self.lay(CONTROL)
        commands.check(self.command(["ip", "link", "set", "lo", "up"]))

    def command(self, argv: Sequence[str]) -> list[str]:
        """``argv`` as run on the far side."""
        return ["nsenter", "-t", str(self._holder.pid), "-n", "--", *argv]

    def spawn(
        self,
        argv: Sequence[str],
        env: dict[str, str],
        output: Path,
        cwd: Path | None = None,
        account: Account | None = None,
    ) -> commands.Process:
        """Start ``argv`` on the far side; only root may enter it, so ``account`` comes after that."""
        become: tuple[str, ...] = ()
        if account:
            become = account.prefix or ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups")
        return commands.spawn(self.command([*become, *argv]), env=env, output=output, cwd=cwd)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is on the far side meanwhile (setns is per thread; sockets it makes belong there)."""
        with open(f"/proc/{self._holder.pid}/ns/net") as there, open("/proc/thread-self/ns/net") as here:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(here.fileno())

    def lay(self, cable: Cable) -> Cable:
        """Lay a cable between the two sides and bring both ends up."""
        commands.check(
            ["ip", "-batch", "-"],
            text=f"link add {cable.near_name} type veth peer name {cable.far_name}\n"
            f"link set {cable.far_name} netns {self._holder.pid}\n"
            f"addr add {cable.near}/30 dev {cable.near_name}\n"
            f"link set {cable.near_name} up\n",
        )
        commands.check(
            self.command(["ip", "-batch", "-"]),
            text=f"addr add {cable.far}/30 dev {cable.far_name}\nlink set {cable.far_name} up\n",
        )
        return cable
