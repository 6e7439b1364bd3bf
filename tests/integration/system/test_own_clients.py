"""Clients of databases, which speak their protocols, answer every question of the harness with the real server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.config.schema import ClientConfig
from harness.system.clients.talk import Talk, ended
from tests.integration.system.test_clients import opened

SYSTEMS = Path(__file__).parents[2] / "systems"
NEEDS = {
    "redis": shutil.which("redis-cli") and shutil.which("redis-check-rdb"),
    "sql": any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
}
URLS = {"redis": "redis://127.0.0.1:{port}", "sql": "postgres://notes@127.0.0.1:{port}/notes"}
Kit = Callable[..., object]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a server that runs as another user gets at its data, which below pytest's own folders it does not."""
    with tempfile.TemporaryDirectory(prefix="drill-own-client-") as place:
        Path(place).chmod(0o755)
        for folder in ("data", "backup"):
            Path(place, folder).mkdir()
        yield Path(place)


@pytest.fixture(
    params=[
        pytest.param(n, marks=pytest.mark.skipif(not has, reason="its server is not on this machine"))
        for n, has in NEEDS.items()
    ]
)
def asked(request: pytest.FixtureRequest, place: Path) -> Iterator[tuple[Talk, Kit]]:
    """The client of a database that runs, and the kit that runs it."""
    name, port = request.param, free_port()
    env = os.environ | {"DIR": str(place), "PORT": str(port)}

    def kit(*words: str) -> object:
        done = subprocess.run(["sh", SYSTEMS / name / "kit.sh", *words], env=env, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]
        return done

    kit("start", "1")
    client = ClientConfig(python=str(SYSTEMS / name / "client.py"))
    door = opened(place, client, URLS[name].format(port=port))
    talk = Talk(door.path)
    yield talk, kit
    talk.close()
    door.close()
    kit("stop")


def test_it_writes_reads_and_tells_the_version(asked: tuple[Talk, Kit]) -> None:
    talk, kit = asked
    assert talk.ask("ready", 20)["ok"] is True
    assert talk.ask("version", 20)["version"] == "1"
    for number in range(1100):
        assert ended(talk.ask("write", 20, name="w", token=f"t-{number}", payload=f"p-{number}")) == ("ok", 200, "")
    assert ended(talk.ask("read", 20, name="r")) == ("ok", 200, "")
    assert dict(talk.entries(20)) == {f"t-{number}": f"p-{number}" for number in range(1100)}
    kit("deploy", "2")
    assert talk.ask("version", 20)["version"] == "2"
    assert len(talk.entries(20)) == 1100


def test_what_it_cannot_do_is_told_from_what_nobody_knows(asked: tuple[Talk, Kit]) -> None:
    talk, kit = asked
    assert talk.ask("ready", 20)["ok"] is True
    kit("stop")
    outcome, _, said = ended(talk.ask("write", 20, name="w", token="t", payload="p"))
    assert outcome == "reset" and said.startswith("Connection"), said
    assert talk.ask("ready", 20).get("ok") is not True
    kit("start", "1")
    assert talk.ask("ready", 20)["ok"] is True
    assert talk.entries(20) == []
