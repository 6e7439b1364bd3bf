"""What the service does to its tables: each function is one query or one change on a given connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

# Version 2 has regions and no kinds any more. Their column stays for version 1, while somebody may roll back to it.
COLUMNS = {
    False: "id, source, target, kind, status, payload, token, amount",
    True: "id, source, target, region, status, payload, token, amount",
}
ACCOUNTS = 100


class Conflict(Exception):
    """A token was used again for something else."""


def register(connection: sqlite3.Connection, token: str, kind: str, payload: str) -> int | None:
    """Give the write its place in the one global sequence; None when this very write was already applied."""
    row = connection.execute("SELECT kind, payload FROM writes WHERE token = ?", (token,)).fetchone()
    if row is None:
        return connection.execute(
            "INSERT INTO writes (token, kind, payload) VALUES (?, ?, ?)", (token, kind, payload)
        ).lastrowid
    if row != (kind, payload):
        raise Conflict(f"token {token} was used for another {row[0]}")
    return None


def create(connection: sqlite3.Connection, body: Mapping[str, Any], with_region: bool) -> tuple[int, Row]:
    token, payload = body["token"], body["payload"]
    number = register(connection, token, "create", payload)
    if number is not None:
        source = str(body.get("source", "n0"))
        names = ["number", "source", "target", "payload", "token", "amount", "region" if with_region else "kind"]
        values = [number, source, str(body.get("target", "n1")), payload, token, int(body.get("amount", 0))]
        values.append(region(source) if with_region else str(body.get("kind", "link")))
        marks = ", ".join("?" * len(names))
        connection.execute(f"INSERT INTO relationships ({', '.join(names)}) VALUES ({marks})", values)
    row = by_token(connection, token, with_region)
    assert row is not None
    return (201 if number is not None else 200), row


def validate(
    connection: sqlite3.Connection, subject: str, body: Mapping[str, Any], with_region: bool
) -> tuple[int, Row]:
    """PENDING -> VALIDATED, with the statement kept in its own row.

    A statement about a relationship this database does not have is kept too: after a restore, clients still hold
    tokens of relationships the restore took away.
    """
    token, payload = body["token"], body["payload"]
    number = register(connection, token, "validate", payload)
    if number is not None:
        connection.execute("UPDATE relationships SET status = 'VALIDATED' WHERE token = ?", (subject,))
        connection.execute(
            "INSERT INTO validations (number, subject, payload, token) VALUES (?, ?, ?, ?)",
            (number, subject, payload, token),
        )
    row = by_token(connection, subject, with_region)
    return (201 if number is not None else 200), {"token": token, "status": row["status"] if row else "UNKNOWN"}


def transfer(connection: sqlite3.Connection, body: Mapping[str, Any]) -> tuple[int, Row]:
    """Move an amount between two accounts: three rows that stand or fall together."""
    token, payload, amount = body["token"], body["payload"], 1 + int(body.get("amount", 1)) % 50
    number = register(connection, token, "transfer", payload)
    if number is not None:
        giver = 1 + int(body.get("from", 0)) % ACCOUNTS
        taker = 1 + int(body.get("to", 1)) % ACCOUNTS
        if taker == giver:
            taker = 1 + taker % ACCOUNTS
        connection.execute("UPDATE accounts SET balance = balance - ? WHERE id = ?", (amount, giver))
        connection.execute("UPDATE accounts SET balance = balance + ? WHERE id = ?", (amount, taker))
        connection.execute(
            "INSERT INTO transfers (number, giver, taker, amount, payload, token) VALUES (?, ?, ?, ?, ?, ?)",
            (number, giver, taker, amount, payload, token),
        )
    return (201 if number is not None else 200), {"token": token, "amount": amount}


def by_token(connection: sqlite3.Connection, token: str, with_region: bool) -> Row | None:
    sql = f"SELECT {COLUMNS[with_region]} FROM relationships WHERE token = ?"
    return _row(connection.execute(sql, (token,)).fetchone(), with_region)


def by_number(connection: sqlite3.Connection, number: int, with_region: bool) -> Row | None:
    """Some existing relationship, chosen by any number: what a client without a token can ask for."""
    last = connection.execute("SELECT max(id) FROM relationships").fetchone()[0] or 1
    sql = f"SELECT {COLUMNS[with_region]} FROM relationships WHERE id >= ? ORDER BY id LIMIT 1"
    return _row(connection.execute(sql, (1 + number % last,)).fetchone(), with_region)


def search(connection: sqlite3.Connection, source: str, limit: int, with_region: bool) -> list[Row]:
    sql = f"SELECT {COLUMNS[with_region]} FROM relationships WHERE source = ? ORDER BY id DESC LIMIT ?"
    values: tuple[object, ...] = (source, limit)
    if with_region:
        sql = sql.replace("WHERE", "WHERE region = ? AND")
        values = (region(source), *values)
    return [row for found in connection.execute(sql, values) if (row := _row(found, with_region))]


def joined(connection: sqlite3.Connection, source: str, limit: int) -> list[Row]:
    """Two hops from ``source``."""
    sql = """SELECT a.target, b.target, a.status, b.status FROM relationships a
             JOIN relationships b ON b.source = a.target WHERE a.source = ? LIMIT ?"""
    rows = connection.execute(sql, (source, limit))
    return [{"via": via, "target": target, "status": [one, two]} for via, target, one, two in rows]


def validated(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM relationships WHERE status = 'VALIDATED'").fetchone()[0])


def report(connection: sqlite3.Connection, part: int, parts: int) -> Row:
    sql = "SELECT count(*), coalesce(sum(amount), 0) FROM (SELECT amount FROM relationships WHERE id % ? = ? LIMIT 500)"
    rows, amount = connection.execute(sql, (parts, part)).fetchone()
    return {"part": part, "rows": rows, "amount": amount}


def read_back(connection: sqlite3.Connection, after: int, limit: int, with_integrity: bool, with_region: bool) -> Row:
    """A page of every write ever applied, in the global sequence, each with the payload of its own row.

    A write whose own row is missing shows a null payload: the sequence and the rows contradict each other.
    """
    sql = """SELECT w.number, w.token, w.kind, coalesce(r.payload, v.payload, t.payload) FROM writes w
             LEFT JOIN relationships r ON w.kind = 'create' AND r.number = w.number
             LEFT JOIN validations v ON w.kind = 'validate' AND v.number = w.number
             LEFT JOIN transfers t ON w.kind = 'transfer' AND t.number = w.number
             WHERE w.number > ? ORDER BY w.number LIMIT ?"""
    rows = connection.execute(sql, (after, limit)).fetchall()
    names = ("number", "token", "kind", "payload")
    last = len(rows) < limit
    totals: Row = {"balance_sum": connection.execute("SELECT sum(balance) FROM accounts").fetchone()[0]}
    if last:  # what a version cannot find: one that searches by region misses a row without
        sql = "SELECT count(*) FROM relationships WHERE region IS NULL"
        totals["not_searchable"] = connection.execute(sql).fetchone()[0] if with_region else 0
    if last and with_integrity:
        totals["integrity"] = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return {
        "items": [dict(zip(names, row, strict=True)) for row in rows],
        "next": None if last else rows[-1][0],
        "totals": totals,
    }


def schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def pulse(connection: sqlite3.Connection) -> None:
    """A real write, so that /health knows whether writing works."""
    connection.execute("UPDATE pulse SET beats = beats + 1 WHERE id = 1")


def touch(connection: sqlite3.Connection) -> int:
    """A real read of the table that matters."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM relationships").fetchone()[0])


def region(source: str) -> str:
    """What version 2 derives from a source: must equal the migration's own expression."""
    return source[:2]


def _row(row: tuple[Any, ...] | None, with_region: bool) -> Row | None:
    return None if row is None else dict(zip(COLUMNS[with_region].split(", "), row, strict=True))
