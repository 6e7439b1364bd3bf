"""The habits of the field kit, row by row: what differs in its system.toml, what is rehearsed, and what has to be said.

A row whose habit is sound passes, or is unknown by a code that names the key which mends it; the row after it has that
key, and passes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.e2e.command import Done
from tests.systems.gap import gap_is_found

FIELD = Path(__file__).with_name("field")
# Systems that others wrote; each has a build.sh.
OTHERS = "others"
URL = 'url = "http://127.0.0.1:{port}"\n'
LIST = 'path = "/notes?limit=20"\n'
START = 'start = ["python3", "{system}/kit.py", "start", "{version}"]\n'
VERSIONS = "[versions]\n"
LOAD = '[[load.requests]]\nname = "create"\n'
DATA = 'dir = "{dir}/data"\n'
STORE = """
[dependencies.store]
start = ["python3", "{system}/store.py", "{port}", "{dir}/far"]
health = "tcp://127.0.0.1:{port}"
port = 9000
store = "{dir}/far"
[links.offsite]
upstream = "store"
serves = false
env = { OFFSITE_URL = "http://{link}" }
"""
# What a newcomer runs first.
FIRST = ("verify", "baseline:once")
SOUND = (*FIRST, "disk_full", "concurrent_deployments:race-2", "power_loss:in-backup")
Change = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """``flaws`` are variants of the kit, ``changes`` what is written instead of what in its system.toml, ``cells`` what
    is run (``verify``: the command). ``outcome``: of each of them, with one of ``codes`` where it is no pass;
    ``refused``: exit 64. ``said`` is in what is printed; ``seen``: what was found otherwise than it should."""

    name: str
    flaws: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    cells: tuple[str, ...] = FIRST
    outcome: Literal["pass", "unknown", "refused"] = "pass"
    codes: tuple[str, ...] = ()
    said: str = ""
    words: tuple[str, ...] = ()
    seen: Callable[[Done], str] | None = None
    kit: str = "field"

    def folder(self, place: Path) -> Path:
        """The system in a folder of its own below ``place``; one of others lies where it was built."""
        if self.kit.startswith(OTHERS):
            return Path(__file__).with_name(OTHERS) / self.kit.removeprefix(f"{OTHERS}/")
        folder = place / f"{self.kit}-{self.name}"
        kit = FIELD / "base" if self.kit == "field" else Path(__file__).with_name(self.kit)
        shutil.copytree(kit, folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(FIELD / "offsite/store.py", folder)
        file = folder / "system.toml"
        text = file.read_text().replace(f'name = "{self.kit}"', f'name = "{self.kit}-{self.name}"')
        for old, new in self.changes:
            assert old in text, (self.name, old)
            text = text.replace(old, new, 1)
        file.write_text(text)
        return folder


def _with(old: str, *more: str) -> Change:
    return old, old + "".join(f"{line}\n" for line in more)


_STATUS = '[operations.status]\ncommand = ["python3", "{system}/kit.py", "status"]\n'
_VARIANTS = "\n[variants.a2]"
_GLOB = '\n[backups]\nglob = "{dir}/backup/*.db"\norder = "name"\n'
_OFFSITE = ("\n[variants.", STORE + "\n[variants.")
# What a proxy before the service adds.
_PROXIED = 'headers = { X-Forwarded-Proto = "https", Host = "shop.test" }'
_OWN = (*FIRST, "power_loss:in-backup")
_CUT = ("network_partition:dropped", "network_partition:upload-half")

ROWS: tuple[Row, ...] = (
    Row("base", cells=SOUND),
    Row("offsite", changes=(_OFFSITE,), cells=(*SOUND, *_CUT)),
    Row(
        "compressed",
        ("a5a",),
        (_OFFSITE,),
        ("network_partition:dropped",),
        "unknown",
        ("offsite.not_comparable",),
    ),
    Row("compressed-told", ("a5a", "told"), (_OFFSITE,), (*SOUND, *_CUT)),
    Row("b1", ("b1",), (), ("verify",), "unknown", ("contract.broken_off_elsewhere",), "X-Forwarded-Proto"),
    Row(
        "b1-headers",
        ("b1",),
        (_with(URL, _PROXIED),),
        SOUND,
    ),
    Row("b3", ("b3",), (), ("verify",), "unknown", ("load.turned_away",), "every_ms"),
    Row(
        "b3-fewer",
        ("b3",),
        ((LOAD, f"[probe]\nevery_ms = 100\n[load]\nusers = 2\nwrite_rate = 5\n{LOAD}"),),
        SOUND,
    ),
    Row("b4", ("b4",), cells=SOUND),
    Row("b8stop", ("b8stop",), cells=SOUND),
    Row("b10", ("b10",), cells=SOUND),
    # Many habits at once, for `make test`.
    Row(
        "many",
        ("b1", "b4", "b8stop", "b10", "gzipalways", "renamedir", "a5a", "told", "immutable"),
        (
            (URL, URL.replace("127.0.0.1", "localhost") + _PROXIED + "\n"),
            _with(DATA, 'mount = "{dir}"'),
            _OFFSITE,
        ),
    ),
    Row("gzip", ("gzip",), cells=SOUND),
    Row("gzipalways", ("gzipalways",), cells=SOUND),
    Row("http10", ("http10",), cells=SOUND),
    Row("noise", ("noise",), cells=SOUND),
    Row("dirbackup", ("dirbackup",), cells=SOUND),
    Row("slow", ("slow",), (), ("verify",), "unknown", ("load.turned_away",), "deadline_ms"),
    Row("slow3s", ("slow",), (_with(URL, "deadline_ms = 3000"),), SOUND),
    Row("big-refused", words=("--size", "300MB"), cells=("baseline:once",), outcome="refused", said="[disks]"),
    Row(
        "big",
        changes=((VERSIONS, f'[disks]\ndata = "2g"\nbackup = "2g"\n{VERSIONS}'),),
        words=("--size", "300MB"),
        cells=("baseline:once",),
    ),
    Row("localhost", changes=((URL, URL.replace("127.0.0.1", "localhost")),), cells=SOUND),
    Row("relative", changes=((START, START.replace("{system}/", "./")),), outcome="refused", said="{system}/kit.py"),
    Row("cookie-of-its-own", changes=(_with(LIST, 'headers = { Cookie = "session=x" }'),), cells=SOUND),
    # Without a status: a directory of files.
    Row("glob", changes=((_STATUS, ""), (_VARIANTS, _GLOB + _VARIANTS)), cells=SOUND),
    Row("renamedir", ("renamedir",), (), ("verify",), "unknown", ("operation.met_our_mount",), "mount"),
    Row("renamedir-mount", ("renamedir",), (_with(DATA, 'mount = "{dir}"'),), SOUND),
    Row("immutable", ("immutable",), cells=SOUND),
)
_READ_BACK = '[load.read_back]\npath = "/notes?page={page}"\nitems = ""\n'
_LOGIN = """
[[load.login]]
path = "/session"
body = '{"name": "{name}", "password": "{password}"}'
pointers = { access = "/access" }
"""
_ACCOUNTS = """[load]
accounts = [{ name = "ann", password = "of ann" }, { name = "bob", password = "of bob" }]
headers = { Authorization = "Bearer {access}" }
"""
_CREATE = '[[load.requests]]\nname = "create"\n'
_TLS = (("ca_file", "cert"), ("cert_file", "cert"), ("key_file", "key"))


_LOCK = '[locks.kit]\noperations = ["deploy", "rollback", "restore", "backup"]\n'
_STOP = 'stop = ["python3", "{system}/kit.py", "stop"]\n'
_CERTIFIED = "".join(f'{key} = "{{dir}}/run/{file}.pem"\n' for key, file in _TLS)
_STARTS = '[phases."deploy.migrate"]\nsame_as = "deploy.start"\n'
_BY_HEADER = 'version_header = "X-App-Version"\n'
_BY_COMMAND = 'version_command = ["python3", "{system}/kit.py", "version"]\n'


def _habit(name: str, *changes: Change, flaws: tuple[str, ...] = ()) -> Row:
    """With full backups: an increment is too small to meet a disk that is full for half a backup."""
    return Row(name, (*flaws, "full"), changes, SOUND, kit="habits")


ROWS += (
    _habit("stops-first"),
    Row("increments", cells=tuple(c for c in SOUND if c != "disk_full"), kit="habits"),
    _habit("queues", (_CREATE, f"{_LOCK}waits_s = 10\n{_CREATE}"), flaws=("queues",)),
    # For as long as it waits the harness holds the other one, and that is not its doing.
    Row("queues-unsaid", ("queues",), cells=("concurrent_deployments:race-2",), kit="habits"),
    _habit("replays", ('to = "snapshot"', 'to = "latest"'), flaws=("replays",)),
    Row(
        "replays-unsaid",
        ("replays",),
        (('to = "snapshot"\n', ""),),
        ("baseline:once",),
        "unknown",
        ("restore.ends_later",),
        "to =",
        kit="habits",
    ),
    _habit("offset", (_READ_BACK, _READ_BACK.replace("page={page}", "offset={offset}"))),
    _habit("link", (_READ_BACK, _READ_BACK.replace("?page={page}", "") + "next_link = true\n")),
    _habit("last-id", (_READ_BACK, _READ_BACK.replace("page={page}", "above={after}") + 'next_in_entry = "/id"\n')),
    _habit(
        "by-id",
        (_READ_BACK, '[load.read_back]\npath = "/notes/{id}"\ntoken = "/data/token"\npayload = "/data/payload"\n'),
    ),
    _habit("tokens-alone", (_READ_BACK, _READ_BACK + 'token = ""\npayload = ""\n'), flaws=("bare",)),
    _habit("lag", (_READ_BACK, _READ_BACK + "settle_s = 3\n"), flaws=("lag",)),
    Row("lag-unsaid", ("lag",), (), ("baseline:once",), "unknown", ("data.lags",), "settle_s", kit="habits"),
    _habit("login", (_CREATE, _ACCOUNTS + _CREATE), ("[claims]\n", _LOGIN + "[claims]\n"), flaws=("login",)),
    _habit(
        "tls",
        (URL, 'url = "https://localhost:{port}"\n' + _CERTIFIED),
        flaws=("tls", "parts"),
    ),
    _habit("unix", (URL, 'url = "unix:{dir}/run/socket"\n'), flaws=("unix",)),
    _habit("six", (URL, 'url = "http://[::1]:{port}"\n'), flaws=("six", "precedes")),
    _habit("migrates", (_CREATE, _STARTS + _CREATE), flaws=("migrates",)),
    _habit("linked", _with(DATA, 'mount = "{dir}"'), flaws=("linked",)),
    # Nothing stops it but the harness itself, which waits for what it drains.
    _habit(
        "drains",
        (_STOP, ""),
        ("bad_requests = 1500\ndeploy_outage_s = 4\nrollback_outage_s = 4", "bad_requests = 3000"),
        flaws=("supervised", "drains"),
    ),
    _habit("version-command", (_BY_HEADER, _BY_COMMAND)),
    # The one of which it is known how long its service is down for.
    Row(
        "gap",
        ("queues", "gap"),
        ((_CREATE, f"{_LOCK}waits_s = 10\n{_CREATE}"),),
        ("concurrent_deployments:race-2",),
        kit="habits",
        seen=gap_is_found,
    ),
    # Talked to by clients of their own.
    Row("redis", cells=_OWN, kit="redis"),
    Row("sql", cells=_OWN, kit="sql"),
    # Of others, by their own commands.
    Row("etcd", cells=(*_OWN, "disk_full:before-backup"), words=("--size", "5MB"), kit="others/etcd"),
    Row("directus", cells=_OWN, kit="others/directus"),
    Row("wagtail", cells=_OWN, words=("--size", "1MB"), kit="others/wagtail"),
)
# Talking to the service, its answers, its directory, its commands, its backups and their copies; its load.
QUICK = ("many", "b3")
