"""The prober's talk with the program of a client of the user's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from harness.system.clients.talk import GONE, ClientGone


class ProgramTalk:
    """With one program; connected when it is first asked, and again once it has ended."""

    def __init__(self, door: str) -> None:
        self._door = door
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, do: str, within_s: float, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """One line of answer, which is of no use after ``within_s``. OSError where there is nobody, ClientGone once
        there is nobody any more."""
        writer, number = await self._connected(), next(self._numbers)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            writer.write(json.dumps({"id": number, "do": do, "within_s": within_s, **told}).encode() + b"\n")
            return await answer
        finally:
            self._answers.pop(number, None)

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None:
                reader, self._writer = await asyncio.open_unix_connection(self._door)
                self._reading = asyncio.create_task(self._read(reader))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(line)
        except (OSError, ValueError):
            pass  # the same as its end
        self._writer = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ClientGone(GONE))

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            answer = self._answers.get(int(told["id"]))
        except (ValueError, KeyError, TypeError):
            return  # no answer of the documented form is none
        if answer is not None and not answer.done():
            answer.set_result(told)
