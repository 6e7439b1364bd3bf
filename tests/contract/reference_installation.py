"""A real installation of the reference system in a directory of its own, for tests: kit, service, Caddy, monitors."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parents[2] / "harness" / "bundled" / "reference"
KIT = REFERENCE / "kit" / "kit.py"
PORTS = 8


def payload_of(token: str) -> str:
    return hashlib.sha256(f"deploydrill:{token}".encode()).hexdigest()[:32]


def free_ports() -> int:
    """The first of PORTS neighbouring ports that nobody uses."""
    for first in random.Random(os.getpid() + time.monotonic_ns()).sample(range(20000, 32000, PORTS), 200):
        sockets = [socket.socket() for _ in range(PORTS)]
        try:
            for number, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + number))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no free ports")


class Phases:
    """Answers the kit's phase marks; ``on[("backup.copy", "start")]`` runs while the kit waits there."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "phases.sock"
        self.on: dict[tuple[str, str], Callable[[], object]] = {}
        self.seen: list[tuple[str, str]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                while line := self._line(connection):
                    mark = json.loads(line)
                    edge = (mark["phase"], mark["event"])
                    self.seen.append(edge)
                    self.on.get(edge, lambda: None)()
                    connection.sendall(b'{"go": true}\n')
        except OSError:
            pass  # the kit was killed while it waited

    @staticmethod
    def _line(connection: socket.socket) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            part = connection.recv(4096)
            if not part:
                return b""
            line += part
        return line


class Installation:
    """``disks``: sizes of tmpfs mounts for ``data`` and ``backup``, in a mount namespace of the installation's own."""

    def __init__(
        self,
        size_bytes: int = 1_000_000,
        disks: Mapping[str, int] | None = None,
        monitors: int = 0,
        monitor_flaws: str = "",
    ) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="kit-"))
        self.port = free_ports()
        self.monitors: list[subprocess.Popen[bytes]] = []
        self._monitor_flaws = monitor_flaws
        self._started: list[subprocess.Popen[str]] = []
        self._inside: list[str] = []
        self._holder: subprocess.Popen[bytes] | None = None
        self._tokens = 0
        self._random = random.Random(self.port)
        self.phases = Phases(self.root)
        try:
            if disks:
                self._mount(disks)
            self.kit("seed", "--size", str(size_bytes))
            self.kit("start", "--version", "1")
            for number in range(monitors):
                self.start_monitor(number)
        except BaseException:
            self.close()
            raise

    # -- the kit -----------------------------------------------------------------------------------------------
    @property
    def env(self) -> dict[str, str]:
        names = [f"http://127.0.0.1:{self.port + 5 + n}/status" for n in range(len(self.monitors))]
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "XDG_CONFIG_HOME": str(self.root / "home"),
            "XDG_DATA_HOME": str(self.root / "home"),
            "KIT_DIR": str(self.root / "sut"),
            "KIT_PORT": str(self.port),
            "KIT_MONITORS": ",".join(names),
            "DEPLOYDRILL_PHASES": str(self.phases.path),
            "DEPLOYDRILL_OPERATION": "test",
            "OFFSITE_KEY_ID": "rehearsal-only",
            "OFFSITE_SECRET": "rehearsal-only-secret",
        }

    def start(self, *argv: str, **env: str) -> subprocess.Popen[str]:
        with (self.root / f"kit-{len(self._started)}.out").open("w") as output:
            command = [*self._inside, sys.executable, str(KIT), *argv]
            process = subprocess.Popen(
                command, env={**self.env, **env}, stdout=output, stderr=output, stdin=subprocess.DEVNULL, text=True
            )
        self._started.append(process)
        return process

    def try_kit(self, *argv: str, **env: str) -> tuple[int, str]:
        """Exit code and output."""
        return self.ended(self.start(*argv, **env))

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and output of a started operation, which may run beside others."""
        code = process.wait(60)
        return code, (self.root / f"kit-{self._started.index(process)}.out").read_text()

    def kit(self, *argv: str, **env: str) -> str:
        code, output = self.try_kit(*argv, **env)
        assert code == 0, output
        return output

    def kill_at(self, phase: str, event: str, *argv: str) -> None:
        """Run an operation and SIGKILL it at one edge."""
        reached = threading.Event()
        hold = threading.Event()
        self.phases.on = {(phase, event): lambda: (reached.set(), hold.wait(30))}
        process = self.start(*argv)
        said = self.root / f"kit-{self._started.index(process)}.out"
        assert reached.wait(30), f"{phase}.{event} was never reached: {said.read_text()}"
        process.kill()
        process.wait()
        hold.set()
        self.phases.on = {}

    def status(self) -> dict[str, Any]:
        return json.loads(self.kit("status").splitlines()[-1])

    # -- the service -------------------------------------------------------------------------------------------
    def ask(self, path: str, method: str = "GET", body: object = None, port: int = 0) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body else None)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text.startswith(b"{") else text
        finally:
            connection.close()

    def write(self, kind: str = "create", token: str = "", subject: str = "") -> tuple[int, str]:
        self._tokens += 1
        token = token or f"t-{self.port}-{self._tokens:06d}"
        body = {
            "token": token,
            "payload": payload_of(token),
            "source": "n1",
            "from": self._tokens,
            "to": 7,
            "amount": 3,
        }
        paths = {"create": ("POST", "/relationships"), "transfer": ("POST", "/transfers")}
        method, path = paths.get(kind, ("PATCH", f"/relationships/{subject}"))
        return self.ask(path, method, body)[0], token

    def read_back(self) -> dict[str, str]:
        """token -> payload of every write there is; the totals must hold."""
        found: dict[str, str] = {}
        after: int | None = 0
        while after is not None:
            status, page = self.ask(f"/readback?after={after}&limit=500&integrity=1")
            assert status == 200, page
            for item in page["items"]:
                assert item["token"] not in found
                found[item["token"]] = item["payload"]
            after = page["next"]
        assert page["totals"] == {"balance_sum": 1_000_000, "not_searchable": 0, "integrity": "ok"}
        return found

    def version(self) -> str:
        return str(self.ask("/version")[1]["version"])

    def path(self, *parts: str) -> Path:
        """A path of the installation, as seen from outside its mount namespace."""
        seen = Path(f"/proc/{self._holder.pid}/root") if self._holder else Path("/")
        return seen / str(self.root / "sut").lstrip("/") / Path(*parts)

    def processes(self) -> list[int]:
        """Processes of the service that run now."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                argv = (entry / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if any(part.endswith("service/app.py") for part in argv) and str(self.root / "sut/data/app.db") in argv:
                found.append(int(entry.name))
        return found

    # -- surroundings ------------------------------------------------------------------------------------------
    def start_monitor(self, number: int) -> None:
        argv = [sys.executable, str(REFERENCE / "monitor.py"), "--port", str(self.port + 5 + number)]
        argv += ["--url", f"http://127.0.0.1:{self.port}", "--interval", "0.1"]
        self.monitors.append(subprocess.Popen(argv, env={**os.environ, "KIT_FLAWS": self._monitor_flaws}))

    def monitor(self, number: int) -> dict[str, object]:
        """What a monitor says; empty when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 5 + number}/status", timeout=2) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    def kill_looks(self) -> None:
        """Once it said healthy, end the part of every monitor that looks at the service; what answers lives."""
        for number, monitor in enumerate(self.monitors):
            end = time.monotonic() + 20
            while not self.monitor(number).get("healthy"):
                assert time.monotonic() < end, self.monitor(number)
                time.sleep(0.05)
            children = Path(f"/proc/{monitor.pid}/task/{monitor.pid}/children").read_text().split()
            assert len(children) == 1
            os.kill(int(children[0]), signal.SIGKILL)

    def fill(self, disk: str, leave: int = 0) -> None:
        """Fill a disk but for ``leave`` bytes, with a file that ``free`` removes."""
        room = os.statvfs(self.path(disk))
        ballast = self.path(disk, "ballast")
        with ballast.open("wb", buffering=0) as file:
            left = room.f_bavail * room.f_frsize - leave
            try:
                while left > 0:
                    left -= file.write(b"\0" * min(left, 1 << 16))
                while leave == 0:
                    file.write(b"\0" * 512)
            except OSError:
                pass

    def free(self, disk: str) -> None:
        self.path(disk, "ballast").unlink()

    def _mount(self, disks: Mapping[str, int]) -> None:
        sut = self.root / "sut"
        lines = [
            f"mkdir -p {sut}/{name} && mount -t tmpfs -o size={size} none {sut}/{name}" for name, size in disks.items()
        ]
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = " && ".join([*lines, "echo ready", "exec sleep 300"])
        self._holder = subprocess.Popen(["unshare", *user, "--mount", "sh", "-c", script], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        enter = ["--user", "--preserve-credentials"] if user else []
        self._inside = ["nsenter", "-t", str(self._holder.pid), *enter, "--mount", "--"]

    def close(self) -> None:
        try:
            self.phases.on = {}
            for running in self._started:
                running.kill()
                running.wait()
            self.try_kit("stop")
            left = self.processes()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        finally:
            self.phases.close()
            for process in [*self.monitors, *([self._holder] if self._holder else [])]:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
            shutil.rmtree(self.root, ignore_errors=True)
        assert not left, f"the kit's stop left {left} running"

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Load:
    """A few clients with keep-alive connections; what was acknowledged, and every answer that was not good."""

    def __init__(self, installation: Installation, writers: int = 2, readers: int = 1, reports: int = 1) -> None:
        self.acknowledged: dict[str, float] = {}  # token -> when its answer came
        self.bad: list[str] = []
        self.good = 0
        self._port = installation.port
        self._stop = threading.Event()
        jobs = [self._write] * writers + [self._read] * readers + [self._report] * reports
        self._threads = [threading.Thread(target=self._run, args=(job, n)) for n, job in enumerate(jobs)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def _run(self, job: Callable[[http.client.HTTPConnection, str], int], worker: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        number = 0
        while not self._stop.wait(0.02):
            number += 1
            try:
                status = job(connection, f"l-{worker}-{self._port}-{number:05d}")
                if status in (200, 201):
                    self.good += 1
                else:
                    self.bad.append(f"{job.__name__}: {status}")
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(f"{job.__name__}: {type(error).__name__}: {error}")
                connection.close()
        connection.close()

    def _write(self, connection: http.client.HTTPConnection, token: str) -> int:
        body = {"token": token, "payload": payload_of(token), "source": "n2"}
        connection.request("POST", "/relationships", json.dumps(body), {"Idempotency-Key": token})
        status = self._answer(connection)
        if status in (200, 201):
            self.acknowledged[token] = time.monotonic()
        return status

    def _read(self, connection: http.client.HTTPConnection, token: str) -> int:
        connection.request("GET", f"/relationships/search?number={token[-3:]}")
        return self._answer(connection)

    def _report(self, connection: http.client.HTTPConnection, _: str) -> int:
        connection.request("GET", "/report")
        return self._answer(connection)

    @staticmethod
    def _answer(connection: http.client.HTTPConnection) -> int:
        response = connection.getresponse()
        response.read()
        return response.status
