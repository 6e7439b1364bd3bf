"""Work done beside this process, in a fork of it on another core: for what keeps a core busy and gives plain data."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1


class Forked(Generic[T]):
    """``work`` begins at once; ``result`` waits for it. Where a fork fails, on a single core, or if ``fork`` is False,
    ``result`` does the work itself. ``work`` must neither print nor need another thread; what it gives must be
    picklable. The fork ends with this process, however that ends."""

    def __init__(self, work: Callable[[], T], fork: bool = True) -> None:
        self._work = work
        self._pid = 0
        self._from = -1
        if fork and len(os.sched_getaffinity(0)) > 1:
            self._fork()

    def _fork(self) -> None:
        parent = os.getpid()
        self._from, to = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self._from)
            os.close(to)
            return
        if self._pid:
            os.close(to)
            return
        code = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:
                with os.fdopen(to, "wb") as pipe:
                    pickle.dump(self._work(), pipe)
                code = 0
        finally:
            os._exit(code)  # no atexit, no flush: those are the parent's

    def result(self) -> T:
        """What ``work`` gave; raises what it raised."""
        if self._pid:
            with os.fdopen(self._from, "rb") as pipe:
                told = pipe.read()
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            if status == 0:
                given: T = pickle.loads(told)
                return given
        return self._work()
