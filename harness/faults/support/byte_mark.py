"""Waits until a share of an upload's bytes has crossed a link, which is slowed so that the mark can be met."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.links.link import Link

# The whole upload is spread over about this long, its last bit before the mark is slower still.
_SPREAD_S = 3.0
_CRAWL_BEFORE = 0.03
_CRAWL_FACTOR = 10
_EVERY_S = 0.01
# A fault this far from where it was planned is another fault than the one that was asked for.
TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a fault really came: ``crossed`` of ``total`` bytes were acknowledged; ``planned`` is the share meant."""

    planned: float
    crossed: int
    total: int

    @property
    def share(self) -> float:
        return self.crossed / self.total if self.total else 0.0

    @property
    def exact(self) -> bool:
        return abs(self.share - self.planned) <= TOLERANCE and self.share < 1.0

    @property
    def said(self) -> str:
        off = "" if self.exact else f", which is more than {100 * TOLERANCE:g} % off"
        return (
            f"planned at {100 * self.planned:g} % of {self.total} bytes, came when {self.crossed} had been"
            f" acknowledged ({100 * self.share:.1f} %){off}"
        )


class ByteMark:
    """``land`` is called once, on a thread of our own, when the share is reached; never after ``stop``."""

    def __init__(self, link: Link, total: int, share: float, land: Callable[[], None]) -> None:
        self.problem = ""
        self._link = link
        self._total = total
        self._share = share
        self._land = land
        self._end = threading.Event()
        self._most = 0
        self._earlier: set[str] = set()
        self._thread = threading.Thread(target=self._watch, name=f"bytes of {link.name}", daemon=True)

    def start(self) -> None:
        """Slow the link before the first byte, then watch. What earlier connections sent is not this upload's."""
        try:
            self._earlier = {s.local for s in self._link.sockets()}
            self._slow(1.0)
        except HarnessError as error:
            self.problem = str(error)
            self.stop()
        self._thread.start()

    def stop(self) -> None:
        """It is too late for the mark now; does not wait."""
        self._end.set()

    def join(self) -> None:
        self._thread.join(5.0)

    @property
    def stopped(self) -> bool:
        return self._end.is_set()

    def landing(self) -> Landing:
        """How far the upload is: by the largest connection of the link, or as last seen when that is gone."""
        acked = (s.acked for s in self._link.sockets() if s.local not in self._earlier)
        self._most = max([self._most, *acked])
        return Landing(self._share, min(self._most, self._total), self._total)

    def _watch(self) -> None:
        crawling = False
        try:
            while not self._end.wait(_EVERY_S):
                share = self.landing().share
                if share >= self._share:
                    self._land()
                    return
                if share >= self._share - _CRAWL_BEFORE and not crawling:
                    self._slow(1 / _CRAWL_FACTOR)
                    crawling = True
        except HarnessError as error:
            self.problem = str(error)
        finally:
            self._quicken()

    def _slow(self, factor: float) -> None:
        self._link.throttle(max(16 * 1024, int(factor * self._total / _SPREAD_S)))

    def _quicken(self) -> None:
        try:
            self._link.unthrottle()
        except HarnessError as error:
            self.problem = self.problem or str(error)
