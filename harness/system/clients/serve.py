"""The program that serves a client of the user's own in Python: ``python -m harness.system.clients.serve FILE URL``.

It answers questions on its standard input, a JSON line each, on its standard output; what the client itself prints goes
to its standard error.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from harness.host.clock import Deadline, mono_ns
from harness.model import NS
from harness.system.clients.client import Client

AT_ONCE = 64
# So many entries of a read-back go into a line.
_ENTRIES = 1000
_SAID_CHARS = 300
# A question that does not say how long it may take may take as long as a read-back.
_UNSAID_S = 60.0
# So often all connections may be given up for the sake of one.
_ALL_AGAIN_NS = 2 * NS
_OF_OURS = ("ready", "version", "read_all")


def client_in(file: Path) -> type[Client]:
    """The one subclass of Client that a file defines. ImportError where there is none, or more than one."""
    spec = importlib.util.spec_from_file_location("client_of_the_user", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    spec.loader.exec_module(module)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Client) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise ImportError(f"{file} defines {len(own)} subclasses of harness.Client, and has to define one")
    return own[0]


class Service:
    """Answers questions, each in a thread that has a client of its own."""

    def __init__(self, make: type[Client], url: str, sink: BinaryIO) -> None:
        self._make = make
        self._url = url
        self._sink = sink
        self._lock = threading.Lock()
        self._own = threading.local()
        self._failed_ns = 0

    def answer(self, asked: Mapping[str, Any], deadline: Deadline) -> None:
        if deadline.passed:  # it had to wait for a thread, and nobody waits for it any more
            return
        kept = self._kept
        try:
            for told in self._told(asked):
                self._say(asked, **told)
        except Exception as error:  # noqa: BLE001 - whatever a client of the user's raises, it is the answer
            self._give_up(kept)
            self._say(asked, error=f"{type(error).__name__}: {error}"[:_SAID_CHARS])

    def _told(self, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What the harness asks for itself is asked again by a new client, where one that was connected before fails:
        the service may have been started anew since. What stands for a user's request is not."""
        began_ns = mono_ns()
        answers, made_ns = _told(self._client(), asked), self._own.made_ns
        try:
            first = next(answers)
        except Exception:
            if made_ns >= began_ns or asked["do"] not in _OF_OURS:
                raise
            self._give_up(kept=True)
            answers = _told(self._client(), asked)
            first = next(answers)
        yield first
        yield from answers

    def _client(self) -> Client:
        if self._kept and self._own.made_ns < self._failed_ns:  # what another met since then, it would meet, too
            self._drop()
        if not self._kept:
            self._own.made_ns, self._own.client = mono_ns(), self._make(self._url)
        client: Client = self._own.client
        return client

    def _give_up(self, kept: bool) -> None:
        """The client of this thread; and where it was connected before, once in a while, all others that were: an error
        may as well be the service's word on one request."""
        if kept and mono_ns() - self._failed_ns > _ALL_AGAIN_NS:
            self._failed_ns = mono_ns()
        self._drop()

    @property
    def _kept(self) -> bool:
        return getattr(self._own, "client", None) is not None

    def _drop(self) -> None:
        client, self._own.client = getattr(self._own, "client", None), None
        if client is not None:
            try:
                client.close()
            except Exception:  # noqa: BLE001 - it is given up anyway
                pass

    def _say(self, asked: Mapping[str, Any], **told: Any) -> None:
        with self._lock:
            self._sink.write(json.dumps({"id": asked["id"], **told}).encode() + b"\n")
            self._sink.flush()


def _told(client: Client, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match asked["do"]:
        case "ready":
            yield {"ok": bool(client.ready())}
        case "version":
            yield {"version": str(client.version())}
        case "write":
            yield {"outcome": client.write(asked["token"], asked["payload"])}
        case "read":
            client.read()
            yield {"ok": True}
        case "read_all":
            entries = iter(client.read_all())
            while some := list(islice(entries, _ENTRIES)):
                yield {"entries": some}
            yield {"done": True}
        case other:
            raise ValueError(f"nobody knows what {other!r} is")


def main() -> None:
    file, url = Path(sys.argv[1]), sys.argv[2]
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the client prints is no answer
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    service = Service(client_in(file), url, sink)
    with ThreadPoolExecutor(AT_ONCE) as pool, os.fdopen(0, "rb") as source:
        for line in source:
            asked = json.loads(line)
            pool.submit(service.answer, asked, Deadline(asked.get("within_s", _UNSAID_S), asked["do"]))
        os._exit(0)  # threads that hang in the user's client would keep it


if __name__ == "__main__":
    main()
