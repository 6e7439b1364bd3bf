"""The teardown of a stage: the registered actions, the last one first."""

from __future__ import annotations

from collections.abc import Callable


class Teardown:
    """Code that sets something up registers its undoing first, so that ``run`` is safe at any point."""

    def __init__(self) -> None:
        self._undo: list[tuple[str, Callable[[], object]]] = []

    def register(self, what: str, action: Callable[[], object]) -> None:
        """Have ``run`` call ``action``, before all that was registered earlier. ``what`` names it in a problem."""
        self._undo.append((what, action))

    def run(self) -> list[str]:
        """Call every action, the last one first; what failed, as texts."""
        problems: list[str] = []
        while self._undo:
            what, action = self._undo.pop()
            try:
                action()
            except Exception as error:  # noqa: BLE001 - every action is tried, and every failure is returned
                problems.append(f"{what}: {error}")
        return problems
