"""The findings of a run in the order in which a person reads them: by whose matter they are, each below its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.documents.result import finding_of

Document = Mapping[str, Any]
_RANK = {"fail": 0, "unknown": 1, "note": 2, "pass": 3}
# Whose matter a finding is that is not the system's, in words.
MATTERS: Mapping[str, str] = {"plan": "the plan", "load": "the load", "host": "the machine", "harness": "the harness"}


@dataclass(frozen=True, slots=True)
class Block:
    """Findings that say the same (code, title, what to try) for the same cause; ``indices`` are their places in the
    document. ``depth``: how many causes stand above. ``fault``: no findings, but the fault (its place) that those
    below are due to."""

    indices: tuple[int, ...]
    depth: int
    fault: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What did not pass of the system (``matters`` is empty), or of all else."""

    matters: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def heading(self) -> str:
        """Empty for the system's own."""
        return not_the_system(self.matters)


def not_the_system(matters: Sequence[str]) -> str:
    """Says so, and whose it is; empty where it is the system's."""
    return f"Not the system: {', '.join(MATTERS[m] for m in matters)}" if matters else ""


def by_severity(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indices, failing first, then unknown, of these the system's own first, else in their order."""
    return sorted(range(len(rows)), key=lambda i: (_RANK[rows[i]["outcome"]], rows[i].get("matter") in MATTERS, i))


def passed(document: Document) -> list[int]:
    """The places of the findings that passed."""
    return [i for i, f in enumerate(document["findings"]) if f["outcome"] == "pass"]


def groups(document: Document) -> list[Group]:
    """What did not pass: first what is the system's, then what is not."""
    tree = _Tree(document)
    found = [Group(tree.matters(ours), tuple(tree.blocks(ours))) for ours in (True, False)]
    return [group for group in found if group.blocks]


def first(document: Document) -> int | None:
    """The finding that a headline names: the first to be read that has the outcome of the run."""
    read = (i for group in groups(document) for block in group.blocks for i in block.indices)
    return next((i for i in read if document["findings"][i]["outcome"] == document["outcome"]), None)


class _Tree:
    """What did not pass, each finding with the one that caused it."""

    def __init__(self, document: Document) -> None:
        self._findings: Sequence[Mapping[str, Any]] = document["findings"]
        self._faults = {fault["id"]: place for place, fault in enumerate(document["faults"])}
        self._bad = [i for i, f in enumerate(self._findings) if f["outcome"] != "pass"]
        self._of_fault = {
            f["subject"]["id"]: i for i in reversed(self._bad) if (f := self._findings[i])["subject"]["kind"] == "fault"
        }
        self._ids = {finding_of(self._findings[i]).id: i for i in reversed(self._bad)}
        self._cause: dict[int, int] = {}
        for i in self._bad:
            self._find_cause(i)
        self._ours = {i: self._is_ours(i) for i in self._bad}
        for i in self._bad:
            # A failure of the system is never shown as somebody else's, whatever it followed.
            if self._findings[i]["outcome"] == "fail" and not self._ours[i]:
                self._cause.pop(i, None)
                self._ours = {k: self._is_ours(k) for k in self._bad}
        # By the worst of a finding and of what follows from it, then by its place.
        self._urgency = {i: (_RANK[self._findings[i]["outcome"]], i) for i in self._bad}
        for i in self._bad:
            for cause in self._above(i):
                self._urgency[cause] = min(self._urgency[cause], (_RANK[self._findings[i]["outcome"]], cause))

    def _find_cause(self, i: int) -> None:
        for name in self._findings[i]["because"]:
            cause = self._ids.get(name, self._of_fault.get(name))
            if cause is not None and i not in self._above(cause):
                self._cause[i] = cause
                return

    def _above(self, i: int | None) -> Iterator[int]:
        """A finding, its cause, and so on."""
        while i is not None:
            yield i
            i = self._cause.get(i)

    def _is_ours(self, i: int) -> bool:
        *_, root = self._above(i)
        return bool(self._findings[root]["matter"] not in MATTERS)

    def matters(self, ours: bool) -> tuple[str, ...]:
        there = {self._findings[i]["matter"] for i in self._bad if self._ours[i] == ours}
        return () if ours else tuple(m for m in MATTERS if m in there)

    def blocks(self, ours: bool) -> Iterator[Block]:
        roots = [i for i in self._bad if i not in self._cause and self._ours[i] == ours]
        of: dict[int | None, list[int]] = {}
        for i in roots:
            of.setdefault(self._fault(i), []).append(i)
        chunks: list[tuple[int | None, list[int]]] = [(None, same) for same in self._alike(of.pop(None, []))]
        chunks += of.items()
        for fault, those in sorted(chunks, key=lambda chunk: min(map(self._urgency.__getitem__, chunk[1]))):
            if fault is None:
                yield from self._block(those, 0)
            else:
                yield Block((), 0, fault)
                for same in self._alike(those):
                    yield from self._block(same, 1)

    def _fault(self, i: int) -> int | None:
        """The fault that a finding is due to, unless it is about that very fault."""
        f = self._findings[i]
        about = f["subject"]["id"] if f["subject"]["kind"] == "fault" else ""
        return next((self._faults[name] for name in f["because"] if name in self._faults and name != about), None)

    def _block(self, same: Sequence[int], depth: int) -> Iterator[Block]:
        yield Block(tuple(same), depth)
        below = [i for i in self._bad if self._cause.get(i) in same]
        for alike in self._alike(below):
            yield from self._block(alike, depth + 1)

    def _alike(self, indices: Sequence[int]) -> list[list[int]]:
        """Those that say the same together, the most urgent first."""
        found: dict[tuple[str, ...], list[int]] = {}
        for i in sorted(indices, key=self._urgency.__getitem__):
            f = self._findings[i]
            found.setdefault((f["code"], f["title"], f["outcome"], f["hint"]), []).append(i)
        return list(found.values())
