"""A client of the user's own, for tests: notes in a file, by a protocol of none."""

import json
import os
from pathlib import Path

from harness import Client, acknowledging


class Full(Exception):
    pass


class Notes(Client):
    def __init__(self, url: str = "") -> None:
        self.file = Path(url.removeprefix("file:"))

    def ready(self) -> bool:
        return self.file.exists()

    def version(self) -> str:
        print("what a client prints is no answer")
        return self.file.with_suffix(".version").read_text()

    @acknowledging(Full)
    def write(self, token: str, payload: str) -> None:
        if payload == "too much":
            raise Full(payload)
        if payload == "ends":
            os._exit(3)
        with self.file.open("a") as notes:
            notes.write(json.dumps([token, payload]) + "\n")
        if payload == "lost on its way":
            raise TimeoutError(payload)

    def read(self) -> None:
        self.file.read_text()

    def read_all(self):
        return (json.loads(line) for line in self.file.open())
