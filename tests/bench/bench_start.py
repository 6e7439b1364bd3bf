"""CPU of commands that judge and run nothing, each as a ratio to that of ``python -c pass`` beside it.

``--against PATH``: the same of another checkout (with its own ``.venv``), in the same rounds, ours and theirs in turn.
Whether bytecode is cached counts for more than the rest: it is said, and is to be the same for both.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
VERBS = ("--help", "list", "explain baseline", "run --jobs none")


def cpu_s(checkout: Path, *words: str) -> float:
    """User and system time of one command of a checkout, and of all it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [str(checkout / ".venv" / "bin" / words[0]), *words[1:]]
    subprocess.run(argv, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spread(values: Sequence[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--against", type=Path, help="another checkout with its .venv")
    against: Path | None = asked.parse_args().against
    checkouts = {"ours": ROOT} | ({"theirs": against.resolve()} if against else {})
    print(
        f"bytecode is {'not written' if os.environ.get('PYTHONDONTWRITEBYTECODE') else 'cached'}; n = {ROUNDS} rounds"
    )
    for words in VERBS:
        took: dict[str, list[float]] = {name: [] for name in checkouts}
        bare: dict[str, list[float]] = {name: [] for name in checkouts}
        for round_ in range(ROUNDS + 1):  # the first one warms up: bytecode, page cache
            for name, checkout in checkouts.items():
                bare[name].append(cpu_s(checkout, "python", "-c", "pass"))
                took[name].append(cpu_s(checkout, "deploydrill", *words.split()))
            if round_ == 0:
                for values in (*took.values(), *bare.values()):
                    values.clear()
        for name in checkouts:
            ratios = [a / b for a, b in zip(took[name], bare[name], strict=True)]
            each = f"{spread(took[name], '.3f')} s of CPU, {spread(ratios)} x python -c pass"
            print(f"deploydrill {words:18} {name:6} {each}")
        if against:
            ratios = [a / b for a, b in zip(took["ours"], took["theirs"], strict=True)]
            print(f"deploydrill {words:18} ours / theirs, round by round: {spread(ratios)}")


if __name__ == "__main__":
    main()
