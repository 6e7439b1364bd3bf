"""What an error says, and where: the line of the file of the user's that raised it, for code that is not ours."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_LIBRARIES = tuple({str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix)})


def told(error: BaseException) -> str:
    """``AttributeError: ... (mine.py:34)``: the last line that is neither ours nor a library's, where there is one."""
    place = _place(error)
    return f"{type(error).__name__}: {error}" + (f" ({place})" if place else "")


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return ""  # it names file and line itself
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        ours = file.is_relative_to(_PACKAGE) or str(file).startswith(_LIBRARIES) or frame.filename.startswith("<")
        if not ours:
            return f"{file.name}:{frame.lineno}"
    return ""
