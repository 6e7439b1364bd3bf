"""Work that runs in parallel, one thread an item; the main thread yields each result as it ends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

# CPython runs signal handlers in the main thread only. A signal that the kernel delivers to another thread (the second
# of two that arrive together) does not wake a main thread that waits without a timeout: 3 in 200 were lost.
_WAKE_S = 0.25


def run_parallel(
    items: Iterable[Item],
    work: Callable[[Item], Done],
    jobs: int,
    *,
    stop: Callable[[], bool],
    abandon: Callable[[], None],
) -> Generator[tuple[Item, Done | BaseException], None, None]:
    """Each item with what ``work`` returned or raised, as they end. At most ``jobs`` run at a time, started in order.

    With one job, none starts while the caller handles a result, so that a run that must be alone is alone. Once
    ``stop()`` is true none starts any more, and the running ones are waited for. A caller that leaves early closes the
    iterator (``contextlib.closing``): ``abandon`` ends the running ones, and no thread outlives the iterator.
    """
    waiting = deque(items)
    going: dict[int, threading.Thread] = {}
    ended: SimpleQueue[tuple[int, Item, Done | BaseException]] = SimpleQueue()

    def begin(number: int, item: Item) -> None:
        try:
            result: Done | BaseException = work(item)
        except BaseException as error:  # noqa: BLE001 - lost in a thread, and waited for: the caller gets it instead
            result = error
        ended.put((number, item, result))

    def fill() -> None:
        while waiting and len(going) < jobs and not stop():
            number = len(waiting)
            going[number] = threading.Thread(target=begin, args=(number, waiting.popleft()), name=f"job-{number}")
            going[number].start()

    try:
        fill()
        while going:
            try:
                number, item, result = ended.get(timeout=_WAKE_S)
            except Empty:
                continue
            going.pop(number).join()
            if jobs > 1:
                fill()
            yield item, result
            fill()
    finally:
        if going:
            abandon()
            for thread in going.values():
                thread.join()
