"""The resource sampler on this very host."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.host.clock import Deadline, mono_ns, wait_until
from harness.meters.resources import ResourceSampler


def test_rows_say_what_a_busy_process_and_a_disk_used(tmp_path: Path) -> None:
    path = tmp_path / "resources.jsonl"
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    big = subprocess.Popen([sys.executable, "-c", "import time; x = bytearray(30_000_000); time.sleep(60)"])
    try:
        sampler = ResourceSampler(
            path,
            {"load": busy.pid, "gone": 2**22 - 1},
            {"data": tmp_path, "unmounted": tmp_path / "no"},
            [big.pid],
            every_s=0.1,
        )
        began = mono_ns()
        sampler.start()
        assert wait_until(
            lambda: path.exists() and path.read_text().count("load_cpu_percent") >= 5, Deadline(10, "five rows")
        )
        sampler.stop()
        # On a busy host it does not get a whole core: the kernel's own count says what it got.
        got_percent = 100 * sum(psutil.Process(busy.pid).cpu_times()[:2]) / ((mono_ns() - began) / 1e9)
    finally:
        for process in (busy, big):
            process.kill()
            process.wait()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert began < rows[0]["t"] < rows[-1]["t"]
    assert rows[-1]["sut_rss"] > 30_000_000
    assert max(row.get("load_cpu_percent", 0) for row in rows) > got_percent * 0.8 > 0
    assert all("gone_cpu_percent" not in row and set(row["disk_used"]) == {"data"} for row in rows)
    assert {"cpu_percent", "load1", "mem_available", "rx", "tx"} <= set(rows[0])


def test_a_sampler_that_could_not_write_says_so_when_it_is_stopped(tmp_path: Path) -> None:
    sampler = ResourceSampler(tmp_path / "no" / "resources.jsonl", {}, {}, [])
    sampler.start()
    assert wait_until(lambda: sampler.error is not None, Deadline(5, "the sampler's failure"))
    with pytest.raises(FileNotFoundError):
        sampler.stop()
