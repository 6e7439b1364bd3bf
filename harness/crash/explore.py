"""Starts the system on every chosen crash state, two side by side, and records each as observations of the run."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from harness.crash.boot import BootSpec
from harness.crash.cuts import Cut, choose, last_flush
from harness.crash.findings import Findings, TakenNs, UnderWay
from harness.crash.states import State, build, states_of, whole
from harness.disks.block_log import BlockLog
from harness.host import commands
from harness.host.clock import mono_ns
from harness.model import NS, CrashState, Span
from harness.plan import PowerCuts
from harness.recording.events import PlannedCut, PowerPlanned, PowerState, Warned
from harness.recording.recorder import Recorder

LANES = 2
_NAMESPACES = ("--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
# What the system itself may take is bounded inside; this bounds what nobody thought of.
MARGIN_S = 60.0
# The state after whose restore the operation that was cut is tried once more.
AGAIN_ON = "torn"
# How many flushes after a cut the names of files are looked up.
_NAMES_AFTER = 4


@dataclass(frozen=True, slots=True)
class _Job:
    crash: CrashState
    state: State
    spec: BootSpec


@dataclass(frozen=True, slots=True)
class Baseline:
    """The log when the system was last intact: ``records`` in it, all flushed up to ``flushed_ns`` (CLOCK_MONOTONIC).
    Clients kept on writing: a write acknowledged later may be there or not."""

    records: int
    flushed_ns: int


class Exploration:
    """Built once the load has stopped; ``run`` records everything it finds and judges nothing."""

    def __init__(
        self,
        log: BlockLog,
        size_bytes: int,
        spec: BootSpec,
        deadline_s: float,
        taken_ns: TakenNs,
        recorder: Recorder,
    ) -> None:
        self._log = log
        self._size_bytes = size_bytes
        self._spec = spec
        self._deadline_s = deadline_s
        self._taken_ns = taken_ns
        self._recorder = recorder
        self._running: set[commands.Process] = set()
        self._stopped = False
        self._hits: dict[int, str] = {}

    def run(
        self, power: PowerCuts, spans: Sequence[Span], under_way: UnderWay, baseline: Baseline, rng: random.Random
    ) -> None:
        """No state can be judged of a system that cannot be started from its ``baseline``."""
        for problem in self._log.problems:
            self._recorder.record(Warned(text=f"block log: {problem}"))
        cuts = choose(power, self._log, spans, rng)
        states = [(cut, states_of(cut, self._log, power.states, rng)) for cut in cuts]
        jobs = [self._control(baseline)]
        jobs += [self._job(cut, state, under_way) for cut, those in states for state in those]
        self._recorder.record(
            PowerPlanned(
                cuts=[PlannedCut(c.number, c.at_ns, c.phase, c.index) for c in cuts],
                asked=power.cuts,
                states=[job.crash.label for job in jobs[1:]],
                records=len(self._log.records),
                flushes=len(self._log.flushes),
            )
        )
        with ThreadPoolExecutor(LANES) as pool:
            try:
                for cut, hit in zip(cuts, pool.map(self._hit, cuts), strict=True):
                    self._hits[cut.number] = hit
                going = [pool.submit(self._take, job, under_way) for job in jobs]
                for done in going:
                    done.result()
            except BaseException:  # the run is to end: what has not begun does not, what has is ended
                self._stopped = True
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(self._running):
                    process.kill()
                raise

    def _control(self, baseline: Baseline) -> _Job:
        last = baseline.records - 1
        kept = "everything, and nothing was under way"
        crash = CrashState("control", 0, self._log.records[last].t_ns, "", "", kept, owed_ns=baseline.flushed_ns)
        return _Job(crash, whole(last), replace(self._spec, restore=False, again=""))

    def _job(self, cut: Cut, state: State, under_way: UnderWay) -> _Job:
        label = f"cut-{cut.number}-{state.name}"
        crash = CrashState(label, cut.number, cut.at_ns, cut.phase, under_way.id, str(state))
        # On one state of each cut, the untidiest: it takes as long as all the rest.
        spec = self._spec if state.name == AGAIN_ON else replace(self._spec, again="")
        return _Job(crash, state, spec)

    def _take(self, job: _Job, under_way: UnderWay) -> None:
        """Build, start in a nested island, and record one state."""
        folder = self._recorder.folder / "states" / job.crash.label
        began = mono_ns()
        image = build(self._log, job.state, self._size_bytes)
        built = mono_ns()
        ended = self._boot(folder, job.spec, image)
        crash = replace(job.crash, hit=self._hits.get(job.crash.cut, ""))
        findings = Findings(folder, self._recorder, "" if ended else f"still busy after {self._deadline_s:g} s")
        findings.record(crash, under_way, self._taken_ns)
        self._recorder.record(
            PowerState(
                label=job.crash.label,
                build_ms=round((built - began) / 1e6, 1),
                seconds=round((mono_ns() - began) / NS, 3),
            )
        )

    def _hit(self, cut: Cut) -> str:
        """Whose blocks were written and not flushed at the cut, asked of a disk some flushes later: then the names of
        new files have been written down as well."""
        log = self._log
        later = next(islice((f for f in log.flushes if f > cut.index), _NAMES_AFTER, None), len(log.records) - 1)
        unflushed = log.records[last_flush(log, cut.index) + 1 : cut.index + 1]
        spec = replace(self._spec, names_of=tuple((r.offset, r.length) for r in unflushed))
        folder = self._recorder.folder / "states" / f"cut-{cut.number}-names"
        self._boot(folder, spec, build(log, whole(later), self._size_bytes))
        return Findings(folder, self._recorder).hit

    def _boot(self, folder: Path, spec: BootSpec, image: int) -> bool:
        """Start ``spec`` on ``image`` (closed here) in a nested island; False when it had to be ended."""
        folder.mkdir(parents=True)
        (folder / "boot.json").write_text(spec.to_json())
        try:
            argv = [sys.executable, "-m", "harness.crash.boot", str(folder), str(image)]
            process = commands.spawn(["unshare", *_NAMESPACES, *argv], output=folder / "boot.out", pass_fds=(image,))
        finally:
            os.close(image)
        self._running.add(process)
        code = None if self._stopped else process.wait(self._deadline_s)
        if code is None:
            process.kill()
            process.wait(5)
        self._running.discard(process)
        return code is not None
