"""Every fault on a link against a real cable and a real Toxiproxy: inject -> bites -> undo -> does not; undo twice is
fine. The lab (`link_lab.py`) runs in namespaces of its own and ends with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from harness.host.checkout import ROOT
from tests.contract.link_lab import FAULTS, UPLOAD

_NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_USER = ("--user", "--map-root-user")
pytestmark = [pytest.mark.island, pytest.mark.limits]

ENDS = {
    "partition-both": "TimeoutError",
    "partition-out": "TimeoutError",
    "partition-in": "TimeoutError",
    "stalled_peer": "TimeoutError",
    "reset": "ConnectionResetError",
    "down": "ConnectionRefusedError",
    "slow_drip": "TimeoutError",
    "cut_at": "ConnectionResetError",
}


def lab(what: str, user: bool = False) -> dict[str, Any]:
    extra = _USER if user or os.geteuid() != 0 else ()
    argv = ["unshare", *extra, *_NAMESPACES, sys.executable, "-m", "tests.contract.link_lab", what]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in seen, seen
    return seen


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_bites_until_it_is_undone_and_not_after(name: str) -> None:
    seen = lab(name)
    assert seen["before"] == "done"
    assert seen["applied"], seen["said"]
    assert seen["during"] in (ENDS[name], "BrokenPipeError" if name == "cut_at" else ENDS[name]), seen
    assert seen["lost"] == ""
    assert seen["healed"] and seen["after"] == "done", seen
    assert seen["lost_after"], "a fault that was taken away is said to be there"
    assert not seen["applied_after"], "a fault that was taken away is confirmed"


@pytest.mark.parametrize("name", ["partition-both", "stalled_peer"])
def test_links_work_in_a_user_namespace(name: str) -> None:
    seen = lab(name, user=True)
    assert seen["applied"] and seen["healed"] and (seen["before"], seen["after"]) == ("done", "done"), seen


@pytest.mark.parametrize("direction", ["both", "out", "in"])
def test_in_a_partition_connects_time_out_and_what_was_sent_stays_unacknowledged(direction: str) -> None:
    seen = lab(f"evidence:partition-{direction}")
    assert seen["connect"] == "timed_out"
    assert not seen["sent_all"], "a sender that is done has handed over everything"
    assert seen["queued"] > 0 and seen["unacked"] > 0, seen
    assert seen["acked"] == seen["acked_before"], "something was acknowledged through a cut cable"
    assert seen["retransmits"] > 0, seen
    assert "bytes that nobody acknowledged" in seen["felt"]


def test_under_a_stalled_peer_connects_succeed_and_everything_is_acknowledged() -> None:
    seen = lab("evidence:stalled_peer")
    assert seen["connect"] == "connected"
    assert seen["sent_all"]
    assert (seen["queued"], seen["unacked"]) == (0, 0), seen
    assert seen["acked"] - seen["acked_before"] == UPLOAD
    assert seen["arrived"] <= seen["arrived_before"], "the store got bytes of a stalled connection"
    assert "were acknowledged, none is waiting, and nothing came back" in seen["felt"]


@pytest.mark.parametrize("share", ["0.5", "0.99"])
def test_a_fault_lands_at_the_share_of_the_bytes_it_was_planned_for(share: str) -> None:
    seen = lab(share)
    assert seen["exact"], seen
    assert abs(seen["share"] - float(share)) <= 0.03
    assert seen["landing"].startswith(f"planned at {100 * float(share):g} % of {UPLOAD} bytes, came when ")
    assert seen["applied"] and seen["upload"] == "done", "healed after a second, the upload goes on"
    assert seen["problem"] == "" and not seen["slowed"]


def test_a_mark_that_is_never_reached_lets_nothing_land_and_leaves_the_link_as_it_was() -> None:
    seen = lab("0.7:short")
    assert "landing" not in seen
    assert seen["problem"] == "" and not seen["slowed"]
