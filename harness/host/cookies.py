"""The cookies of one client, as far as a client of one service needs them: names and values until they run out."""

from __future__ import annotations

from collections.abc import Iterable


class Cookies(dict[str, str]):
    """Name -> value. Never changed, for several threads may read it."""

    def with_(self, lines: Iterable[str]) -> Cookies:
        """And those of an answer: each line is a Set-Cookie header. One that has run out takes its cookie back."""
        kept = Cookies(self)
        for line in lines:
            pair, *attributes = line.split(";")
            name, _, value = pair.partition("=")
            over = any(a.strip().lower().replace(" ", "") in ("max-age=0", "max-age=-1") for a in attributes)
            if over or not value.strip():
                kept.pop(name.strip(), None)
            else:
                kept[name.strip()] = value.strip()
        return kept

    @property
    def header(self) -> str:
        """What a request says of them; empty for none."""
        return "; ".join(f"{name}={value}" for name, value in self.items())
