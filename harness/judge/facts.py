"""The facts of a result: what a recording holds, in seconds since the run began, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.checkers.data import losses
from harness.checkers.data.acknowledged_writes import lost_writes
from harness.checkers.data.damage import duplicated, torn
from harness.checkers.data.restore_exact import recovery_point
from harness.checkers.service import broken_version
from harness.host.clock import RESOLUTION_S
from harness.judged.downtime import BadSpan, Downtime, bad_mask, by_channel, joined, overall, split, within
from harness.judged.fault_effect import failed_for_it
from harness.judged.judged_run import JudgedRun
from harness.judged.latency import per_second
from harness.model import NS, Measurement, Observation, Operation
from harness.recording.events import DiskMounted, LoadStarted, PowerPlanned, ServerCount
from harness.recording.history import acknowledged, is_restored, owed, returned
from harness.recording.ledger import as_writes
from harness.recording.recording import Recording
from harness.recording.samples import FLAG_SLOW, OUTCOMES
from harness.stats.arrays import np

Facts = tuple[Mapping[str, Any], ...]
# Of what an operation said, for whoever reads the result; all of it is in the run folder.
_OUTPUT_CHARS = 4096


def seconds_since(recording: Recording, ns: int | None) -> float | None:
    return None if ns is None else round((ns - recording.log.start.mono_ns) / NS, 6)


def seconds(recording: Recording) -> float | None:
    """How long the run took, up to its last event: read-backs and states of power cuts come after the operations."""
    return seconds_since(recording, max(e.t for e in recording.events))


def operations(recording: Recording) -> Facts:
    return tuple(
        {
            "id": o.id,
            "name": o.name,
            "repeat": o.repeat,
            "warmup": o.warmup,
            "expect": o.expect,
            "exit": o.exit,
            "start_s": seconds_since(recording, o.start_ns),
            "seconds": round(o.seconds, 6),
            "gate_s": round(o.gate_ns / NS, 6),
            "blocked_on": o.blocked_on,
            "attributes": _attributes(o),
            "output": o.output[-_OUTPUT_CHARS:],
        }
        for o in recording.operations
    )


def _attributes(operation: Operation) -> dict[str, str]:
    """What was asked of an operation and seen of it, by the names and as the texts that a result has; only what there
    is."""
    o = operation
    told: dict[str, str | float | None] = {
        "restores": "yes" if o.restores else None,
        "together": o.group,
        "broken_version": o.broken_version or None,
        "mutation": o.damaged_how,
        "put_back": o.put_back,
        "copy": "yes" if o.on_copy else None,
        "backup": o.backup or None,
        "fault_disk": o.fault_disk,
        "free_bytes": o.free_bytes,
        "disk_written_bytes": o.disk_written_bytes,
        "last_s": None if o.last_s is None else f"{o.last_s:.1f}",
        "last_cpu_s": None if o.last_cpu_s is None else f"{o.last_cpu_s:.2f}",
        "last_written_bytes": o.last_written_bytes,
    }
    if o.version_wanted:
        told |= {"version_wanted": o.version_wanted, "version_at_exit": o.version_at_exit}
        if o.version_at_exit != o.version_wanted:
            told["version_after_s"] = "never" if o.version_after_s is None else f"{o.version_after_s:.2f}"
    return {name: str(value) for name, value in told.items() if value is not None}


def spans(recording: Recording) -> Facts:
    by_id = {o.id: o for o in recording.operations}
    return tuple(
        {
            "operation": id_,
            "repeat": by_id[id_].repeat if id_ in by_id else 0,
            "warmup": by_id[id_].warmup if id_ in by_id else False,
            "name": span.name,
            "start_s": seconds_since(recording, span.start.mono_ns),
            "stop_s": seconds_since(recording, span.stop.mono_ns),
            "gate_s": round(gate_s, 6),
        }
        for id_, span, gate_s in recording.phases
    )


def faults(recording: Recording) -> Facts:
    return tuple(
        {
            "id": f.id,
            "name": f.name,
            "parameters": dict(f.parameters),
            "at": f.at,
            "injected_s": seconds_since(recording, f.injected_ns),
            "confirmed_s": seconds_since(recording, f.confirmed_ns),
            "healed_s": seconds_since(recording, f.healed_ns),
            "applied": f.evidence.applied,
            "felt": f.evidence.felt or failed_for_it(recording, f) is not None,
            "said": f.evidence.said,
        }
        for f in recording.faults
    ) + _power_cuts(recording)


def _power_cuts(recording: Recording) -> Facts:
    """Each cut as a fault of one moment. It is felt when a state it left could be mounted: the system met that one."""
    cuts = [cut for e in recording.of(PowerPlanned) for cut in e.cuts]
    crashes = {o.crash.label: o.crash for o in recording.observations if o.crash is not None}
    rows: list[Mapping[str, Any]] = []
    for cut in cuts:
        left = [c for c in crashes.values() if c.cut == cut.number]
        mounted = sum(not c.mount_error for c in left)
        up = sum(not c.mount_error and not c.start_error for c in left)
        hit = next((f", it hit {c.hit}" for c in left if c.hit), "")
        at_s = seconds_since(recording, cut.at_ns)
        rows.append(
            {
                "id": f"cut-{cut.number}",
                "name": "power_loss",
                "parameters": {"record": cut.record},
                "at": cut.during,
                "injected_s": at_s,
                "confirmed_s": at_s,
                "healed_s": at_s,
                "applied": True,
                "felt": mounted > 0,
                "said": f"of {len(left)} states it may have left {mounted} could be mounted, {up} started{hit}",
            }
        )
    return tuple(rows)


def observations(recording: Recording) -> Facts:
    return tuple(
        {
            "label": o.label,
            "cause": o.cause,
            "at_s": seconds_since(recording, o.start_ns),
            "version": o.version,
            "error": o.error,
            **_counts(o),
        }
        for o in recording.observations
    )


def _counts(observation: Observation) -> dict[str, int | None]:
    """None where there is nothing to count from: the data could not be read."""
    writes = as_writes(observation.writes)
    indeterminate = len(writes.among(writes.ledger.ended("indeterminate")))
    known = {"acknowledged": len(acknowledged(observation)), "indeterminate": indeterminate}
    if observation.found is None:
        return {**known, "found": None, "lost": None, "resurrected": None, "duplicated": None, "torn": None}
    restored = is_restored(observation)
    return {
        **known,
        "found": len(observation.found),
        "lost": recovery_point(observation).lost if restored else len(lost_writes(observation)),
        "resurrected": len(returned(observation, owed(observation, observation.start_ns).gone)),
        "duplicated": len(duplicated(observation)),
        "torn": len(torn(observation)),
    }


def outages(run: JudgedRun, deadline_ms: float) -> Facts:
    """Every bad span of the prober and of the load, with the phases it fell into."""
    recording = run.recording
    phases = [(s.name, s.start.mono_ns, s.stop.mono_ns) for _, s, _ in recording.phases]
    phases += [(o.name, o.start_ns, o.stop_ns) for o in recording.operations]
    rows: list[Mapping[str, Any]] = []
    for records in (run.requests.probes, run.requests.load):
        for channel, downtime in by_channel(records, deadline_ms, held=run.requests.held).items():
            rows.extend(_outage(recording, channel, span, phases) for span in downtime.spans)
    return tuple(sorted(rows, key=lambda r: float(r["start_s"])))


def _outage(
    recording: Recording, channel: str, span: BadSpan, phases: Sequence[tuple[str, int, int]]
) -> Mapping[str, Any]:
    shares = split([span], phases, elsewhere="between operations")
    return {
        "channel": channel,
        "start_s": seconds_since(recording, span.start_ns),
        "stop_s": seconds_since(recording, span.stop_ns),
        "seconds": round(span.seconds, 6),
        "failed": span.failed,
        "kinds": dict(span.kinds),
        "phase": ", ".join(sorted(shares, key=lambda name: -shares[name])),
    }


def load(run: JudgedRun, deadline_ms: float) -> Mapping[str, Any]:
    """What the clients did and saw, from steady load to its end."""
    recording = run.recording
    started = next(recording.of(LoadStarted), None)
    window = recording.measured_ns
    window_s = (window[1] - window[0]) / NS
    sent = within(joined(recording.samples.load), window)
    requests = run.requests
    counts = np.bincount(sent["outcome"], minlength=len(OUTCOMES))
    judged = np.concatenate([requests.load, requests.probes])
    # Requests that are slow on purpose would be the p99 of every second.
    series = per_second(sent[(sent["flags"] & FLAG_SLOW) == 0], window, deadline_ms)
    offset_s = (window[0] - recording.log.start.mono_ns) / NS if window[0] else 0.0
    return {
        "profile": started.profile if started else "",
        "users": started.users if started else None,
        "started": int(counts.sum()),
        "outcomes": {name: int(n) for name, n in zip(OUTCOMES, counts, strict=True)},
        "rate_per_s": round(float(counts.sum()) / window_s, 2) if window_s else None,
        "window_s": round(window_s, 3),
        "counted": {"n": len(judged), "bad": int(bad_mask(judged, deadline_ms).sum())},
        "probe": probe(overall(requests.probes, deadline_ms, requests.exclusions, requests.held)),
        "series": {
            "second": [round(s + offset_s, 3) for s in series.second],
            "p50_ms": list(series.latency_ms_p50),
            "p99_ms": list(series.latency_ms_p99),
            "errors_pct": list(series.error_percent),
            "rps": list(series.n),
        },
        "server_requests": next((e.requests for e in recording.of(ServerCount)), None),
    }


def probe(downtime: Downtime) -> Mapping[str, Any]:
    return {
        "n": downtime.n,
        "bad": downtime.bad,
        "interval_ms": round(downtime.interval_ms, 3),
        "lateness_p99_ms": round(downtime.lateness_ms_p99, 3),
        "resolution_ms": round(downtime.resolution_ms, 3),
        "longest_outage_ms": round(downtime.longest_ms, 3),
        "total_bad_ms": round(downtime.total_ms, 3),
        "longest_gap_ms": round(downtime.longest_gap_ms, 3),
        "longest_gap_channel": downtime.gap_channel,
        "bad_rate_upper": downtime.bad_rate_upper,
        "deadline_ms": downtime.deadline_ms,
    }


def measurements(recording: Recording) -> tuple[Measurement, ...]:
    """Durations by operation and by phase, warm-up and damaged backups left out; how long a broken version served; what
    restores took back."""
    profile = ", ".join(disks(recording).values())
    counted = {o.id: o for o in recording.operations if not o.warmup and o.name != "seed" and o.exit == 0}
    values: dict[str, list[float]] = {}
    for operation in counted.values():
        values.setdefault(operation.name, []).append(round(operation.seconds, 6))
    for id_, span, gate_s in recording.phases:
        if id_ in counted:
            values.setdefault(span.name, []).append(round(span.seconds - gate_s, 6))
    late_s: dict[str, float] = {}
    for (_, phase, _), late_ns in recording.log.late_ns.items():
        late_s[phase] = max(late_s.get(phase, 0.0), late_ns / NS)
    durations = [
        Measurement(
            name, "s", tuple(found), max(RESOLUTION_S, late_s.get(name, 0.0)), {"disk": profile} if profile else {}
        )
        for name, found in values.items()
    ]
    return (*durations, *broken_version.measurement(recording), *losses.measurements(recording))


def disks(recording: Recording) -> dict[str, str]:
    """What each disk of the system stood on."""
    return {e.name: e.profile for e in recording.of(DiskMounted)}
