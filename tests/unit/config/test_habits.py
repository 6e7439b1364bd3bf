"""Keys of system.toml for what sound systems do one way and another: what is read, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.policies import Policies, policies
from harness.config.reader import read_system
from harness.config.schema import SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.recording.secrets import secrets_of

SYSTEM = """
name = "shop"
[service]
start = ["sh"]
url = "http://127.0.0.1:{port}"
[data]
kind = "sqlite"
dir = "{dir}/data"
backup_dir = "{dir}/backup"
[versions]
old = "1"
new = "2"
[operations.backup]
command = ["sh", "backup"]
[operations.deploy]
command = ["sh", "deploy"]
[operations.rollback]
command = ["sh", "rollback"]
[operations.restore]
command = ["sh", "restore"]
[dependencies.store]
start = ["sh", "serve", "{port}"]
health = "tcp://127.0.0.1:{port}"
port = 9000
[links.offsite]
upstream = "store"
[monitors.primary]
start = ["sh"]
health = "http://127.0.0.1:9101/status"
[load]
users = 3
[[load.requests]]
name = "create"
kind = "write"
method = "POST"
path = "/items"
body = '{"token": "{token}", "payload": "{payload}"}'
[[load.requests]]
name = "get"
kind = "read"
path = "/items/{known}"
[load.read_back]
path = "/readback?after={after}"
"""
LOGIN = """
[[load.login]]
path = "/login"
body = '{"name": "{name}", "password": "{password}"}'
pointers = { access = "/data/access_token" }
"""
ACCOUNTS = 'accounts = [{ name = "ann", password = "s3cret-of-ann" }]\n'


def read(folder: Path, *changes: tuple[str, str], more: str = "") -> SystemConfig:
    text = SYSTEM
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "system.toml").write_text(text + more)
    return read_system(folder / "system.toml")


def refused(folder: Path, *changes: tuple[str, str], more: str = "") -> str:
    with pytest.raises(HarnessError) as caught:
        read(folder, *changes, more=more)
    assert caught.value.code == ExitCode.USAGE
    return str(caught.value)


# -- policies --------------------------------------------------------------------------------------------------------
def test_what_a_team_says_of_its_practice_goes_through_json(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        ('"deploy"]\n', '"deploy"]\nneeds_links = ["offsite"]\nasks_monitors = "before"\n'),
        ('"rollback"]\n', '"rollback"]\nneeds_links = []\n'),
        (
            "[dependencies.store]",
            '[locks.kit]\noperations = ["deploy", "rollback"]\nwaits_s = 10\n[dependencies.store]',
        ),
    )
    said = Policies.from_dict(policies(config))
    assert (said.share_lock("deploy", "rollback"), said.share_lock("deploy", "backup")) == (True, False)
    assert (said.waits_s("deploy"), said.waits_s("backup")) == (10, None)
    assert said.needs_link("deploy", "offsite") is True
    assert said.needs_link("rollback", "offsite") is False
    assert said.needs_link("backup", "offsite") is None
    assert (said.asks("deploy"), said.asks("backup")) == ("before", "")


def test_where_nothing_is_said_only_what_changes_the_system_keeps_each_other_out() -> None:
    said = Policies.from_dict({})
    assert said.share_lock("deploy", "rollback") is True
    assert said.share_lock("deploy", "backup") is None
    assert said.share_lock("canary", "deploy") is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"deploy"]\n', '"deploy"]\nneeds_links = ["ofsite"]\n', "did you mean 'offsite'?"),
        ('"deploy"]\n', '"deploy"]\nasks_monitors = "never"\n', "operations.deploy.asks_monitors: is 'never'"),
        ('"backup"]\n', '"backup"]\nasks_monitors = "before"\n', "operations.backup.asks_monitors: unknown key"),
        ('"backup"]\n', '"backup"]\nto = "latest"\n', "operations.backup.to: unknown key"),
        ('"deploy"]\n', '"deploy"]\nversion = "old"\n', "operations.deploy.version: unknown key"),
        ("[dependencies.store]", '[locks.a]\noperations = ["depoy"]\n[dependencies.store]', "did you mean 'deploy'?"),
        ('health = "http://127.0.0.1:9101/status"', "", "monitors.primary.health: is missing, and so is file"),
        (
            'health = "http://127.0.0.1:9101/status"',
            'health = "http://127.0.0.1:9101/status"\nfile = "{dir}/beat"',
            "monitors.primary.health: stands beside file",
        ),
        ("[load]\n", '[phases."deploy.migrate"]\nsame_as = "deploy.migrate"\n[load]\n', "another phase"),
        (
            "[load]\n",
            '[phases."deploy.migrate"]\nsame_as = "deploy.start"\nstart = { log = "x" }\n[load]\n',
            "stands beside start or stop",
        ),
        ("users = 3", "users = 3\nn = [1, 2.5]", "two whole numbers"),
        ("users = 3", "users = 3\nrenew_s = 60", "has no effect without [[load.login]]"),
        ("/items/{known}", "/items/{id}", "{id} is asked for, and no write tells one"),
        ('kind = "read"\n', 'kind = "read"\nid = "/id"\n', "is told by the answer to a write"),
        ("/readback?after={after}", "/items/{id}", "{id} is asked for"),
    ],
)
def test_a_mistake_is_told_where_and_why(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refused(tmp_path, (old, new))


def test_a_phase_may_be_whenever_another_is(tmp_path: Path) -> None:
    phases = read(tmp_path, ("[load]\n", '[phases."deploy.migrate"]\nsame_as = "deploy.start"\n[load]\n')).phases
    assert [(p.name, p.operation, p.same_as) for p in phases] == [("deploy.migrate", "deploy", "deploy.start")]


def test_a_monitor_may_speak_by_a_file(tmp_path: Path) -> None:
    monitor = read(
        tmp_path, ('health = "http://127.0.0.1:9101/status"', "file = \"{dir}/beat\"\npattern = '^ok'")
    ).monitors["primary"]
    assert (monitor.file, monitor.pattern, monitor.health) == ("{dir}/beat", "^ok", "")


# -- logins ----------------------------------------------------------------------------------------------------------
def test_a_variable_of_the_login_may_stand_in_requests(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        ("users = 3\n", f'users = 3\n{ACCOUNTS}headers = {{ Authorization = "Bearer {{access}}" }}\n'),
        ("/items/{known}", "/items/{known}?t={access}"),
        more=LOGIN,
    )
    assert config.load.login[0].takes == ("access",)
    assert config.load.accounts == ({"name": "ann", "password": "s3cret-of-ann"},)


@pytest.mark.parametrize(
    ("changes", "more", "words"),
    [
        ((), LOGIN, "login[0]"),  # nobody says what {name} is
        ((("users = 3\n", f"users = 3\n{ACCOUNTS}"), ("/items/{known}", "/items/{acces}")), LOGIN, "requests[1]"),
        (
            (("users = 3\n", f"users = 3\n{ACCOUNTS}"),),
            LOGIN.replace("access =", "token ="),
            "{token} is another thing",
        ),
        ((("users = 3\n", 'users = 3\nheaders = { A = "{access}" }\n'),), "", "load.headers"),
        (
            (("users = 3\n", 'users = 3\naccounts = [{ name = "a" }, { mail = "b" }]\n'),),
            LOGIN,
            "has other keys than the first",
        ),
    ],
)
def test_a_placeholder_that_nobody_fills_is_told(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], more: str, words: str
) -> None:
    assert words in refused(tmp_path, *changes, more=more)


# -- numbers and ids ---------------------------------------------------------------------------------------------------
def test_totals_have_requests_of_their_own(tmp_path: Path) -> None:
    more = '[load.totals.rows]\npath = "/count"\npointer = "/rows"\nwith_writes = true\n'
    total = read(tmp_path, more=more).load.totals["rows"]
    assert (total.path, total.pointer, total.equals, total.with_writes) == ("/count", "/rows", None, True)


def test_writes_may_be_read_back_one_by_one(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        ('path = "/items"\n', 'path = "/items"\nid = "/data/id"\n'),
        ("/items/{known}", "/items/{id}"),
        ("/readback?after={after}", "/items/{id}"),
    )
    assert config.load.read_back is not None and config.load.read_back.by_id
    assert config.load.requests[1].needs_known


def test_a_limit_that_stops_a_run_is_read(tmp_path: Path) -> None:
    stop = read(tmp_path, more="[limits.stop_when]\nbad_share = 0.2\n").limits.stop_when
    assert stop is not None
    assert (stop.bad_share, stop.latency_ms_p95, stop.url, stop.window_s) == (0.2, 0, "", 5)
    assert read(tmp_path).limits.stop_when is None


def test_what_clients_prove_by_who_they_are_is_masked(tmp_path: Path) -> None:
    login = LOGIN + 'headers = { Authorization = "Basic of-the-login" }\n'
    headers = 'headers = { X-Api-Key = "key-of-service", Accept = "text/plain-and-long" }\n'
    accounts = 'accounts = [{ name = "ann-of-all-people", password = "s3cret-of-ann", pin = "12345678" }]\n'
    config = read(tmp_path, ("[service]\n", f"[service]\n{headers}"), ("[load]\n", f"[load]\n{accounts}"), more=login)
    found = set(secrets_of(config, {"CI_TOKEN": "of-the-host-1", "PATH": "/usr/bin:/bin:/sbin"}))
    assert found == {"of-the-host-1", "key-of-service", "Basic of-the-login", "s3cret-of-ann", "12345678"}


@pytest.mark.parametrize(("said", "other"), [("ready", "health"), ("health", "ready")])
def test_one_path_that_says_whether_it_is_well_is_enough(tmp_path: Path, said: str, other: str) -> None:
    service = read(tmp_path, ("[service]\n", f'[service]\n{said} = "/up"\n')).service
    assert (getattr(service, said), getattr(service, other)) == ("/up", "/up")
    plain = read(tmp_path).service
    assert (plain.ready, plain.health) == ("/ready", "/health")
