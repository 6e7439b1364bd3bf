"""A lock on an open file or directory; the kernel takes it back from a process that dies with it."""

from __future__ import annotations

import fcntl


def locked(descriptor: int) -> bool:
    """Take the lock for as long as the descriptor is open; False when another process, or another opening of this
    one, has it. Never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
