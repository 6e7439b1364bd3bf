"""What the run used, four times a second: a thread that writes one JSON line a sample into resources.jsonl.

A row has ``t`` (monotonic ns), ``cpu_percent`` (host, of all cores), ``load1``, ``mem_available`` (bytes), for each
watched process ``NAME_cpu_percent`` (of one core, from its own CPU time), ``sut_rss`` (bytes), ``disk_used`` (bytes by
name), ``rx`` and ``tx`` (bytes of all interfaces of this network namespace so far). What could not be read is left out.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from harness.host.clock import mono_ns
from harness.model import NS

EVERY_S = 0.25


class ResourceSampler:
    """Samples until ``stop``. ``watched`` are our own processes and ``disks`` mount points, by name.

    ``system`` are the roots of the system's processes; None: every process of this pid namespace but ours, which is
    right on an island only.
    """

    def __init__(
        self,
        path: Path,
        watched: Mapping[str, int],
        disks: Mapping[str, Path],
        system: Sequence[int] | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        self._path = path
        self._watched = dict(watched)
        self._disks = dict(disks)
        self._system = system
        self._every_s = every_s
        self._cpu_before: dict[str, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="resources", daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        psutil.cpu_percent()  # its first answer only marks the beginning
        self._thread.start()

    def watch(self, name: str, pid: int) -> None:
        """Watch one more process, such as a load that was started later."""
        self._watched[name] = pid

    def stop(self) -> None:
        """End the thread and raise what ended it before its time, if anything did."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self.error:
            raise self.error

    def _work(self) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                while not self._stop.wait(self._every_s):
                    file.write(json.dumps(self.sample()) + "\n")
                    file.flush()
        except Exception as error:  # noqa: BLE001 -- raised by stop: a thread has nobody to raise to
            self.error = error

    def sample(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "t": mono_ns(),
            "cpu_percent": psutil.cpu_percent(),
            "load1": os.getloadavg()[0],
            "mem_available": psutil.virtual_memory().available,
            "sut_rss": self._system_rss(),
            "disk_used": self._disk_used(),
        }
        for name, pid in list(self._watched.items()):
            percent = self._cpu_percent(name, pid)
            if percent is not None:
                row[f"{name}_cpu_percent"] = percent
        network = psutil.net_io_counters()
        if network:
            row |= {"rx": network.bytes_recv, "tx": network.bytes_sent}
        return row

    def _cpu_percent(self, name: str, pid: int) -> float | None:
        """CPU since the last sample; None for the first one and for a process that is gone."""
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            return None
        now_ns, used_s = mono_ns(), times.user + times.system
        before = self._cpu_before.get(name)
        self._cpu_before[name] = (now_ns, used_s)
        if before is None or now_ns == before[0]:
            return None
        return max(0.0, 100 * (used_s - before[1]) / ((now_ns - before[0]) / NS))

    def _system_rss(self) -> int:
        total = 0
        for process in self._system_processes():
            try:
                total += process.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
        return total

    def _system_processes(self) -> set[psutil.Process]:
        ours = {os.getpid(), os.getppid(), *self._watched.values()}
        if self._system is None:
            return {p for p in psutil.process_iter() if p.pid not in ours}
        found: set[psutil.Process] = set()
        for pid in self._system:
            try:
                root = psutil.Process(pid)
                found |= {root, *root.children(recursive=True)}
            except psutil.Error:
                continue
        return {p for p in found if p.pid not in ours}

    def _disk_used(self) -> dict[str, int]:
        used: dict[str, int] = {}
        for name, path in self._disks.items():
            try:
                stat = os.statvfs(path)
            except OSError:
                continue
            used[name] = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
        return used
