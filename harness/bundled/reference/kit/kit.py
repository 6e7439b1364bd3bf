"""The deployment kit: ``kit.py OPERATION``; ``kit.py --help`` lists the operations."""

from __future__ import annotations

import argparse
import errno
import signal
import sqlite3
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import FrameType

import flaws
import lock
from errors import EXIT_FAILED, KitError
from phases import phase
from places import Places

# These say when they have the lock; what they mark after that, they do as its holder.
GATED = ("backup", "deploy", "rollback", "restore")


def main() -> int:
    arguments = parse()
    signal.signal(signal.SIGTERM, terminated)
    try:
        flaws.active()
        places = Places.from_environment()
        places.prepare()
        perform(places, arguments)
    except KitError as error:
        return failed(arguments.operation, str(error), error.code)
    except (sqlite3.Error, OSError) as error:
        return failed(arguments.operation, explained(error), EXIT_FAILED)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kit.py")
    operations = parser.add_subparsers(dest="operation", required=True)
    for name in ("stop", "backup", "rollback", "status"):
        operations.add_parser(name)
    for name in ("start", "deploy"):
        operations.add_parser(name).add_argument("--version", required=True)
    for name in ("validate", "restore"):
        operations.add_parser(name).add_argument("--backup", type=Path)
    operations.add_parser("seed").add_argument("--size", type=int, required=True)
    return parser.parse_args()


def perform(places: Places, arguments: argparse.Namespace) -> None:
    # Imported where needed: a status does not wait for the cipher to load.
    match arguments.operation:
        case "status":
            import installation

            installation.print_status(places)
        case "validate":
            import validate

            validate.run(places, arguments.backup)
        case operation:
            with ExitStack() as stack:
                with phase(f"{operation}.lock") if operation in GATED else nullcontext():
                    fence = stack.enter_context(lock.held(places, operation))
                change(places, arguments, fence)


def change(places: Places, arguments: argparse.Namespace, fence: int) -> None:
    """Perform an operation that changes something; we hold the lock."""
    import catalog

    catalog.clean(places)
    match arguments.operation:
        case "backup":
            import backup

            backup.run(places)
        case "deploy":
            import deploy

            deploy.run(places, arguments.version, fence)
        case "rollback":
            import rollback

            rollback.run(places)
        case "restore":
            import restore

            restore.run(places, arguments.backup, fence)
        case "seed":
            import seed

            seed.run(places, arguments.size)
        case "start":
            import installation

            installation.start(places, arguments.version)
        case "stop":
            import installation

            installation.stop(places)


def terminated(_: int, __: FrameType | None) -> None:
    """Fail like anything else that goes wrong, so that what was begun is undone."""
    raise KitError("terminated")


def explained(error: sqlite3.Error | OSError) -> str:
    full = getattr(error, "errno", None) == errno.ENOSPC or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
    return f"no space left on the disk: {error}" if full else f"{type(error).__name__}: {error}"


def failed(operation: str, why: str, code: int) -> int:
    print(f"{operation}: failed: {why}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
