"""Synthetic results and run folders, small but with everything in them that a report shows."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.model import Finding, Instant, Measurement, Outcome, Result, Subject
from harness.recording.events import RunStarted
from harness.recording.recorder import Recorder
from tests.unit.purity import stepped_clock

START = Instant(1_000 * 10**9, 1_763_900_000 * 10**9)
PHASES = {
    "backup": ("backup.space", "backup.snapshot", "backup.encrypt", "backup.verify"),
    "validate": ("validate.decrypt", "validate.check"),
    "deploy": ("deploy.lock", "deploy.start_new", "deploy.migrate", "deploy.cut_over", "deploy.drain"),
    "rollback": ("rollback.start_old", "rollback.cut_over", "rollback.drain"),
    "restore": ("restore.fence", "restore.copy", "restore.open"),
}
SECONDS = {"backup": 0.9, "validate": 0.45, "deploy": 2.4, "rollback": 1.3, "restore": 1.1}


def answer(outcome: Outcome, title: str, sentence: str, code: str = "test.answer") -> Finding:
    """A finding with words of its own."""
    return Finding("test.question", code, outcome, Subject("run", title), title=title, sentence=sentence)


def operations(repeats: int = 5) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    done: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    at = 4.0
    for repeat in range(repeats + 1):
        for name, usual in SECONDS.items():
            seconds = round(usual * (1 + 0.13 * math.sin(7 * repeat + len(name))), 4)
            id_ = f"{name}-{repeat}"
            done.append(
                {
                    "id": id_,
                    "name": name,
                    "repeat": repeat,
                    "warmup": repeat == 0,
                    "expect": "success",
                    "exit": 0,
                    "start_s": round(at, 4),
                    "seconds": seconds,
                    "gate_s": 0.0125,
                    "blocked_on": "",
                    "attributes": {"version_at_exit": "2", "disk_written_bytes": 3_400_000 + repeat},
                    "output": "",
                }
            )
            each = seconds / len(PHASES[name])
            for number, phase in enumerate(PHASES[name]):
                spans.append(
                    {
                        "operation": id_,
                        "repeat": repeat,
                        "warmup": repeat == 0,
                        "name": phase,
                        "start_s": round(at + each * number, 4),
                        "stop_s": round(at + each * (number + 1), 4),
                        "gate_s": 0.003,
                    }
                )
            at += seconds + 0.6
    return done, spans


def claim(subject: str, limit: float, values: list[float], **more: Any) -> dict[str, Any]:
    ordered = sorted(values)
    return {
        "key": f"{subject}_s",
        "subject": subject,
        "measure": "duration_s",
        "limit": limit,
        "level": "every",
        "source": "system.toml [claims]",
        "outcome": "pass" if ordered[-1] <= limit else "fail",
        "sentence": f"{len(values)} of {len(values)} within {limit:g} s",
        "n": len(values),
        "median": ordered[len(ordered) // 2],
        "min": ordered[0],
        "max": ordered[-1],
        "unit": "s",
        "resolution": 0.001,
        "supports": f"n={len(values)} supports the 54th percentile at 95 %",
        **more,
    }


REVIEW: dict[str, Any] = {
    "codes": {},
    "claims": {"backup_s": {"row": "R103", "claimed_s": [60.0, 120.0], "realistic_s": [300.0, 900.0]}},
    "total": {"row": "R107", "claimed_s": [300.0, 600.0], "realistic_s": [1800.0, 5400.0], "note": "as written"},
}


def load() -> dict[str, Any]:
    seconds = list(range(48))
    return {
        "profile": "closed",
        "users": 12,
        "started": 14_302,
        "outcomes": {"ok": 14_299, "http_error": 2, "refused": 0, "reset": 0, "timeout": 1, "unfinished": 0},
        "rate_per_s": 297.9,
        "window_s": 44.02,
        "server_requests": 75_506,
        "probe": {
            "n": 61_204,
            "bad": 0,
            "interval_ms": 10.0,
            "lateness_p99_ms": 2.31,
            "resolution_ms": 12.31,
            "longest_outage_ms": 0.0,
            "total_bad_ms": 0.0,
            "longest_gap_ms": 11.9,
            "bad_rate_upper": 0.0000489,
            "deadline_ms": 1000,
        },
        "series": {
            "second": seconds,
            "p50_ms": [None if s == 2 else 3.1 + 0.6 * math.sin(s) for s in seconds],
            "p99_ms": [
                None if s == 2 else 14.0 + 9 * math.sin(s / 3) ** 2 + (160 if s in (22, 23) else 0) for s in seconds
            ],
            "errors_pct": [0.4 if s in (22, 23) else 0.0 for s in seconds],
            "rps": [300 + 12 * math.sin(s / 2) for s in seconds],
        },
    }


def passing() -> Result:
    """A baseline in which everything held."""
    done, spans = operations()
    measured = {n: [o["seconds"] for o in done if o["name"] == n and not o["warmup"]] for n in SECONDS}
    limits = {"backup": 120.0, "validate": 30.0, "deploy": 300.0, "rollback": 30.0, "restore": 60.0}
    return Result(
        schema=2,
        run="20251123T101200Z-baseline-hardened-7",
        system="hardened",
        scenario="baseline",
        cell="quick",
        seed=7,
        outcome="pass",
        findings=(
            answer("pass", "no acknowledged write is lost", "6 114 acknowledged, all of them found"),
            answer("pass", "downtime", "0 bad of 61 204 at a 1 s deadline"),
            answer("pass", "durations against claims", "each of 5 within its claim"),
        ),
        measurements=tuple(Measurement(f"{n}_s", "s", tuple(v), 0.001, {"disk": "plain"}) for n, v in measured.items()),
        claims=(
            *(claim(n, limits[n], measured[n]) for n in SECONDS),
            claim(
                "rollback",
                0,
                [0, 0, 0, 0, 0],
                measure="rollback_lost_writes",
                unit="",
                resolution=0,
                sentence="0 lost of 6 114 acknowledged in each of 5",
            ),
        ),
        spans=tuple(spans),
        operations=tuple(done),
        faults=(),
        observations=tuple(
            {
                "label": f"restore#{n}",
                "cause": "restore",
                "at_s": 11.2 * n,
                "found": 1_201 * n,
                "acknowledged": 1_214 * n,
                "lost": 13,
                "resurrected": 0,
                "duplicated": 0,
                "torn": 0,
                "indeterminate": 1,
                "error": "",
                "version": "1",
            }
            for n in range(1, 6)
        ),
        outages=(),
        load=load(),
        host={
            "cpus": 2,
            "memory_bytes": 8_232_378_368,
            "kernel": "6.1.0",
            "island": "root",
            "disks": {"data": "ext4 on a loop device of 536.9 MB"},
            "python": "3.11.7",
        },
        provenance={
            "deploydrill": "0.1.0",
            "commit": "75c5130",
            "system_hash": "9f2c1e77aa01",
            "files": {"system.toml": "1b4f0e98", "kit.py": "60303ae2"},
            "started_utc": "2025-11-23T10:12:00Z",
            "command": "deploydrill run baseline --system hardened --seed 7",
            "seconds": 48.31,
        },
        warnings=(),
        waived=(),
        title="Back up, validate, deploy, roll back, restore under load, undisturbed",
        reproduce="deploydrill run baseline --system hardened --seed 7 --repeat 5",
    )


def failing() -> Result:
    """A full disk that a bad kit did not survive."""
    base = passing()
    done = [dict(o) for o in base.operations]
    done[15] |= {"exit": 1, "expect": "any", "output": "cp: no space left on device"}
    done[22] |= {"exit": None, "blocked_on": "connect to 10.77.1.2:9000, 12.0 s"}
    probe = base.load["probe"] | {
        "bad": 37,
        "longest_outage_ms": 412.4,
        "total_bad_ms": 640.2,
        "longest_gap_ms": 430.0,
        "bad_rate_upper": 0.00083,
    }
    return replace(
        base,
        run="20251123T101300Z-disk_full-naive-7",
        system="naive",
        scenario="disk_full",
        cell="backup disk, at 31 %",
        outcome="fail",
        title="The backup disk fills while the backup is written",
        reproduce="deploydrill run disk_full --system naive --seed 7",
        findings=(
            answer("pass", "downtime", "37 bad of 61 204, all within the claim"),
            answer("unknown", "validation rejects damage", "no damaged backup was offered to validate"),
            answer(
                "fail",
                "no partial backup is ever the latest",
                "backup 20251123T1012 is 31 % of its size and is what `restore` would use",
            ),
        ),
        claims=(claim("backup", 0.5, [0.81, 0.95, 1.02]), *base.claims[1:]),
        operations=tuple(done),
        faults=(
            {
                "id": "disk_full-1",
                "name": "disk_full",
                "parameters": {"disk": "backup", "keep_bytes": 1_048_576},
                "at": "backup.snapshot.start",
                "injected_s": 20.02,
                "confirmed_s": 20.11,
                "healed_s": 27.5,
                "applied": True,
                "felt": True,
                "said": "a probe write of 64 kB failed with ENOSPC; the kit said: no space left on device",
            },
            {
                "id": "disk_full-2",
                "name": "disk_full",
                "parameters": {"disk": "data"},
                "at": "deploy.migrate.start",
                "injected_s": None,
                "confirmed_s": None,
                "healed_s": None,
                "applied": False,
                "felt": False,
                "said": "never fired",
            },
        ),
        outages=(
            {
                "channel": "write",
                "start_s": 22.0,
                "stop_s": 22.412,
                "seconds": 0.412,
                "failed": 31,
                "kinds": {"http_error": 31},
                "phase": "backup.snapshot",
            },
            {
                "channel": "read_fresh",
                "start_s": 23.1,
                "stop_s": 23.328,
                "seconds": 0.228,
                "failed": 6,
                "kinds": {"timeout": 6},
                "phase": "",
            },
        ),
        load={**base.load, "probe": probe, "started": 14_303},
        warnings=("the client counted 14 303 requests and the server 14 299",),
        waived=({"name": "power_loss", "reason": "batteries in every rack", "until": "2027-01-01"},),
    )


def unknown() -> Result:
    """A run that never got anywhere: nothing measured, no operation run."""
    base = passing()
    return replace(
        base,
        run="20251123T101400Z-disk_full-hardened-7",
        scenario="disk_full",
        cell="data disk, in the migration",
        outcome="unknown",
        findings=(answer("unknown", "the load was a load", "the load did not become steady in 10 s"),),
        measurements=(),
        claims=(),
        spans=(),
        operations=(),
        observations=(),
        outages=(),
        load={},
        warnings=("the recording was cut short (no closing event)",),
    )


def with_outcome(result: Result, outcome: Outcome, why: str) -> Result:
    return replace(result, outcome=outcome, findings=(answer(outcome, "a check", why),))


def recording(folder: Path, *, seconds: int = 48) -> Path:
    """A run folder with events and resources, as the recorder and the meters leave it."""
    with stepped_clock():
        recorder = Recorder(folder)
        recorder.record(RunStarted(), START)
        recorder.close()
    rows = [
        {
            "t": START.mono_ns + n * 250_000_000,
            "cpu_percent": 55 + 20 * math.sin(n / 9),
            "load1": 1.2,
            "mem_available": 5_000_000_000 - n,
            "load_cpu_percent": 21.5,
            "prober_cpu_percent": 4.25,
            "sut_rss": 90_000_000 + n * 100_000,
            "disk_used": {"data": 20_000_000 + n * 90_000, "backup": 9_000_000 + (n // 40) * 4_000_000},
        }
        for n in range(seconds * 4)
    ]
    (folder / "resources.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
