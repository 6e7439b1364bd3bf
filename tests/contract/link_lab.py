"""A link with a real cable, a real Toxiproxy and a sink behind it, for tests: run in a network namespace of its own by
``python -m tests.contract.link_lab FAULT`` (or a share of the bytes); prints what it saw as JSON."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.errors import HarnessError
from harness.faults import toxics
from harness.faults.partition import Partition
from harness.faults.support.byte_mark import ByteMark
from harness.host import commands
from harness.links.cable import CONTROL, Cable, FarSide
from harness.links.link import PROXY_PORT, Link
from harness.links.toxiproxy import ToxiproxyApi
from harness.links.toxiproxy_server import find_server

UPLOAD = 8_000_000
FAULTS: dict[str, Any] = {
    "partition-both": Partition("store", "both"),
    "partition-out": Partition("store", "out"),
    "partition-in": Partition("store", "in"),
    "stalled_peer": toxics.StalledPeer("store"),
    "reset": toxics.Reset("store"),
    "down": toxics.Down("store"),
    "slow_drip": toxics.SlowDrip("store", 50),
    "cut_at": toxics.CutAt("store", 0.5),
}


class Lab:
    """The far side holds a sink that counts what it was sent and answers the total when the sender is done."""

    def __init__(self, folder: Path) -> None:
        commands.check(["ip", "link", "set", "lo", "up"])
        self.far = FarSide(folder / "far.log")
        server = find_server()
        assert server
        self.far.spawn([str(server), "-host", CONTROL.far], {**os.environ}, folder / "toxiproxy.log")
        api = ToxiproxyApi(CONTROL.far, 8474)
        api.wait_ready(10)
        self.arrived = 0  # bytes of the longest connection the sink saw
        with self.far.entered():
            self._sink = socket.create_server(("127.0.0.1", 9000))
        threading.Thread(target=self._serve, daemon=True).start()
        cable = self.far.lay(Cable(1))
        api.create("store", f"{cable.far}:{PROXY_PORT}", "127.0.0.1:9000")
        self.link = Link("store", "127.0.0.1:9000", cable, self.far, api)
        self.system = SimpleNamespace(
            link=lambda name: self.link, files=SimpleNamespace(newest_backup_bytes=lambda: UPLOAD)
        )

    def _serve(self) -> None:
        while True:
            connection, _ = self._sink.accept()
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        got = 0
        with connection:
            try:
                while data := connection.recv(65536):
                    got += len(data)
                    self.arrived = max(self.arrived, got)
                    if got >= UPLOAD:
                        connection.sendall(b"done")
            except OSError:
                pass

    def upload(self, limit_s: float = 2.0, size: int = UPLOAD) -> str:
        """As a kit does it, each wait limited: how it ended."""
        try:
            with socket.create_connection((self.link.cable.far, PROXY_PORT), limit_s) as s:
                for _ in range(size // 100_000):
                    s.sendall(b"x" * 100_000)
                if size < UPLOAD:
                    return "hung up"
                return "done" if s.recv(4) == b"done" else "closed"
        except OSError as error:
            return type(error).__name__


def contract(lab: Lab, fault: Any) -> dict[str, Any]:
    """inject -> bites -> undo -> does not; undo twice is fine."""
    seen: dict[str, Any] = {"before": lab.upload()}
    undo: list[Callable[[], None]] = []
    began = time.monotonic()
    injection = fault.inject(lab.system, "backup-1", undo.append)
    evidence = injection.confirm()
    seen |= {"applied": evidence.applied, "said": evidence.said, "during": lab.upload(), "lost": injection.lost_early()}
    seen["sockets"] = injection.watch.said
    seen["healed_while_in"] = injection.reverted() if fault.name != "partition" else False
    for action in [*reversed(undo), *reversed(undo)]:
        action()
    seen |= {"felt": injection.observed_by(""), "healed": injection.reverted(), "after": lab.upload()}
    seen |= {"lost_after": injection.lost_early(), "applied_after": injection.confirm().applied}
    return {**seen, "seconds": round(time.monotonic() - began, 2)}


def evidence(lab: Lab, fault: Any) -> dict[str, Any]:
    """What the kernel says of a connection that was there before the fault, after trying to send everything on it."""
    undo: list[Callable[[], None]] = []
    with socket.create_connection((lab.link.cable.far, PROXY_PORT), 2.0) as s:
        s.sendall(b"x" * 5000)
        time.sleep(0.2)
        local = "{}:{}".format(*s.getsockname())
        (before,) = [one for one in lab.link.sockets() if one.local == local]
        arrived = lab.arrived
        injection = fault.inject(lab.system, "backup-1", undo.append)
        sent, end = 0, time.monotonic() + 1.5
        s.setblocking(False)
        while sent < UPLOAD and time.monotonic() < end:
            try:
                sent += s.send(b"x" * min(100_000, UPLOAD - sent))
            except BlockingIOError:
                time.sleep(0.01)
        time.sleep(1.0)
        (now,) = [one for one in lab.link.sockets() if one.local == local]
        seen = {
            "connect": lab.link.probe_connect().result,
            "sent_all": sent == UPLOAD,
            "queued": now.queued,
            "unacked": now.unacked,
            "acked": now.acked,
            "acked_before": before.acked,
            "retransmits": now.retransmits,
            "arrived_before": arrived,
            "arrived": lab.arrived,
            "felt": injection.observed_by(""),
        }
        for action in reversed(undo):
            action()
    return seen


def at_share(lab: Lab, share: float, short: bool) -> dict[str, Any]:
    """A partition that lands at a share of the upload's bytes and is healed after a second; ``short``: the upload ends
    at half of them."""
    fault, undo = FAULTS["partition-both"], []
    seen: dict[str, Any] = {}
    clock = time.monotonic()

    def land() -> None:
        injection = fault.inject(lab.system, "backup-1", undo.append)
        seen["landing"] = mark.landing().said
        seen["share"] = mark.landing().share
        seen["exact"] = mark.landing().exact
        seen["applied"] = injection.confirm().applied
        seen["cut_s"] = time.monotonic() - clock
        threading.Timer(1.0, heal).start()

    def heal() -> None:
        seen["heal_s"] = time.monotonic() - clock
        for action in reversed(undo):
            action()
        seen["healed_s"] = time.monotonic() - clock

    mark = ByteMark(lab.link, UPLOAD, share, land)
    mark.start()
    seen["upload"] = lab.upload(8.0, UPLOAD // 2 if short else UPLOAD)
    seen["upload_s"] = time.monotonic() - clock
    mark.stop()
    mark.join()
    seen["problem"] = mark.problem
    seen["slowed"] = " tbf " in commands.check(["tc", "qdisc", "show", "dev", lab.link.cable.near_name])
    return seen


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        what, _, more = sys.argv[1].partition(":")
        try:
            if what == "evidence":
                seen = evidence(lab, FAULTS[more])
            elif what in FAULTS:
                seen = contract(lab, FAULTS[what])
            else:
                seen = at_share(lab, float(what), short=more == "short")
        except HarnessError as error:
            seen = {"error": str(error)}
        print(json.dumps(seen), flush=True)
        os._exit(0)  # the namespaces, and all that is in them, go with us


if __name__ == "__main__":
    main()
