"""The inside half of a run: sets the system up, drives the load and the steps, reads back. It records, never judges.

Run as ``python -m harness.rehearsal.main RECORD`` by the island's process 1.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from harness.errors import ExitCode, HarnessError
from harness.host.raised import told
from harness.load.driver import LoadDriver
from harness.plan import Plan
from harness.recording.events import RunFailed, RunInterrupted, RunStarted, Warned
from harness.recording.recorder import PLAN, Recorder, digest

if TYPE_CHECKING:
    from harness.rehearsal.rehearsal import Rehearsal


class Interrupted(BaseException):
    """SIGTERM from the island's process 1: the outside wants this run to end."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def main() -> int:
    record = Path(sys.argv[1])
    about = (record / PLAN).read_text()
    plan = Plan.from_dict(json.loads(about)["plan"])
    recorder = Recorder(record)
    signal.signal(signal.SIGTERM, _interrupt)
    recorder.record(RunStarted(digest=digest(about)))
    code: int = ExitCode.PASS
    rehearsal: Rehearsal | None = None
    try:
        load = LoadDriver(record)
        load.prepare()
        from harness.rehearsal.rehearsal import Rehearsal  # beside Locust, which takes longer to be imported

        rehearsal = Rehearsal(plan, recorder, load)
        rehearsal.set_up()
        rehearsal.perform()
    except Interrupted:
        recorder.record(RunInterrupted())
        code = ExitCode.INTERRUPTED
    except HarnessError as error:
        recorder.record(
            RunFailed(text=f"{error.what}: {error.why}", hint=error.hint, code=int(error.code), matter=error.matter)
        )
        code = error.code
    except Exception as error:  # noqa: BLE001 - our own bug: recorded, so that the run ends unknown and says why
        recorder.record(RunFailed(text=told(error), hint="", code=int(ExitCode.OUR_BUG), matter="harness"))
        traceback.print_exc()
        code = ExitCode.OUR_BUG
    finally:
        # Not SIG_IGN: the system's own `stop` would inherit that, and could not end what it starts by SIGTERM.
        signal.signal(signal.SIGTERM, lambda *_: None)
        if rehearsal is not None:
            for problem in rehearsal.tear_down():
                recorder.record(Warned(text=problem))
    if code == ExitCode.PASS:
        recorder.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
