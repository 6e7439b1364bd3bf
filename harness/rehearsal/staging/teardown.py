"""What the stage of a run has to undo, the last first."""

from __future__ import annotations

from collections.abc import Callable


class Teardown:
    """Whoever sets something up registers its undoing first; ``run`` is safe at any point."""

    def __init__(self) -> None:
        self._undo: list[tuple[str, Callable[[], object]]] = []

    def later(self, what: str, action: Callable[[], object]) -> None:
        """Register what ``run`` does, in reverse order."""
        self._undo.append((what, action))

    def run(self) -> list[str]:
        """Undo everything, the last first; what went wrong on the way, in words."""
        problems: list[str] = []
        while self._undo:
            what, action = self._undo.pop()
            try:
                action()
            except Exception as error:  # noqa: BLE001 - every step gets its try, and all failures are told
                problems.append(f"{what}: {error}")
        return problems
