"""The phases of a run as they were met: each in the recording, and when the exact ones were."""

from __future__ import annotations

from harness.model import Edge, Instant
from harness.recording.events import Warned
from harness.recording.recorder import Recorder
from harness.system.phases.gates import EdgeDetection


class PhaseRecord:
    """``record`` is given every edge of a phase, by the threads that hold the kit."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._phase_ns: dict[tuple[str, str], list[int]] = {}
        self._seen_late_ns: list[int] = []

    def record(self, at: Instant, operation: str, edge: Edge, gate_ns: int, detection: EdgeDetection) -> None:
        if not detection.held:
            self._seen_late_ns.append(detection.late_ns)
        # When it was seen is not when it began: what was written before may be missing from that backup already.
        exact_ns = at.mono_ns if detection.held or edge.event == "stop" else 0
        self._phase_ns.setdefault((operation, edge.phase), []).append(exact_ns)
        self._recorder.record(detection.as_event(operation, edge, gate_ns), at)

    def edges_ns(self, operation: str, phase: str) -> list[int]:
        """When the edges of a phase of an operation were, in order; 0 for a start that was only seen."""
        return self._phase_ns.get((operation, phase), [])

    def tell_late(self) -> None:
        """How far the phases of a kit that does not mark them can be relied on."""
        if self._seen_late_ns:
            late_ms = max(self._seen_late_ns) / 1e6
            said = f"{len(self._seen_late_ns)} edges of phases were seen, not marked: at most {late_ms:.1f} ms late"
            self._recorder.record(Warned(text=f"{said}, and the kit was not held while a fault was put in there"))
