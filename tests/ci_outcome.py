"""What continuous integration makes of a campaign: ``python -m tests.ci_outcome FOLDER``. Exits 0 for a pass, and for
an unknown whose only cause is that the harness was late on a busy machine, in at most ``MOST`` cells; else 1 (3: any
other unknown). make ends with 2 whether a rehearsal failed or is unknown, so campaign.json is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lateness import late_alone

MOST = 5
_PASS, _FAIL, _UNKNOWN = 0, 1, 3


def judged(folder: Path) -> tuple[int, list[str]]:
    """The exit code for the campaign in ``folder``, and the lines that say why."""
    try:
        campaign: Mapping[str, Any] = json.loads((folder / "campaign.json").read_text())
        outcome, not_run, runs = campaign["outcome"], campaign["not_run"], campaign["runs"]
        results = {run["path"]: json.loads((folder / run["path"] / "result.json").read_text()) for run in runs}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _UNKNOWN, [f"ci: the campaign in {folder} cannot be read: {type(error).__name__}: {error}"]
    if outcome == "pass":
        return _PASS, [f"ci: outcome=pass, {len(runs)} cells"]
    if outcome != "unknown":
        return _FAIL, [f"ci: outcome={outcome}, see {folder}/report.md"]
    return _of_unknown({path: late_alone(r) for path, r in results.items() if r["outcome"] != "pass"}, not_run)


def _of_unknown(late: Mapping[str, str], not_run: Sequence[str]) -> tuple[int, list[str]]:
    """``late``: of each cell that is no pass, why it is unknown if the harness was late, else empty."""
    lines = [f"ci: late: {path}: {why}" for path, why in late.items() if why]
    lines += [f"ci: unknown for another reason: {path}" for path, why in late.items() if not why]
    lines += [f"ci: never begun: {cell}" for cell in not_run]
    if not late or not all(late.values()) or not_run:
        return _UNKNOWN, [*lines, "ci: outcome=unknown"]
    if len(late) > MOST:
        return _UNKNOWN, [*lines, f"ci: outcome=unknown: late in {len(late)} cells, and at most {MOST} may be"]
    return _PASS, [*lines, f"ci: unknown in {len(late)} cells only because the machine was busy, which is accepted"]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.ci_outcome FOLDER", file=sys.stderr)
        return 64
    code, lines = judged(Path(arguments[0]))
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
