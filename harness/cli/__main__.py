"""``python -m harness.cli``: the command, for who has the interpreter and no script on PATH."""

from __future__ import annotations

from harness.cli.main import main

main()
