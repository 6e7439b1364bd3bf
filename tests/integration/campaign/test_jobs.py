"""Jobs: how many go on at once, what is handed on, and that none outlives the iterator."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing

import pytest

from harness.campaign.jobs import run_parallel


class Work:
    """Pieces that go on until they are let go, and who is at it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.most = 0
        self.abandoned = threading.Event()
        self.stopped = False
        self._lock = threading.Lock()
        self._going = 0
        self._gates: dict[str, threading.Event] = {}

    def gate(self, item: str) -> threading.Event:
        with self._lock:
            return self._gates.setdefault(item, threading.Event())

    def __call__(self, item: str) -> str:
        with self._lock:
            self.begun.append(item)
            self._going += 1
            self.most = max(self.most, self._going)
        try:
            while not self.gate(item).wait(0.01):
                if self.abandoned.is_set():
                    return "abandoned"
        finally:
            with self._lock:
                self._going -= 1
        if item == "bad":
            raise ValueError(item)
        return f"{item} done"

    def run(
        self, items: str, number: int, stop: Callable[[], bool] | None = None
    ) -> Generator[tuple[str, str | Exception], None, None]:
        return run_parallel(
            items.split(), self, number, stop=stop or (lambda: self.stopped), abandon=self.abandoned.set
        )


def job_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("job-")]


def test_so_many_go_on_at_once_and_each_is_handed_on_when_it_ends() -> None:
    work = Work()
    runs = work.run("a b c d", 2)
    work.gate("b").set()
    assert next(runs) == ("b", "b done")  # not the first begun: the first ended
    work.gate("c").set()
    assert next(runs) == ("c", "c done")
    for item in "ad":
        work.gate(item).set()
    assert sorted(runs) == [("a", "a done"), ("d", "d done")]
    assert (work.begun[:3], work.most) == (["a", "b", "c"], 2)
    assert job_threads() == []


def test_with_one_job_nothing_runs_while_a_result_is_handled() -> None:
    work = Work()
    for item in "abc":
        work.gate(item).set()
    for number, _ in enumerate(work.run("a b c", 1), 1):
        assert len(work.begun) == number
        assert job_threads() == []
    assert work.begun == ["a", "b", "c"]


def test_after_a_stop_nothing_is_begun_and_what_goes_on_ends() -> None:
    work = Work()
    runs = work.run("a b c", 2)
    work.gate("a").set()
    assert next(runs)[0] == "a"
    work.stopped = True
    for item in "bc":
        work.gate(item).set()
    # c was begun when a ended, before anybody could look at a's result.
    assert sorted(item for item, _ in runs) == ["b", "c"]
    assert list(work.run("x y", 2)) == []
    assert work.begun == ["a", "b", "c"]


def test_what_a_piece_raises_is_its_result_and_the_others_go_on() -> None:
    work = Work()
    for item in ("bad", "b"):
        work.gate(item).set()
    ended = dict(work.run("bad b", 2))
    assert isinstance(ended["bad"], ValueError)
    assert ended["b"] == "b done"


def test_a_caller_that_fails_leaves_no_thread_behind() -> None:
    work = Work()
    work.gate("a").set()

    def caller() -> None:
        with closing(work.run("a b c", 2)) as runs:
            for _ in runs:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caller()
    assert work.abandoned.is_set()
    assert job_threads() == []


def test_a_signal_delivered_to_the_thread_of_a_job_is_handled_while_the_job_runs() -> None:
    """The kernel may give a signal to any thread; the main one has to wake up for its handler to run."""
    handled = threading.Event()

    def work(_item: str) -> bool:
        time.sleep(0.3)  # by then the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return handled.wait(10)

    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())
    try:
        results = list(run_parallel(["one"], work, 1, stop=lambda: False, abandon=lambda: None))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert results == [("one", True)]


def test_whatever_ends_a_job_is_its_result_and_nobody_waits_for_it() -> None:
    """rich calls for the end of the program in the thread that printed, once nobody reads its output."""
    leaving = SystemExit(1)

    def work(_item: str) -> bool:
        raise leaving

    results = list(run_parallel(["one"], work, 1, stop=lambda: False, abandon=lambda: None))
    assert results == [("one", leaving)]
