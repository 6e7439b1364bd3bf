"""What the monitors say, asked at each critical phase: one missing is degraded, none left is blind.

A monitor counts only by a look that it began after the question: what it saw before says nothing about now, and what
merely repeats an old answer cannot pass for a monitor.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import flaws
import web
from errors import KitError
from phases import Deadline
from places import HOST

STALE_AFTER_S = 3.0
# Long enough for each monitor to look several times.
AGREE_LIMIT_S = 4.0
# One that answers and has not looked again by then sees nothing, whatever it says.
LOOK_LIMIT_S = 2.5
# While no monitor answers nobody sees what the version in service does: wait no longer than one needs to come back.
BLIND_LIMIT_S = 1.5
# In a row, after the switch: what a version does under real traffic shows only after some of it.
LOOKS_AFTER_SWITCH = 2


@dataclass(frozen=True, slots=True)
class Word:
    """What one monitor says; ``missing`` is why it counts for nothing: it is gone, or has not looked for too long."""

    missing: str = ""
    healthy: bool = False
    checked_at: float = 0.0
    why: str = ""

    @property
    def said(self) -> str:
        return "healthy" if self.healthy else f"not healthy: {self.why}"


def require_healthy(moment: str, since: float = 0.0, looks: int = 1) -> None:
    """Wait until every monitor that answers said healthy, ``looks`` times in a row, each time by a new look begun after
    ``since`` (time.time(); now when not given). Raises when they do not, or when none answers; when more than one look
    is asked for, also as soon as one said "not healthy" as often."""
    names = _names()
    if not names:
        return
    since = since or time.time()
    deadline, blind, idle = Deadline(AGREE_LIMIT_S), Deadline(BLIND_LIMIT_S), Deadline(LOOK_LIMIT_S)
    counted, good, bad = dict.fromkeys(names, since), dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    while True:
        words = {name: _ask(name) for name in names}
        seeing = [name for name, word in words.items() if not word.missing]
        for name in seeing:
            if words[name].checked_at > counted[name]:
                counted[name] = words[name].checked_at
                good[name] = good[name] + 1 if words[name].healthy else 0
                bad[name] = 0 if words[name].healthy else bad[name] + 1
        if idle.passed:
            for name in [name for name in seeing if counted[name] == since]:
                words[name] = Word("answers, but has not looked since it was asked")
                seeing.remove(name)
        if seeing and all(good[name] >= looks for name in seeing):
            break
        if not seeing and blind.passed:
            said = "; ".join(f"{name} {word.missing}" for name, word in words.items())
            raise KitError(f"{moment}: no monitor sees the service ({said}); going on would be blind")
        if deadline.passed or (looks > 1 and any(bad[name] >= looks for name in seeing)):
            said = "; ".join(f"{name} says {words[name].said}" for name in seeing)
            raise KitError(f"{moment}: the monitors do not agree that all is well: {said or 'they come and go'}")
        time.sleep(0.1)
    for name in names:
        if name not in seeing:
            print(f"{moment}: degraded, monitor {name} {words[name].missing}")


def report(moment: str) -> None:
    """Say what is missing and go on: the way back must not depend on a monitor."""
    for sentence in missing():
        print(f"{moment}: degraded, {sentence}")


def missing() -> list[str]:
    """The monitors that see nothing now, as sentences."""
    return [f"monitor {name} {word.missing}" for name in _names() if (word := _ask(name)).missing]


def _names() -> list[str]:
    if flaws.has("blind_monitor"):
        return []
    return [name for name in os.environ.get("KIT_MONITORS", "").split(",") if name]


def _ask(url: str) -> Word:
    place = urlsplit(url)
    try:
        status, body = web.ask(place.port or 80, place.path, 0.8, host=place.hostname or HOST)
        said = json.loads(body)
        age_s, healthy = float(said["age_s"]), bool(said["healthy"])
        checked_at, why = float(said["checked_at"]), str(said.get("why", ""))
    except (OSError, http.client.HTTPException):
        return Word("does not answer")
    except (ValueError, KeyError, TypeError):
        return Word("answers nothing of use")
    if status != 200:
        return Word(f"answers {status}")
    if age_s > STALE_AFTER_S:
        return Word(f"has not looked for {age_s:.1f} s")
    return Word("", healthy, checked_at, why)
