"""Lanes: pieces of work done side by side, a thread each, and handed on by the main thread as they end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

# CPython runs signal handlers in the main thread only, and a signal that the kernel gave to another thread (it does so
# with the second of two that come together) does not wake a main thread that waits without an end: 3 in 200 were lost.
_WAKE_S = 0.25


def side_by_side(
    items: Iterable[Item],
    work: Callable[[Item], Done],
    lanes: int,
    *,
    stop: Callable[[], bool],
    abandon: Callable[[], None],
) -> Generator[tuple[Item, Done | Exception], None, None]:
    """Each item with what ``work`` gave or raised, as they end; at most ``lanes`` at a time, begun in their order.

    With one lane nothing is begun while the caller handles a result, so that a run that is alone really is. Once
    ``stop`` says so nothing is begun any more; what goes on is waited for. A caller that leaves early (close it, with
    ``contextlib.closing``) has it ended by ``abandon``, and waited for as well: no thread outlives the iterator.
    """
    waiting = deque(items)
    going: dict[int, threading.Thread] = {}
    ended: SimpleQueue[tuple[int, Item, Done | Exception]] = SimpleQueue()

    def begin(number: int, item: Item) -> None:
        try:
            result: Done | Exception = work(item)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: the caller gets it as the result
            result = error
        ended.put((number, item, result))

    def fill() -> None:
        while waiting and len(going) < lanes and not stop():
            number = len(waiting)
            going[number] = threading.Thread(target=begin, args=(number, waiting.popleft()), name=f"lane-{number}")
            going[number].start()

    try:
        fill()
        while going:
            try:
                number, item, result = ended.get(timeout=_WAKE_S)
            except Empty:
                continue
            going.pop(number).join()
            if lanes > 1:
                fill()
            yield item, result
            fill()
    finally:
        if going:
            abandon()
            for thread in going.values():
                thread.join()
