"""The system under test while a run drives it: where it lives, its service, dependencies and monitors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.schema import MONITOR_DEADLINE_S, SystemConfig
from harness.disks.disk import Disk
from harness.disks.watch import DiskWatch
from harness.errors import ExitCode, HarnessError
from harness.host import commands
from harness.host.accounts import account
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.host.outputs import last_line
from harness.links.link import Link
from harness.model import NS
from harness.recording.events import LinkLaid, Warned
from harness.recording.recorder import Recorder
from harness.system import http
from harness.system.copies import ARTEFACTS, LOGS, Copies
from harness.system.environment import at_home, on_island

# How long something may still answer at the address of a service that was stopped.
STOP_DEADLINE_S = 5.0
# What is asked for a word, such as health and version, answers with a few.
WORD_BYTES = 256 * 1024
_VERSION_CHARS = 200


class LiveSystem:
    """One system on one island (or, without namespaces, in a directory of its own)."""

    def __init__(
        self,
        config: SystemConfig,
        directory: Path,
        port: int,
        size_bytes: int,
        disks: Mapping[str, Disk],
        recorder: Recorder,
        python: str,
    ) -> None:
        self.config = config
        self.directory = directory
        self.disks = disks
        self.watch = DiskWatch(disks)
        self.recorder = recorder
        self.links: dict[str, Link] = {}
        self._told: dict[str, str] = {}  # variables of the environment that a link set, and which
        self.fault_free_bytes: dict[str, int] = {}
        self._service: commands.Process | None = None
        self.monitors: dict[str, commands.Process] = {}
        self.running: dict[str, commands.Process] = {}  # operations of the kit under way, by their id
        self.values = {
            "dir": str(directory),
            "system": str(config.folder),
            "python": python,
            "host": "127.0.0.1",
            "port": str(port),
            "size": str(size_bytes),
            "version": config.versions.old,
        }
        self.account = account(config.user) if config.user else None
        self.env = self._environment()
        self._hand_over()
        # What one that runs already has logged before is of others.
        self._logged_before = {p: p.stat().st_size for p in self.log_files()} if config.service.attach else {}

    # -- words and places ----------------------------------------------------------------------------------------
    def text(self, template: str, **more: str) -> str:
        return fill(template, {**self.values, **more})

    def argv(self, command: Sequence[str], **more: str) -> list[str]:
        return [self.text(part, **more) for part in command]

    @property
    def url(self) -> str:
        return self.text(self.config.service.url)

    def _environment(self) -> dict[str, str]:
        own = {k: self.text(v) for k, v in self.config.env.items()}
        if self.config.service.attach:
            return at_home(self.config.user if self.account else "") | own
        return on_island(Path(self.values["python"]), self.directory / "home") | own

    def _hand_over(self) -> None:
        """The places of the system belong to the user its commands run as; one that runs already has its own, and its
        kit has to get at the socket for its marks only, and at a copy of a backup."""
        if not self.account:
            return
        for path in (self.directory.parent, self.directory):
            path.chmod(path.stat().st_mode | 0o111)  # whoever runs us may have a strict umask
        if not self.config.service.attach:
            data = (Path(self.text(place)) for place in (self.config.data.dir, self.config.data.backup_dir))
            made = [path for path in data if path.exists()]
            for path in (self.directory, self.directory / "home", *(disk.path for disk in self.disks.values()), *made):
                self.account.own(path)

    @property
    def _cwd(self) -> Path:
        """Where its commands are run: one that runs already may leave programs there, which outlive the run."""
        return self.config.folder if self.config.service.attach else self.directory

    def run(self, command: Sequence[str], deadline_s: float) -> commands.Completed:
        """One of the system's commands, to its end; its placeholders are filled in."""
        argv = self.argv(command)
        return commands.run(argv, env=self.env, deadline_s=deadline_s, account=self.account, cwd=self._cwd)

    def spawn(
        self, argv: Sequence[str], output: str, env: Mapping[str, str] | None = None, fork: bool = False
    ) -> commands.Process:
        """Start one of the system's commands; its output goes to that file of the recording."""
        path = self.recorder.folder / "operations" / output
        return commands.spawn(argv, env=env or self.env, output=path, cwd=self._cwd, account=self.account, fork=fork)

    def connect(self, link: Link, env: Mapping[str, str]) -> None:
        """Make the link known to every command of the system."""
        self.links[link.name] = link
        told = {k: self.text(v, link=link.address, near=link.cable.near) for k, v in env.items()}
        for key, other in self._told.items():
            if key in told and other != link.name:
                raise HarnessError(
                    f"lay the link {link.name}",
                    f"the link {other} of this run sets {key} too, and only one of the two can be meant",
                    f"give [links.{link.name}] a variable of its own, or put the faults into cells of their own",
                )
        self._told |= dict.fromkeys(told, link.name)
        self.env.update(told)
        self.recorder.record(LinkLaid(name=link.name, upstream=link.upstream, serves=link.serves))

    def link(self, name: str) -> Link:
        """A link that was laid in this run."""
        if name not in self.links:
            laid = f"links of this run: {', '.join(self.links) or 'none'}"
            raise HarnessError(f"use the link {name}", f"it was not laid; {laid}", f"see [links.{name}] in system.toml")
        return self.links[name]

    # -- service -------------------------------------------------------------------------------------------------
    def start(self, version: str) -> float:
        """Start the service and wait until it is ready; the seconds it took."""
        service = self.config.service
        began = mono_ns()
        output = self.recorder.folder / "operations" / "service.out"
        self._service = self.spawn(self.argv(service.start, version=version), output.name)
        what = f"start the service of {self.config.name}"

        def ready() -> bool:
            code = self._service.exit if self._service else None
            if code:
                last = last_line(output) or "no output"
                raise HarnessError(what, f"it exited with {code}: {last}", "run the command of [service] start by hand")
            return self.ready().ok

        if not wait_until(ready, Deadline(service.start_deadline_s, what), every_s=0.05):
            raise HarnessError(
                what,
                f"{self.url}{service.ready} was not ready after {service.start_deadline_s:g} s ({self.ready().said()})",
                "check [service] url, ready and start in system.toml",
                ExitCode.UNKNOWN,
            )
        return (mono_ns() - began) / NS

    def health(self) -> http.Answer:
        return http.get(self.url + self.config.service.health, self._deadline_s, WORD_BYTES)

    def ready(self) -> http.Answer:
        return http.get(self.url + self.config.service.ready, self._deadline_s, WORD_BYTES)

    def version(self) -> str:
        """The version the service says it is, through its front; empty when it does not answer."""
        return self.version_asked()[0]

    def version_asked(self) -> tuple[str, http.Answer]:
        """The same, and the answer it was told by, or that told none."""
        answer = http.get(self.url + self.config.service.version, self._deadline_s, WORD_BYTES)
        return self._version_in(answer), answer

    def _version_in(self, answer: http.Answer) -> str:
        if not answer.ok:
            return ""
        if pattern := self.config.service.version_pattern:
            match = re.search(pattern, answer.body.decode(errors="replace"))
            return (match[1] if match.re.groups else match[0]) or "" if match else ""
        document = answer.json()
        if document is None:
            return answer.body.decode(errors="replace").strip()[:_VERSION_CHARS]
        found = http.pointer(document, self.config.service.version_pointer)
        return "" if found is None else str(found)[:_VERSION_CHARS]

    @property
    def _deadline_s(self) -> float:
        return self.config.service.deadline_ms / 1000

    def recovered(self, deadline_s: float, in_a_row: int = 3) -> tuple[bool, int]:
        """Whether health and readiness came back, several answers in a row, before the deadline; and when it was last
        asked in vain (CLOCK_MONOTONIC ns, 0: never)."""
        good = last_bad_ns = 0

        def steady() -> bool:
            nonlocal good, last_bad_ns
            asked_ns = mono_ns()
            if self.health().ok and self.ready().ok:
                good += 1
            else:
                good, last_bad_ns = 0, asked_ns
            return good >= in_a_row

        return wait_until(steady, Deadline(deadline_s, "the service's health"), every_s=0.02), last_bad_ns

    # -- monitors ------------------------------------------------------------------------------------------------
    def start_monitors(self) -> None:
        for name in self.config.monitors:
            self.start_monitor(name)
        for name in self.config.monitors:
            self.await_monitor(name)

    def start_monitor(self, name: str) -> None:
        self.monitors[name] = self.spawn(self.argv(self.config.monitors[name].start), f"monitor-{name}.out")

    def await_monitor(self, name: str) -> None:
        """Wait until it answers; HarnessError when it does not."""
        if not wait_until(
            lambda: self.ask_monitor(name).ok, Deadline(MONITOR_DEADLINE_S, f"monitor {name}"), every_s=0.05
        ):
            raise HarnessError(
                f"start monitor {name}",
                f"{self.text(self.config.monitors[name].health)} did not answer after {MONITOR_DEADLINE_S:g} s "
                f"({self.ask_monitor(name).said()})",
                f"check [monitors.{name}] in system.toml",
                ExitCode.UNKNOWN,
            )

    def ask_monitor(self, name: str) -> http.Answer:
        return http.get(self.text(self.config.monitors[name].health), 1.0, WORD_BYTES)

    # -- data ----------------------------------------------------------------------------------------------------
    def data_place(self) -> Path | None:
        """The database file; the whole data directory when the system names no file; None when it names neither."""
        named = self.config.data.database or self.config.data.dir
        return Path(self.text(named)) if named else None

    def database_bytes(self) -> int:
        """The size of that now; 0 when there is none."""
        place = self.data_place()
        if place is None:
            return 0
        files = [place] if place.is_file() else place.rglob("*")
        return sum(p.stat().st_size for p in files if p.is_file())

    def newest_backup_bytes(self) -> int:
        """Size of the backup written last; an error when there is none, for then no share of it can be told."""
        folder = Path(self.text(self.config.data.backup_dir))
        files = [p for p in folder.rglob("*") if p.is_file()]
        size = max(files, key=lambda p: p.stat().st_mtime_ns).stat().st_size if files else 0
        if not size:
            hint = "a fault at a share of the bytes needs [data] backup_dir, and a backup there before its upload"
            raise HarnessError("size the newest backup", f"there is none in {folder}", hint, ExitCode.UNKNOWN)
        return size

    def stored(self) -> dict[str, int] | None:
        """What the far side really keeps, file name -> bytes; None when no dependency says where."""
        places = [Path(self.text(d.store)) for d in self.config.dependencies.values() if d.store]
        if not places:
            return None
        found: dict[str, int] = {}
        for path in (p for place in places for p in place.rglob("*")):
            try:
                if path.is_file():
                    found[path.name] = path.stat().st_size
            except FileNotFoundError:
                continue  # renamed or removed by its server in this moment
        return found

    def log_files(self) -> list[Path]:
        """The system's own logs, from [service] logs (files or directories)."""
        files: list[Path] = []
        for entry in self.config.service.logs:
            path = Path(self.text(entry))
            with suppress(PermissionError):  # a directory on the way is not ours to look into
                found = path.rglob("*") if path.is_dir() else [path]
                files.extend(p for p in found if p.is_file() and not p.is_symlink())
        return sorted(files)

    def copy_out(self, keep_data: bool) -> None:
        """The system's logs, and its data when asked, to the run folder: never what looks like a key, nor through a
        link, and no more than copies.py allows. What is left out is told."""
        logs = Copies(self.recorder.folder / "logs", LOGS)
        for path in self.log_files():
            name = str(path.relative_to(self.directory)) if path.is_relative_to(self.directory) else path.name
            logs.copy(path, name, self._logged_before.get(path, 0))
        copied = [logs]
        if keep_data:
            data = Path(self.text(self.config.data.dir))
            artefacts = Copies(self.recorder.folder / "artefacts", ARTEFACTS)
            for path in sorted(data.iterdir()) if data.is_dir() else ():
                artefacts.copy(path, path.name)
            copied.append(artefacts)
        for said in filter(None, (c.left_out() for c in copied)):
            self.recorder.record(Warned(text=said))

    # -- end -----------------------------------------------------------------------------------------------------
    def stop(self) -> None:
        """Ask the system to stop; what stays is ended with the island."""
        for monitor in self.monitors.values():
            monitor.end(1.0)
        self._end_service()
        self.watch.close()

    def stop_service(self) -> str:
        """Stop the service alone; what still answers at its address a while later, in words: empty for nothing."""
        self._end_service()
        gone = wait_until(lambda: self.health().status == 0, Deadline(STOP_DEADLINE_S, "its silence"), every_s=0.05)
        return "" if gone else self.health().said()

    def _end_service(self) -> None:
        if self.config.service.stop:
            self.run(self.config.service.stop, deadline_s=20)
        if self._service is not None:
            self._service.end(2.0)
