"""A unit test starts no process, opens no connection and reads no clock: whatever does so fails, by name. The guard
stands around fixtures of any scope as well."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.unit.purity import Guard, SteppedClock, stepped_clock

_GUARD = pytest.StashKey[Guard]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    guard = item.stash[_GUARD] = Guard()
    guard.begin()
    yield
    guard.check()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    yield
    item.stash[_GUARD].check()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    try:
        yield
        item.stash[_GUARD].check()
    finally:
        item.stash[_GUARD].end()


@pytest.fixture
def clock() -> Iterator[SteppedClock]:
    """The clock of the harness, which moves on only when it is told to."""
    with stepped_clock() as stepped:
        yield stepped
