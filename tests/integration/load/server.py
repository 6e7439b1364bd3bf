"""A tiny real HTTP server in a process of its own, whose outages are planted to order and dated by itself."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time

NS = 1_000_000_000


class Service:
    """Answers GET and POST with 200. ``mode``: ok, 503, refuse (no listener, no connections), drop (reads, then
    closes every second request unanswered), truncate (half an answer), polite (200, and an error page)."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.port = 0
        self.received = 0
        self.delay_s = 0.0
        self.writers: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server | None = None

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, reuse_address=True, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        assert self.server
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                at = head.find(b"content-length:")
                if at >= 0:
                    await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]))
                self.received += 1
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.mode == "drop" and self.received % 2:
                    break
                close = b"connection: close" in head
                status = b"503 Unavailable" if self.mode == "503" else b"200 OK"
                answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 13\r\n"
                body = b'{"sorry": 1}\n' if self.mode == "polite" else b'{"ok": true}\n'
                answer += (b"Connection: close\r\n" if close else b"") + b"\r\n" + body
                writer.write(answer[:-6] if self.mode == "truncate" else answer)
                if close or self.mode == "truncate":
                    await writer.drain()
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def enter(self, mode: str) -> None:
        if self.mode == "refuse" and mode != "refuse":
            await self.listen()
        self.mode = mode
        if mode == "refuse":
            self.refuse()

    async def obey(self, line: str) -> object:
        verb, *words = line.split()
        if verb == "mode":
            await self.enter(words[0])
        elif verb == "delay":
            self.delay_s = float(words[0])
        elif verb == "plant":
            await self.enter(words[0])
            start = time.monotonic_ns()
            await asyncio.sleep(float(words[1]))
            await self.enter("ok")
            return [start, time.monotonic_ns()]
        return self.received


async def main() -> None:
    service = Service()
    await service.listen()
    print(service.port, flush=True)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode():
        print(json.dumps(await service.obey(line)), flush=True)


class Server:
    """The handle a test holds."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid = self._process.pid
        self.url = f"http://127.0.0.1:{self._answer()}"

    def _answer(self) -> object:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], 20)
        assert ready, "the test server did not answer"
        return json.loads(self._process.stdout.readline())

    def ask(self, line: str) -> object:
        """``mode M``, ``delay S`` or ``count``: the number of requests it has read."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        return self._answer()

    def count(self) -> int:
        count = self.ask("count")
        assert isinstance(count, int)
        return count

    def plant(self, kind: str, seconds: float) -> tuple[int, int]:
        """An outage of ``kind`` (stall, refuse, 503); (start, stop) in CLOCK_MONOTONIC ns."""
        if kind == "stall":
            os.kill(self.pid, signal.SIGSTOP)
            start = time.monotonic_ns()
            time.sleep(seconds)
            stop = time.monotonic_ns()
            os.kill(self.pid, signal.SIGCONT)
            return start, stop
        times = self.ask(f"plant {kind} {seconds}")
        assert isinstance(times, list)
        return times[0], times[1]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


if __name__ == "__main__":
    asyncio.run(main())
