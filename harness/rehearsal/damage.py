"""The validation of damaged backups: the latest one, damaged in each way, validated, and put right again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness.recording.events import LeftOut, NotProvided
from harness.recording.recorder import Recorder
from harness.rehearsal.damaged_file import MUTATIONS, CannotDamage, damaged
from harness.system.largest_file import largest_file
from harness.system.live import LiveSystem
from harness.system.operations import OperationRequest, Operations, copied


class DamagedValidation:
    """``work``: where copies are made of a backup that is in use."""

    def __init__(self, system: LiveSystem, operations: Operations, recorder: Recorder, work: Path) -> None:
        self._system = system
        self._operations = operations
        self._recorder = recorder
        self._work = work

    def run(self, optional: bool = False) -> None:
        """Damage the latest backup in each way, let the kit validate it, and put the backup right again. ``optional``:
        a kit that cannot is none the worse for it; nor is one whose backups are no files of this host."""
        latest = self._operations.status().latest
        if not latest or "validate" not in self._system.config.operations:
            self._recorder.record(NotProvided(operation="validate", of="a damaged backup", optional=optional))
            return
        why = ""
        if not latest.startswith("/"):
            self._recorder.record(NotProvided(operation="validate", of="a damaged backup", optional=True))
        elif self._system.config.service.attach:
            # Of a system in use nothing is damaged but a copy, which has to be good enough for the kit to begin with.
            with tempfile.TemporaryDirectory(dir=self._work) as place:
                why = self._of_a_copy(Path(latest), Path(place))
        elif (file := largest_file(Path(latest))).is_file():
            why = self._each(latest, file)
        else:
            why = f"{latest} is no file to damage"
        if why:
            self._recorder.record(LeftOut(what="validate of a damaged backup", why=why))

    def _of_a_copy(self, latest: Path, place: Path) -> str:
        """The same on a copy in ``place``; why not, where it cannot be made, or is not really one."""
        try:
            copy = copied(latest, place)
            if self._system.commands.account:
                for path in (place, copy, *copy.rglob("*")):
                    self._system.commands.account.own(path)
        except OSError as error:  # no room, not ours to read, or the kit's own clearing up was faster
            return f"{latest} could not be copied ({error.strerror or error}), and the one in use is not damaged"
        if not (file := largest_file(copy)).is_file():
            return f"{latest} is no file to damage"
        if not file.resolve().is_relative_to(place.resolve()):
            return f"{file.name} of {latest} is a link out of it: a copy leads to the one in use, which is not damaged"
        request = OperationRequest("validate", warmup=True, expect="any", backup=str(copy), on_copy=True)
        if self._operations.run(request).exit != 0:
            return "validate refuses a copy of a good backup in another place, and the one in use is not damaged"
        return self._each(str(copy), file)

    def _each(self, backup: str, file: Path) -> str:
        """Why not every one: a kit that refuses the whole backup after a damaged one goes by its name from then on."""

        def validate(damaged_how: str | None = None, put_back: str | None = None) -> int | None:
            # Not timed, whatever it says: `warmup` keeps it out of the claims.
            request = OperationRequest("validate", warmup=True, expect="any", backup=backup)
            return self._operations.run(replace(request, damaged_how=damaged_how, put_back=put_back)).exit

        for number, mutation in enumerate(MUTATIONS, 1):
            try:
                # Beside the recording: the work directory of an island is in memory.
                with (
                    tempfile.TemporaryDirectory(dir=self._recorder.folder, prefix="damaged-") as scratch,
                    damaged(file, mutation, Path(scratch)),
                ):
                    refused = validate(damaged_how=mutation) != 0
            except CannotDamage as cannot:
                return str(cannot)
            left = ", ".join(MUTATIONS[number:])
            if refused and left and validate(put_back=mutation) != 0:
                return f"validate refuses a backup that was {mutation} and is whole again: {left} would show nothing"
        return ""
