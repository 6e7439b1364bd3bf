"""The links of one run between the system under test and its dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.errors import HarnessError
from harness.links.link import Link
from harness.recording.events import LinkLaid
from harness.recording.recorder import Recorder
from harness.system.commands import SystemCommands


class SystemLinks(Mapping[str, Link]):
    """name -> link of each that was laid in this run."""

    def __init__(self, commands: SystemCommands, recorder: Recorder) -> None:
        self._commands = commands
        self._recorder = recorder
        self._links: dict[str, Link] = {}
        self._told: dict[str, str] = {}  # variables of the environment that a link set, and which

    def __getitem__(self, name: str) -> Link:
        return self._links[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)

    def connect(self, link: Link, env: Mapping[str, str]) -> None:
        """Make the link known to every command of the system."""
        self._links[link.name] = link
        told = {k: self._commands.text(v, link=link.address, near=link.cable.near) for k, v in env.items()}
        for key, other in self._told.items():
            if key in told and other != link.name:
                raise HarnessError(
                    f"lay the link {link.name}",
                    f"the link {other} of this run sets {key} too, and only one of the two can be meant",
                    f"give [links.{link.name}] a variable of its own, or put the faults into cells of their own",
                )
        self._told |= dict.fromkeys(told, link.name)
        self._commands.env.update(told)
        self._recorder.record(LinkLaid(name=link.name, upstream=link.upstream, serves=link.serves))

    def laid(self, name: str) -> Link:
        """A link that was laid in this run; HarnessError for any other."""
        if name not in self._links:
            laid = f"links of this run: {', '.join(self._links) or 'none'}"
            raise HarnessError(f"use the link {name}", f"it was not laid; {laid}", f"see [links.{name}] in system.toml")
        return self._links[name]
