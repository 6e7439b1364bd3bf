"""Operations that run together: when each starts, and the barrier at which they wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, mono_ns, sleep
from harness.model import NS, Edge
from harness.plan import Step, Together
from harness.recording.events import Barrier
from harness.recording.recorder import Recorder

# How long a member waits for what it is to start after; operations have deadlines of their own.
START_LIMIT_S = 180.0


class Group:
    """``run`` runs the members; meanwhile the threads that hold the kit call ``on_edge`` for every edge."""

    def __init__(self, group: Together, members: Sequence[Step], recorder: Recorder) -> None:
        self._barrier = group.barrier
        self._patience_s = group.patience_s
        self._members = members
        self._recorder = recorder
        self._changed = threading.Condition()
        self._reached: set[Edge] = set()
        self._arrived: list[str] = []
        self._ended: list[str] = []
        self._started = 0
        self._broken_off = False

    def run(self, operate: Callable[[int], None]) -> None:
        """``operate(i)`` runs the i-th member to its end; returns when all have, raises what the first one raised."""
        errors: list[BaseException] = []

        def member(number: int) -> None:
            try:
                self._wait_to_start(self._members[number])
                operate(number)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes the steps
                errors.append(error)
                with self._changed:  # nobody waits for what will not come
                    self._ended.append(f"member {number + 1}")
                    self._changed.notify_all()

        threads = [threading.Thread(target=member, args=(n,), name=f"member-{n}") for n in range(len(self._members))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:  # the run is to end: what has not begun does not begin any more
            with self._changed:
                self._broken_off = True
                self._changed.notify_all()
            raise
        if errors:
            raise errors[0]

    def on_edge(self, edge: Edge, operation: str, held: bool = True) -> None:
        """Called once the faults of this edge are in. Holds the caller while it has to wait for the others at the
        barrier; ``held`` False: the kit cannot be held there, and goes on."""
        with self._changed:
            self._reached.add(edge)
            if edge.event == "stop" and operation.rpartition("-")[0] == edge.phase:
                self._ended.append(operation)
            self._changed.notify_all()
            if edge in self._barrier and held:
                self._hold(edge, operation)

    def _hold(self, edge: Edge, operation: str) -> None:
        start = mono_ns()
        self._arrived.append(operation)
        self._changed.notify_all()
        all_here = self._changed.wait_for(lambda: operation in self._ended or self._complete(), self._patience_s)
        self._recorder.record(
            Barrier(
                operation=operation,
                at=str(edge),
                arrived=list(self._arrived),
                ended=list(self._ended),
                complete=all_here,
                seconds=round((mono_ns() - start) / NS, 3),
            )
        )

    def _complete(self) -> bool:
        return len({*self._arrived, *self._ended}) >= len(self._members)

    def _wait_to_start(self, step: Step) -> None:
        deadline = Deadline(START_LIMIT_S, f"the start of {step.do}")
        with self._changed:
            self._changed.wait_for(lambda: self._broken_off or self._may_start(step.after), deadline.left_s)
            self._started += 1
        assert not isinstance(step.offset_s, tuple), "run before its offset was drawn"
        sleep(step.offset_s)
        if self._broken_off:
            raise HarnessError(f"start {step.do}", "the run was broken off before", "", ExitCode.UNKNOWN)

    def _may_start(self, after: Edge | int) -> bool:
        if after in self._reached if isinstance(after, Edge) else len(self._ended) >= after:
            return True
        # When all that were started have ended, what it waits for will not come any more: it runs alone then.
        return 0 < self._started <= len(self._ended)
