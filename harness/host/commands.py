"""The one door to child processes: own session, output in a file, always a deadline."""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.errors import ExitCode, HarnessError
from harness.host.accounts import Account
from harness.host.clock import Deadline, wait_until


class Process:
    """A child of ours. Its output goes to a file, never a pipe: a daemon it leaves behind would hold the pipe open and
    make a finished command look hung."""

    def __init__(self, argv: Sequence[str], popen: subprocess.Popen[bytes]) -> None:
        self.argv = tuple(argv)
        self.pid = popen.pid
        self.stdin: IO[bytes] | None = popen.stdin
        self._popen = popen

    @property
    def exit(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def wait(self, deadline_s: float) -> int | None:
        """The exit code, or None when it was still running at the deadline."""
        if self.exit is None and _ended(self._popen, deadline_s):
            return self._popen.wait()  # at once; poll() says None while another thread is reaping it
        return self.exit

    def signal(self, number: int) -> None:
        if self.exit is None:
            self._popen.send_signal(number)

    def signal_group(self, number: int) -> None:
        """To all processes of the group it leads; none when it has ended."""
        if self.exit is None:
            os.killpg(self.pid, number)

    def end(self, grace_s: float = 2.0) -> int:
        """SIGTERM, then SIGKILL after ``grace_s``; to the process alone, and to its session once it is killed."""
        self.signal(signal.SIGTERM)
        code = self.wait(grace_s)
        if code is None:
            self.kill()
            code = self._popen.wait()
        return code

    def kill(self) -> None:
        """SIGKILL to the whole session the process leads (a program that made its own session escapes this)."""
        if self.exit is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._popen.kill()


def _ended(popen: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Whether the process ended before the deadline, said the moment it does; it is not reaped here. (``Popen.wait``
    with a timeout looks every 50 ms only.)"""
    try:
        descriptor = os.pidfd_open(popen.pid)
    except ProcessLookupError:  # it was reaped by another thread a moment ago
        return True
    except (AttributeError, OSError):  # not on this system: look often instead
        end = Deadline(deadline_s, "the end of a process")
        return wait_until(lambda: popen.poll() is not None, end, every_s=0.004)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(math.ceil(max(0.0, deadline_s) * 1000)))
    finally:
        os.close(descriptor)


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: Path | IO[bytes] | None = None,
    errors: IO[bytes] | None = None,
    connection: int | None = None,
    pass_fds: Sequence[int] = (),
    stdin_pipe: bool = False,
    account: Account | None = None,
    fork: bool = False,
) -> Process:
    """Start ``argv`` as the leader of its own session; stdout and stderr go to ``output`` (appended) or nowhere, stderr
    to ``errors`` where that is given. ``connection``: a descriptor that is its stdin and stdout.

    ``account``: as that user. ``fork``: never by vfork, during which this process stands still until the other's exec.
    """
    sink: int | IO[bytes] = subprocess.DEVNULL
    opened: IO[bytes] | None = None
    if isinstance(output, Path):
        opened = output.open("ab")
        sink = opened
    elif output is not None:
        sink = output
    try:
        popen = subprocess.Popen(
            [*(account.prefix if account else ()), *argv],
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=connection if connection is not None else subprocess.PIPE if stdin_pipe else subprocess.DEVNULL,
            stdout=sink if connection is None else connection,
            stderr=errors or (sink if connection is not None else subprocess.STDOUT),
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            **_identity(account, fork),
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL, or half a surrogate, in what the kit named
        raise HarnessError(
            f"start {argv[0]}",
            getattr(error, "strerror", None) or str(error),
            "check the command and that the program is installed",
        ) from error
    finally:
        if opened:
            opened.close()
    return Process(argv, popen)


def _identity(account: Account | None, fork: bool = False) -> dict[str, Any]:
    if account and not account.prefix:
        return {"user": account.uid, "group": account.gid, "extra_groups": account.groups}
    return {"user": os.geteuid()} if fork else {}  # to change it, even to the same, Python has to fork


# Of what a command printed, the end is kept: a kit's `status` may print as much as it likes.
MOST_OUTPUT_BYTES = 4 * 1024 * 1024


# Where tc, mkfs and losetup are; the PATH of an ordinary user, and of root after `su`, may lack it.
_SBIN = "/usr/sbin:/sbin"


def environment() -> dict[str, str]:
    """Ours, in which our own tools are found."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"}


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished command gave: its exit code and its output (stdout and stderr as they came), the last
    MOST_OUTPUT_BYTES of it."""

    exit: int
    output: str


def run(
    argv: Sequence[str],
    *,
    deadline_s: float = 20.0,
    env: Mapping[str, str] | None = None,
    text: str = "",
    pass_fds: Sequence[int] = (),
    account: Account | None = None,
    cwd: Path | None = None,
) -> Completed:
    """Run one of our own tools (ip, mkfs, ...) to its end, in ``environment`` unless another is given; never a program
    that leaves a daemon behind."""
    deadline = Deadline(deadline_s, "the end of a command")
    try:
        with tempfile.TemporaryFile() if text else open(os.devnull, "r+b") as given:
            given.write(text.encode())
            given.seek(0)
            popen = subprocess.Popen(
                [*(account.prefix if account else ()), *argv],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment() if env is None else dict(env),
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                **_identity(account),
            )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise HarnessError(f"run {argv[0]}", why, "see `deploydrill doctor`", ExitCode.HOST_CANNOT) from error
    with popen:
        output = _end_of_output(popen, deadline)
        if output is None:
            popen.kill()
            raise HarnessError(
                f"run {argv[0]}", f"not done after {deadline_s:g} s", "see `deploydrill doctor`", ExitCode.HOST_CANNOT
            )
    return Completed(popen.returncode, output.decode(errors="replace").strip())


def _end_of_output(popen: subprocess.Popen[bytes], deadline: Deadline) -> bytes | None:
    """The end of what it prints until it has ended and nobody has its output open; None at the deadline."""
    assert popen.stdout
    kept = bytearray()
    poll = select.poll()
    poll.register(popen.stdout, select.POLLIN)
    while not deadline.passed:
        if not poll.poll(math.ceil(deadline.left_s * 1000)):
            return None
        piece = os.read(popen.stdout.fileno(), 1 << 16)
        if not piece:
            try:
                popen.wait(deadline.left_s)
            except subprocess.TimeoutExpired:
                return None
            return bytes(kept[-MOST_OUTPUT_BYTES:])
        kept += piece
        if len(kept) > 2 * MOST_OUTPUT_BYTES:
            del kept[:-MOST_OUTPUT_BYTES]
    return None


def check(argv: Sequence[str], *, text: str = "", pass_fds: Sequence[int] = ()) -> str:
    """``run``, and an error when the exit code is not 0."""
    done = run(argv, text=text, pass_fds=pass_fds)
    if done.exit:
        raise HarnessError(
            f"run {' '.join(argv)}",
            done.output or f"exit {done.exit}",
            "see `deploydrill doctor`",
            ExitCode.HOST_CANNOT,
        )
    return done.output
