"""The rows of a review that a system's findings and claims answer, as its own rows.toml has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.config.reader import parse
from harness.config.suggest import did_you_mean
from harness.config.toml.shapes import Named, Span, TextsByName
from harness.config.toml.table import Table
from harness.config.toml.value import REQUIRED
from harness.model import Claim

FILE = "rows.toml"
_ROW = Named(r"R\d{1,4}", "R and a number")


def read_rows(folder: Path, claims: Sequence[Claim]) -> dict[str, Any]:
    """Plain values: ``codes`` (finding code -> rows), ``claims`` (key of a claim -> ``row``, and ``claimed_s`` and
    ``realistic_s`` where the review gives seconds from and to), ``total`` (the same of one deployment as a whole, with
    a ``note``). Empty where the system's folder has no rows.toml. HarnessError for what it should not hold."""
    file = folder / FILE
    if not file.is_file():
        return {}
    top = Table(parse(file), "", file)
    codes: dict[str, list[str]] = {}
    for row, answered in TextsByName().read(top, "rows", {}).items():
        for code in answered:
            codes.setdefault(code, []).append(row)
    made = [claim.key for claim in claims]
    by_claim: dict[str, dict[str, Any]] = {}
    for key, table in top.tables("claims").items():
        if key not in made:
            top.fail(f"claims.{key}", "this system claims no such thing", did_you_mean(key, made))
        by_claim[key] = {"row": _ROW.read(table, "row", REQUIRED), **(_ranges(table) if "realistic_s" in table else {})}
        table.end()
    total = top.table("total")
    whole = {"row": _ROW.read(total, "row", REQUIRED), **_ranges(total), "note": total.at("note").text().strip()}
    total.end()
    top.end()
    return {"codes": codes, "claims": by_claim, "total": whole}


def _ranges(table: Table) -> dict[str, list[float]]:
    return {key: list(Span().read(table, key, REQUIRED)) for key in ("claimed_s", "realistic_s")}
