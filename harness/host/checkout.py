"""Where the project's own files lie: in a checkout, or among the installed packages."""

from __future__ import annotations

from pathlib import Path

# The folder that ``harness`` and ``scenarios`` are imported from.
ROOT = Path(__file__).resolve().parents[2]
IS_CHECKOUT = (ROOT / "pyproject.toml").is_file()
BUNDLED = ROOT / "harness" / "bundled"
DOCS = ROOT / "harness" / "docs"
# Beside the checkout's own files; where the package is installed, below the folder the command is called in.
REPORTS = ROOT / "reports" if IS_CHECKOUT else Path("reports")
# What builds the tools that the harness needs and Python packages do not bring.
TOOLS = ROOT / ".tools"
