"""init: what a directory shows, and the system.toml that is made of it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tomllib
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from harness.config import schema
from harness.config.claims import CLAIMS
from harness.config.keys import keys_of
from harness.config.operations import OPERATIONS
from harness.config.reader import read_system
from harness.config.schema import SystemConfig
from harness.config.toml.shapes import ByName, One, Several
from harness.errors import ExitCode, HarnessError
from harness.scaffold.draft import left_to_do, write_draft

NODE = {
    "package.json": '{"scripts": {"start": "node server.js --port $PORT"}, "main": "server.js"}',
    "server.js": 'http.createServer(f).listen(process.env.PORT || 3000); if (url == "/healthz") {}',
    "backup.sh": "cp data/app.db backup/",
    "Makefile": "deploy:\n\tnpm ci\nrollback: deploy\n",
}
PYTHON = {"app.py": 'app.run(port=8123)\n@app.get("/health")\n@app.get("/version")', "restore.py": "..."}
DOCKER = {
    "Dockerfile": 'FROM debian\nEXPOSE 9090\nCMD ["./serve", "--config", "serve.conf"]\n',
    "serve.conf": "",
    "compose.yaml": """services:
  web:
    ports:
      - "80:9090"
  db-backup:
    image: restic
  store:
    image: postgres:16
""",
}
PROCFILE = {"Procfile": "web: bundle exec puma -p $PORT && echo\nworker: rake\n", "Gemfile": ""}


def folder_of(place: Path, files: dict[str, str], name: str = "my-system") -> Path:
    folder = place / name
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    folder.mkdir(exist_ok=True)
    return folder


def drafted(place: Path, files: dict[str, str]) -> SystemConfig:
    file, _ = write_draft(folder_of(place, files))
    return read_system(file)


def test_a_node_program_that_asks_for_its_port(tmp_path: Path) -> None:
    config = drafted(tmp_path, NODE)
    assert config.name == "my-system"
    assert config.service.start == ("node", "{system}/server.js", "--port", "{port}")
    assert (config.service.url, config.env) == ("http://127.0.0.1:{port}", {"PORT": "{port}"})
    assert config.service.health == config.service.ready == "/healthz"
    assert config.operations["backup"].command == ("sh", "{system}/backup.sh")
    assert config.operations["deploy"].command == ("make", "-C", "{system}", "deploy")
    assert set(config.operations) == {"backup", "deploy", "rollback"}


def test_a_python_program_with_a_fixed_port_and_a_database(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, PYTHON)
    with sqlite3.connect(folder / "notes.db") as database:
        database.execute("create table t (a)")
    (folder / "empty.db").write_text("")  # only the name says so
    file, found = write_draft(folder)
    config = read_system(file)
    assert config.service.start == ("python3", "{system}/app.py")
    assert config.service.url == "http://127.0.0.1:8123"
    assert (config.service.health, config.service.version) == ("/health", "/version")
    assert (config.data.kind, config.data.database) == ("sqlite", "{dir}/data/notes.db")
    assert config.operations["restore"].command == ("python3", "{system}/restore.py")
    assert "SQLite: notes.db" in found.said


def test_what_a_container_runs_is_said_and_is_no_command_of_this_host(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, DOCKER)
    file, found = write_draft(folder)
    text = file.read_text()
    assert tomllib.loads(text)["service"]["start"] == [""]
    assert tomllib.loads(text)["service"]["url"] == "http://127.0.0.1:9090"
    assert found.images == ("restic", "postgres:16")
    assert "containers have no way onto an island" in text
    assert any('["./serve", "--config", "serve.conf"]' in said for said in found.said)
    assert any("the service db-backup may be the backup of this kit" in said for said in found.said)


SHELL_KIT = """#!/bin/sh
set -eu
backup() { cp "$DATA" "$1"; }
case "${1:-}" in
start) shift; exec ./serve "$@" ;;
backup | dump) backup ;;
"verify-backup")
    check "$2" ;;
deploy) deploy "$2" ;;
rollback) rollback ;;
*) echo "usage: $0 backup|verify-backup FILE|deploy VERSION" >&2; exit 64 ;;
esac
"""


@pytest.mark.parametrize("case", ['case "${1:-}" in', "case $1 in", 'case "$command" in', 'case "$1" in (*.txt) ;;'])
def test_the_branches_of_a_shell_kit_are_operations(case: str, tmp_path: Path) -> None:
    config = drafted(tmp_path, {"kit.sh": SHELL_KIT.replace('case "${1:-}" in', case)})
    commands = {name: operation.command for name, operation in config.operations.items()}
    assert commands == {
        "backup": ("sh", "{system}/kit.sh", "backup"),
        "validate": ("sh", "{system}/kit.sh", "verify-backup", "{backup}"),
        "deploy": ("sh", "{system}/kit.sh", "deploy", "{version}"),
        "rollback": ("sh", "{system}/kit.sh", "rollback"),
    }
    assert config.service.start == ("sh", "{system}/kit.sh", "start")


def test_each_label_of_a_branch_is_one_and_the_first_line_says_what_runs_it(tmp_path: Path) -> None:
    kit = "#!/usr/bin/env bash\ncase $1 in\nup|start) ./serve ;;\nsave | backup) ./save ;;\nesac\n"
    config = drafted(tmp_path, {"ops.sh": kit})
    assert config.service.start == ("bash", "{system}/ops.sh", "start")
    assert config.operations["backup"].command == ("bash", "{system}/ops.sh", "backup")


def test_the_last_part_of_an_npm_script_names_it(tmp_path: Path) -> None:
    scripts = {"start": "node x.js", "db:backup": "", "deploy": "", "deploy:rollback": "", "backup:restore": ""}
    config = drafted(tmp_path, {"package.json": json.dumps({"scripts": scripts})})
    assert {name: operation.command[-1] for name, operation in config.operations.items()} == {
        "backup": "db:backup",
        "deploy": "deploy",
        "rollback": "deploy:rollback",
        "restore": "backup:restore",
    }


def test_what_is_left_to_do_names_the_key(tmp_path: Path) -> None:
    file, _ = write_draft(folder_of(tmp_path, {"notes.txt": ""}))
    assert left_to_do(file) == [f"read {file}: service.start[0]: must name a program"]


def test_the_subcommands_of_a_python_kit_are_operations(tmp_path: Path) -> None:
    kit = 'commands.add_parser("backup")\nrestore = commands.add_parser("restore", help="")\nrestore.add_argument("p")'
    config = drafted(tmp_path, {"kit.py": kit, "app.py": ""})
    assert config.operations["backup"].command == ("python3", "{system}/kit.py", "backup")
    assert config.operations["restore"].command == ("python3", "{system}/kit.py", "restore")


def test_a_line_of_a_procfile_may_be_an_operation(tmp_path: Path) -> None:
    config = drafted(tmp_path, {"Procfile": "web: ./serve\nbackup: pg_dump $DB > dump\nrelease: ./migrate\n"})
    assert config.operations["backup"].command == ("sh", "-c", "cd {system} && exec pg_dump $DB > dump")
    assert set(config.operations) == {"backup"}


def test_of_several_databases_the_one_that_is_written_to_is_taken(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, PYTHON)
    for name in ("a-fixture.db", "notes.db", "old.db"):
        with sqlite3.connect(folder / name) as database:
            database.execute("create table t (a)")
    os.utime(folder / "a-fixture.db", (1, 1))
    (folder / "notes.db-wal").write_text("")
    assert read_system(write_draft(folder)[0]).data.database == "{dir}/data/notes.db"


def test_every_guess_is_marked_as_one_and_says_where_it_comes_from(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, NODE)
    with sqlite3.connect(folder / "notes.db") as database:
        database.execute("create table t (a)")
    file, _ = write_draft(folder)
    guesses = dict(re.findall(r"^(\w+) = .*GUESS, from (.*)$", file.read_text(), re.M))
    assert guesses["start"] == "package.json"
    assert guesses["health"] == guesses["ready"] == guesses["PORT"] == "server.js"
    assert guesses["kind"] == guesses["database"] == "notes.db"
    commands = re.findall(r"^command = .*GUESS, from (.*)$", file.read_text(), re.M)
    assert commands == ["backup.sh", "Makefile, target deploy; does it need {version}?", "Makefile, target rollback"]


@pytest.mark.parametrize(
    ("files", "operation", "argv"),
    [
        ({"scripts/db-backup.sh": ""}, "backup", ("sh", "{system}/scripts/db-backup.sh")),
        ({"bin/roll_back.py": ""}, "rollback", ("python3", "{system}/bin/roll_back.py")),
        ({"Makefile": "verify-backup:\n"}, "validate", ("make", "-C", "{system}", "verify-backup")),
        (
            {"package.json": '{"scripts": {"db:restore": "x"}}'},
            "restore",
            ("npm", "--prefix", "{system}", "run", "--silent", "db:restore"),
        ),
        # A plain name before one with more words; a variable of make is no target.
        ({"a-backup.sh": "", "backup.sh": ""}, "backup", ("sh", "{system}/backup.sh")),
        ({"Makefile": "deploy := 1\n", "release.sh": ""}, "deploy", ("sh", "{system}/release.sh")),
    ],
)
def test_operations_are_known_by_the_names_that_kits_use(
    files: dict[str, str], operation: str, argv: tuple[str, ...], tmp_path: Path
) -> None:
    assert drafted(tmp_path, files | {"app.py": ""}).operations[operation].command == argv


@pytest.mark.parametrize(
    "file", ["validate-restore.sh", "src/models/status.py", "backup.txt", "no-backups-today-please.sh"]
)
def test_a_name_that_may_mean_something_else_is_no_guess(file: str, tmp_path: Path) -> None:
    assert drafted(tmp_path, {file: "", "app.py": ""}).operations == {}


def test_a_postgres_url_is_found_and_its_password_is_not_written_down(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, PYTHON | {".env": "DB=postgres://shop:s3cret@localhost:5432/shop\n"})
    file, _ = write_draft(folder)
    text = file.read_text()
    assert read_system(file).data.kind == "postgres"
    assert '# DATABASE_URL = "postgres://shop:PASSWORD@localhost:5432/shop"  # GUESS, from .env' in text
    assert "s3cret" not in text


def test_a_command_of_a_shell_stays_one(tmp_path: Path) -> None:
    config = drafted(tmp_path, PROCFILE)
    assert config.service.start == ("sh", "-c", "cd {system} && exec bundle exec puma -p $PORT && echo")
    assert config.env == {"PORT": "{port}"}


def test_where_nothing_is_found_one_key_is_to_be_filled_in_and_the_error_names_it(tmp_path: Path) -> None:
    file, found = write_draft(folder_of(tmp_path, {}))
    assert found.said == ()
    with pytest.raises(HarnessError) as caught:
        read_system(file)
    assert "service.start[0]" in str(caught.value)
    file.write_text(file.read_text().replace('start = [""]', 'start = ["./serve"]'))
    config = read_system(file)
    assert (config.service.start, config.operations, config.claims[0].limit) == (("./serve",), {}, 0)


@pytest.mark.parametrize("files", [{}, NODE, PYTHON, DOCKER, PROCFILE])
def test_every_example_of_the_file_is_right_once_it_is_uncommented(files: dict[str, str], tmp_path: Path) -> None:
    file, _ = write_draft(folder_of(tmp_path, files))
    text = re.sub(r"^# (?=[a-z_]+ = |\[)", "", file.read_text(), flags=re.MULTILINE).replace('[""]', '["x"]')
    file.write_text(text)
    config = read_system(file)
    assert set(config.operations) == set(OPERATIONS)
    assert config.load.read_back and config.links and config.monitors and config.waives and config.variants


def test_what_stands_there_instead_of_something_is_right_as_well(tmp_path: Path) -> None:
    file, _ = write_draft(folder_of(tmp_path, NODE))
    text = re.sub(r"^# (?=\[load.read_back\]|path = \"/items\?)", "", file.read_text(), flags=re.MULTILINE)
    file.write_text(re.sub(r"^#   (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    config = read_system(file)
    assert config.load.read_back and config.load.read_back.next_pattern and config.service.version_pattern


def test_every_key_there_is_stands_in_the_file_with_what_it_means(tmp_path: Path) -> None:
    text = write_draft(folder_of(tmp_path, {}))[0].read_text()
    tables = [c for c in vars(schema).values() if is_dataclass(c) and c.__module__ == schema.__name__]
    keys = [d for table in tables if isinstance(table, type) for d in keys_of(table)]
    declared = [d for d in keys if not isinstance(d.key.shape, One | ByName | Several)]
    missing = [d.name for d in declared if not re.search(rf"(^|[{{,]) *(# +)?{d.name} = ", text, re.M)]
    assert len(declared) > 60
    assert missing == []
    assert [key for key in CLAIMS if f"{key} = " not in text] == []


def test_one_that_is_there_is_left_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"system.toml": "mine"})
    with pytest.raises(HarnessError) as caught:
        write_draft(folder)
    assert "it has one, which is left alone" in str(caught.value)
    assert (caught.value.code, (folder / "system.toml").read_text()) == (ExitCode.USAGE, "mine")
    with pytest.raises(HarnessError, match="no such directory"):
        write_draft(tmp_path / "nowhere")


def test_whatever_the_files_hold_the_draft_is_toml(tmp_path: Path) -> None:
    nasty = "web: run \"\x1b[31m {what} ${HOME:-x} \\ \x7f\u2028 'unclosed\r\nweb: b"
    files = {"Procfile": nasty, "Dockerfile": 'CMD ["a', "package.json": '{"scripts": []}', "a\nb = 1.db": "x"}
    file, _ = write_draft(folder_of(tmp_path, files, name="..!\n[x]"))
    assert tomllib.loads(file.read_text())["name"] == "x-"
