"""A crash state is started: process 1 of a nested island, which has nothing running and the state's disk mounted where
the system's directory was.

Run as ``python -m harness.crash.boot FOLDER IMAGE``. ``FOLDER/boot.json`` is a BootSpec; what happens is recorded in
FOLDER like a run: ``boot.mounted``, ``boot.started``, then observations and operations.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.config.reader import load_system
from harness.crash.owners import Stretch, owners
from harness.disks import loop
from harness.errors import HarnessError
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.island import mounts
from harness.island.init import bring_loopback_up
from harness.island.spec import COVERED, WORK_MOUNT
from harness.model import NS
from harness.recording.events import BootDone, BootFailed, BootMounted, BootStarted
from harness.recording.recorder import Recorder
from harness.system.live import LiveSystem
from harness.system.operations import OperationRequest, Operations, Status
from harness.system.phases.gates import Gates
from harness.system.phases.mark_server import PhaseServer
from harness.system.read_back import observe

READY_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class BootSpec:
    """What is started, as the run knows it. ``restore``: also go back to the latest backup, and read that back.
    ``again``: an operation to try after all that, with ``version``. ``names_of``: do nothing of all this, and say whose
    blocks these are.
    """

    system: str
    bundled: str
    variants: tuple[str, ...]
    directory: str
    port: int
    size_bytes: int
    python: str
    restore: bool
    again: str = ""
    version: str = ""
    names_of: tuple[Stretch, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> BootSpec:
        raw = json.loads(text)
        names_of = tuple((offset, length) for offset, length in raw["names_of"])
        return cls(**{**raw, "variants": tuple(raw["variants"]), "names_of": names_of})


def fresh_temporary() -> None:
    """Temporary directories and shared memory as after a boot: empty. What is mounted below them stays reachable."""
    below = [
        path
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if (path := Path(line.split()[4].replace("\\040", " "))) not in COVERED
        and any(path.is_relative_to(c) for c in COVERED if c != WORK_MOUNT)
        and not path.is_relative_to(WORK_MOUNT)
    ]
    kept = {path: os.open(path, os.O_PATH) for path in below if path.is_dir()}
    for path in COVERED:
        if path != WORK_MOUNT and path.is_dir():
            mounts.tmpfs(path, "0755" if path == Path("/run") else "1777")
    for path, fd in kept.items():
        if not path.exists():
            path.mkdir(parents=True)
            mounts.mount(f"/proc/self/fd/{fd}", path, flags=mounts.MS_BIND | mounts.MS_REC)
        os.close(fd)


def mount_state(image: int, directory: Path) -> str:
    """Mount the image over ``directory``; what the kernel said when it would not."""
    device, path = loop.attach(image)
    os.close(image)
    try:
        mounts.mount(path, directory, "ext4")
    except HarnessError as error:
        return error.why
    finally:
        os.close(device)
    return ""


def boot(spec: BootSpec, recorder: Recorder, image: int) -> None:
    directory = Path(spec.directory)
    fresh_temporary()
    bring_loopback_up()
    error = mount_state(image, directory)
    recorder.record(BootMounted(error=error, hit="" if error else owners(directory, spec.names_of)))
    if error or spec.names_of:
        return
    config = load_system(spec.system, Path(spec.bundled), variants=spec.variants)
    system = LiveSystem(config, directory, spec.port, spec.size_bytes, {}, recorder, spec.python)
    phases = PhaseServer(Path("/tmp/phases.sock"), Gates(lambda *_: None, lambda *_: None))
    operations = Operations(system, phases, lambda *_: None)
    started = _start(system)
    recorder.record(BootStarted(error=started[0], seconds=started[1]))
    if started[0]:
        system.copy_out(keep_data=False)
    observe(system, "start", "", _status(operations), None)
    if spec.restore:
        _restore(system, operations)
    if spec.again in config.operations:
        system.monitors.start_all()
        operations.run(OperationRequest(spec.again, version=spec.version, again=True))
    phases.close()


def _start(system: LiveSystem) -> tuple[str, float]:
    began = mono_ns()
    try:
        system.service.start(system.config.versions.old)
        error = ""
    except HarnessError as failure:
        error = failure.why
    return error, round((mono_ns() - began) / NS, 3)


def _status(operations: Operations) -> Status:
    """What the kit says there is; one that hangs says nothing, and that is the kit's."""
    try:
        return operations.status()
    except HarnessError as error:
        return Status("", (), f"status failed: {error.why}")


def _restore(system: LiveSystem, operations: Operations) -> None:
    """The last way back: restore, and start again if that does not do it itself."""
    before = _status(operations)
    if not before.latest or "restore" not in system.config.operations:
        return
    done = operations.run(OperationRequest("restore", expect="any", backup=before.latest, restores=True))
    if done.exit == 0:
        ready = wait_until(lambda: system.service.ready().ok, Deadline(READY_AGAIN_S, "ready"), every_s=0.05)
        system.recorder.record(BootStarted(error="" if ready else _start(system)[0], seconds=0.0))
        observe(system, "restore", "restore", _status(operations), None)


def main() -> None:
    folder, image = Path(sys.argv[1]), int(sys.argv[2])
    recorder = Recorder(folder, "boot")
    spec = BootSpec.from_json((folder / "boot.json").read_text())
    try:
        boot(spec, recorder, image)
        recorder.record(BootDone())
    except HarnessError as error:
        recorder.record(BootFailed(why=f"{error.what}: {error.why}"))
    except Exception as error:  # noqa: BLE001 - our own bug: the state is unknown and says so
        recorder.record(BootFailed(why=f"{type(error).__name__}: {error}"))
    # Process 1 ends here, and the kernel ends everything that was started.
    os._exit(0)


if __name__ == "__main__":
    main()
