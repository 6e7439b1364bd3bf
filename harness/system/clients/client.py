"""What a client of the user's own is: the few things that the harness asks of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Literal

Outcome = Literal["acknowledged", "refused", "indeterminate"]


class Client:
    """One connection to the service. Each is used by one thread at a time; after an error it is closed, and a new one
    made. ``url`` is [service] url, filled in."""

    def __init__(self, url: str = "") -> None:
        self.url = url

    def ready(self) -> bool:
        """Whether the service can serve now. An error means no."""
        raise NotImplementedError

    def version(self) -> str:
        """The version that answers."""
        raise NotImplementedError

    def write(self, token: str, payload: str) -> Outcome:
        """Store it. ``acknowledged``: the service said that it is stored for good; ``refused``: that it is not;
        ``indeterminate``, or an error: neither. See ``acknowledging``."""
        raise NotImplementedError

    def read(self) -> None:
        """One read, such as users make; an error if it is not answered well."""
        raise NotImplementedError

    def read_all(self) -> Iterable[tuple[str, str | None]]:
        """Token and payload of every write that is stored; None for a payload that entries do not show."""
        raise NotImplementedError

    def close(self) -> None:
        """Nobody uses it any more."""


def acknowledging(*refused: type[Exception]) -> Callable[[Callable[..., Any]], Callable[..., Outcome]]:
    """For a `write` that returns once it is stored, and else raises: ``refused`` are the errors by which the service
    says that it carried nothing out; after any other nobody knows."""

    def decorate(write: Callable[..., Any]) -> Callable[..., Outcome]:
        @wraps(write)
        def told(*arguments: Any, **more: Any) -> Outcome:
            try:
                write(*arguments, **more)
            except refused:
                return "refused"
            return "acknowledged"

        return told

    return decorate
