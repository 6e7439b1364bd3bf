"""What run.json states beforehand and checkers judge by: claims, policies, the deadline, whether times count."""

from __future__ import annotations

from harness.config.policies import Policies
from harness.model import Claim
from harness.recording.recording import Recording


def claims(recording: Recording, measure: str) -> tuple[Claim, ...]:
    """The claims about one measure (``duration_s``, ``bad``, ``lost_writes``, ``lost_s``, ``outage_s``)."""
    return tuple(c for c in (Claim(**raw) for raw in recording.plan["claims"]) if c.measure == measure)


def policies(recording: Recording) -> Policies:
    """What the team says of its own practice; in a run of before nothing is said."""
    return Policies.from_dict(recording.plan.get("policies", {}))


def deadline_ms(recording: Recording) -> float:
    """An answer later than this after its intended time is a bad one."""
    return float(recording.plan["deadline_ms"])


def timing(recording: Recording) -> bool:
    """Whether times of this run are claims: it ran alone on its host, and no fault was planned to spoil them."""
    return bool(recording.plan["timing"])
