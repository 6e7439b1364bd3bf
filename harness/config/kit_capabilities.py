"""What a kit is known to provide: by its system.toml, and by one run without faults if there was one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.config.operations import OPERATIONS
from harness.config.schema import SystemConfig

# A kit marks it only after something went wrong, so a run without faults cannot show whether it does.
_ONLY_AFTER_A_FAILURE = ("back",)


@dataclass(frozen=True, slots=True)
class KitCapabilities:
    """``operations``: those that succeeded in a run without faults; ``phases``: those it marked; ``status``: the keys
    that its `status` printed (empty: it failed). Each is None before such a run: then nothing of the kind is missing.

    Each ``missing_...`` yields texts that complete "the system needs ..."; nothing if the kit provides it.
    """

    config: SystemConfig
    operations: frozenset[str] | None = None
    phases: frozenset[str] | None = None
    status: frozenset[str] | None = None

    def missing_operations(self, *names: str) -> Iterator[str]:
        """Each of these operations that the system.toml does not declare, or that did not succeed."""
        for name in names:
            if name not in self.config.operations:
                yield f"[operations.{name}]"
            elif name in OPERATIONS and self.operations is not None and name not in self.operations:
                yield f"a {name} that works"

    def missing_phase(self, *any_of: str) -> Iterator[str]:
        """One text if the kit marked none of these phases (``backup.copy``). A phase of an operation that did not
        succeed is not known to be missing."""
        names = [n for n in any_of if "." in n and n.rpartition(".")[2] not in _ONLY_AFTER_A_FAILURE]
        worked = [n for n in names if n.partition(".")[0] in (self.operations or ())]
        if worked and self.phases is not None and not self.phases.intersection(names):
            yield f"phase {' or '.join(sorted(dict.fromkeys(names)))}"

    def missing_status(self, *keys: str) -> Iterator[str]:
        """Each of these keys that `status` does not print; without a key, whether `status` works at all."""
        if not self.config.tells_backups:
            yield "[operations.status] or [backups]"
        elif "status" not in self.config.operations and keys:
            yield "[operations.status]"
        elif self.status is not None and not self.status:
            yield "a status that works"
        elif self.status is not None:
            yield from (f"{key} in status" for key in keys if key not in self.status)

    def missing_read_back(self) -> Iterator[str]:
        """Whether the written data can be read back."""
        if not self.config.reads_back:
            yield "[load.read_back]"
