"""What all tests share: marks say what a test needs of the host, and it is skipped aloud where that is missing."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from harness import doctor
from tests import busy, namespaces

pytest_plugins = ["tests.inconclusive"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Asked once a session, and only for marks that are there."""
    missing: dict[str, str] = {}
    if os.geteuid() != 0:
        missing["root"] = "needs root"
    if shutil.which("node") is None:
        missing["node"] = "needs Node.js (Debian: nodejs)"
    if any(item.get_closest_marker("island") for item in items):
        island = doctor.capability("island")
        if why := namespaces.refused(root=os.geteuid() == 0):
            missing["island"] = f"no namespaces: {why}; try: {island.hint}"
        elif not island.ok:
            # Leaving these tests out would hide the very thing they are for.
            raise pytest.UsageError(f"the kernel gives namespaces, and doctor sees no island: {island.why}")
    for item in items:
        for mark, reason in missing.items():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """``-n auto`` is for tests that mostly wait."""
    return busy.workers()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Whoever imports locust here patches socket, threading and Popen under every other test."""
    if "locust" in sys.modules:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        print("\ntests must not import locust in this process; run it as a child", file=sys.stderr)
