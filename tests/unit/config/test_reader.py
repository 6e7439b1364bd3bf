"""system.toml: what is read, and how every mistake is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.config.placeholders import fill
from harness.config.programs import check_commands
from harness.config.reader import load_system, read_system
from harness.config.schema import EdgeConfig, OperationConfig, PhaseConfig
from harness.errors import ExitCode, HarnessError
from harness.model import Claim

WHOLE = """
name = "shop"
[service]
start = ["{python}", "{system}/kit.py", "start", "--version", "{version}"]
stop = ["{python}", "{system}/kit.py", "stop"]
url = "http://127.0.0.1:{port}"
deadline_ms = 500
access_log = "{dir}/logs/access.log"
logs = ["{dir}/logs"]
[env]
HOME_OF_SHOP = "{dir}"
KIT_FLAWS = ""
[data]
kind = "sqlite"
dir = "{dir}/data"
database = "{dir}/data/app.db"
backup_dir = "{dir}/backup"
[disks]
data = "64m"
[versions]
old = "1"
new = "2"
[operations.backup]
command = ["{python}", "{system}/kit.py", "backup"]
deadline_s = 20
[operations.validate]
command = ["{python}", "{system}/kit.py", "validate", "{backup}"]
[operations.rollback]
command = ["sh", "-c", "echo ${x} {1..3} {}"]
restores = true
[dependencies.s3]
start = ["sh", "serve", "{port}"]
health = "tcp://127.0.0.1:{port}"
port = 9000
[links.offsite]
upstream = "s3"
env = { OFFSITE_URL = "http://{link}/drill" }
[monitors.primary]
start = ["sh"]
health = "http://127.0.0.1:9101/status"
[load]
users = 3
[[load.requests]]
name = "create"
kind = "write"
method = "POST"
path = "/relationships"
body = '{"token": "{token}", "payload": "{payload}", "amount": {n}}'
headers = { Idempotency-Key = "{token}" }
[[load.requests]]
name = "get"
kind = "read"
path = "/relationships/{known}"
[load.read_back]
path = "/readback?after={after}&limit=2000"
[load.read_back.totals]
"/totals/balance_sum" = 1000000
[variants.plain_copy]
env = { KIT_FLAWS = "plain_copy" }
about = "copies the live file"
[variants.no_drain]
env = { KIT_FLAWS = "no_drain" }
[variants.loud]
env = { LOUD = "1" }
[claims]
rollback_s = 30
backup_s = { limit = 120, level = "p95", source = "review, line 12" }
bad_requests = 0
rollback_lost_writes = 0
deploy_outage_s = 0.5
[limits]
max_run_s = 90
[waive.power_loss]
reason = "no such disk here"
until = 2026-01-31
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    system = tmp_path / "bundled" / "shop-folder"
    system.mkdir(parents=True)
    (system / "system.toml").write_text(WHOLE)
    (system / "kit.py").write_text("")
    return system


def altered(folder: Path, old: str, new: str) -> Path:
    assert old in WHOLE
    (folder / "system.toml").write_text(WHOLE.replace(old, new, 1))
    return folder / "system.toml"


def refusal(file: Path) -> HarnessError:
    with pytest.raises(HarnessError) as caught:
        read_system(file)
    assert caught.value.code == ExitCode.USAGE
    return caught.value


@pytest.mark.parametrize("way", ["beside/../shop-folder", "link"])
def test_a_system_is_known_by_its_real_path_however_it_is_named(folder: Path, way: str) -> None:
    # An island has the folder itself, and neither the link nor the folder on the way.
    (folder.parent / "beside").mkdir()
    (folder.parent / "link").symlink_to(folder)
    assert load_system(folder.parent / way, folder.parent / "beside").folder == folder.resolve()


def test_a_whole_file_is_read_into_values(folder: Path) -> None:
    system = load_system("shop", folder.parent)
    assert system.name == "shop"
    assert system.folder == folder
    assert system.service.deadline_ms == 500
    assert system.service.health == "/health"
    assert system.disks.data_bytes == 64 * 2**20
    assert system.disks.backup_bytes == 512 * 2**20
    assert system.operations["backup"].deadline_s == 20
    assert system.operations["rollback"].restores
    assert system.links["offsite"].env == {"OFFSITE_URL": "http://{link}/drill"}
    assert system.load.requests[0].headers == {"Idempotency-Key": "{token}"}
    assert system.load.read_back is not None
    assert system.load.read_back.totals == {"/totals/balance_sum": 1_000_000.0}
    assert system.load.think_s == (0.05, 0.3)
    assert system.limits.max_run_s == 90


def test_a_link_may_lead_back_to_a_program_of_the_system_itself(folder: Path) -> None:
    link = 'near_port = 8081\nserves = true\nenv = { NEAR = "{near}", FRONT = "{link}" }\n[links.offsite]'
    file = altered(folder, "[links.offsite]", f"[links.service]\n{link}")
    links = read_system(file).links
    assert (links["service"].near_port, links["service"].serves, links["service"].upstream) == (8081, True, "")
    assert links["service"].env == {"NEAR": "{near}", "FRONT": "{link}"}
    assert (links["offsite"].near_port, links["offsite"].serves) == (0, None)


def test_claims_become_claims_of_the_model_with_level_and_source(folder: Path) -> None:
    claims = {(c.subject, c.measure): c for c in load_system("shop", folder.parent).claims}
    assert claims["rollback", "duration_s"] == Claim("rollback", "duration_s", 30.0, key="rollback_s")
    assert claims["backup", "duration_s"] == Claim("backup", "duration_s", 120.0, "p95", "review, line 12", "backup_s")
    assert claims["requests", "bad"].limit == 0
    assert claims["rollback", "lost_writes"].limit == 0
    assert claims["deploy", "outage_s"].limit == 0.5
    assert len(claims) == 5


@pytest.mark.parametrize("how", ["shop", "shop-folder", "path", "file"])
def test_a_system_is_found_by_name_by_folder_name_by_path_and_by_file(folder: Path, how: str) -> None:
    where = {"path": str(folder), "file": str(folder / "system.toml")}.get(how, how)
    assert load_system(where, folder.parent).file == folder / "system.toml"


def test_an_unknown_name_lists_the_bundled_ones_and_what_was_probably_meant(folder: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        load_system("shp", folder.parent)
    assert "did you mean 'shop'?" in caught.value.hint
    assert "shop-folder" in caught.value.hint


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "", "~nobody-at-all/x", "/dev/null/x"])
def test_an_impossible_path_is_a_plain_error(folder: Path, name: str) -> None:
    with pytest.raises(HarnessError):
        load_system(name, folder.parent / "nothing-here")


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ("deadline_ms", "dedline_ms", "service.dedline_ms", "did you mean 'deadline_ms'?"),
        ("[operations.backup]", "[operations.bakcup]", "operations.bakcup", "did you mean 'backup'?"),
        ("rollback_s = 30", "rolback_s = 30", "claims.rolback_s", "did you mean 'rollback_s'?"),
        ("[limits]", "[limit]", "limit", "did you mean 'limits'?"),
        ("limit = 120", "limt = 120", "claims.backup_s.limit", "'limt'?"),
        ('start = ["sh"]', 'strat = ["sh"]', "monitors.primary.start", "'strat'?"),
        ("restores = true", "restore = true", "operations.rollback.restore", "did you mean 'restores'?"),
        ("deadline_s = 20", "restores = true", "operations.backup.restores", "known here: checks_space, command,"),
        ('kind = "read"', 'kind = "raed"', "load.requests[1].kind", "did you mean 'read'?"),
        ('upstream = "s3"', 'upstream = "s4"', "links.offsite.upstream", "dependencies: s3"),
        ('upstream = "s3"', 'upstraem = "s3"', "links.offsite.upstraem", "did you mean 'upstream'?"),
        ('upstream = "s3"', "", "links.offsite.upstream", "near_port = a port of the system itself"),
        ('upstream = "s3"', 'upstream = "s3"\nnear_port = 9', "links.offsite.upstream", "near_port = a port"),
        ("{link}/drill", "{lnik}/drill", "links.offsite.env.OFFSITE_URL", "did you mean 'link'?"),
        ('"{dir}/logs/access.log"', '"{dirr}/a"', "service.access_log", "did you mean 'dir'?"),
        ("{backup}", "{bakup}", "operations.validate.command[3]", "did you mean 'backup'?"),
        ("{known}", "{unknown}", "load.requests[1].path", "{known}"),
    ],
)
def test_a_misspelt_word_is_named_with_what_was_meant(folder: Path, old: str, new: str, key: str, hint: str) -> None:
    error = refusal(altered(folder, old, new))
    assert error.what == f"read {folder / 'system.toml'}: {key}"
    assert hint in error.hint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "shop"', "", "name: is required and missing"),
        ('url = "http://127.0.0.1:{port}"', "", "service.url: is required and missing"),
        ("users = 3", 'users = "3"', "load.users: must be a number, not text"),
        ("users = 3", "users = true", "load.users: must be a number, not true/false"),
        ("users = 3", "users = 2.5", "load.users: is 2.5, and must be a whole number"),
        ("users = 3", "users = 0", "load.users: is 0"),
        ("rollback_s = 30", "rollback_s = nan", "claims.rollback_s: is nan"),
        ("rollback_s = 30", "rollback_s = -1", "claims.rollback_s: is -1"),
        ('old = "1"', "old = 1", "versions.old: must be text, not a number"),
        ('start = ["sh"]', 'start = "sh"', "nothing goes through a shell"),
        ('start = ["sh"]', "start = []", "monitors.primary.start: must not be empty"),
        ('data = "64m"', 'data = "64 apples"', "disks.data: '64 apples' is not a size"),
        ('data = "64m"', 'data = "64k"', "too small for a file system"),
        ("port = 9000", "port = 90000", "dependencies.s3.port: is 90000"),
        ('level = "p95"', 'level = "often"', "claims.backup_s.level: is 'often'"),
        ("bad_requests = 0", 'bad_requests = { limit = 0, level = "p95" }', "claims.bad_requests.level: is 'p95'"),
        ("until = 2026-01-31", 'until = "2026-01-31"', "waive.power_loss.until: must be a date, not text"),
        ("until = 2026-01-31", "", "waive.power_loss.until: is required and missing"),
        ('reason = "no such disk here"', 'reason = " "', "waive.power_loss.reason: is blank"),
        ("http://127.0.0.1:{port}", "http://shop.example:80", "service.url: shop.example is not this host"),
        ("http://127.0.0.1:9101", "http://10.0.0.1:9101", "is not an address of this host"),
        ("after={after}", "after=0", "load.read_back.path: has no {after}"),
        ('"amount": {n}}', '"amount": {n}', "load.requests[0].body: is not JSON once filled in"),
        ('name = "get"', 'name = "create"', "two requests have the name 'create'"),
        ('kind = "write"', 'kind = "read"', "load.write_rate: needs a request of kind write"),
        ('"/totals/balance_sum"', '"totals"', "is not a JSON pointer"),
        ('stop = ["{python}"', 'stop = ["a\\u0000b"', "holds a NUL byte"),
        ('name = "shop"', 'name = "../shop"', "is not a name"),
        ("[limits]", "[[limits]]", "limits: must be a table, not a list"),
        ("users = 3", "users = 3\narrival_rate = 60", "load.users: has no effect beside arrival_rate = 60"),
        ("users = 3", "think_s = [1, 2]\narrival_rate = 60", "load.think_s: has no effect beside arrival_rate = 60"),
        ("users = 3", "think_s = [2, 1]", "load.think_s: runs from 2 down to 1"),
        ('path = "/relationships/{known}"', 'path = "/für/{known}"', "starts with / and has no spaces; ü is %C3%BC"),
        ('Key = "{token}"', 'Key = "ü{token}"', "load.requests[0].headers.Idempotency-Key: 'ü{token}' cannot be sent"),
        ('Key = "{token}"', 'Key = "a\\nb"', "cannot be sent in a header"),
        ("users = 3", "users = ", "at line"),
    ],
)
def test_a_wrong_value_is_told_where_and_why(folder: Path, old: str, new: str, words: str) -> None:
    assert words in str(refusal(altered(folder, old, new)))


@pytest.mark.parametrize(
    ("old", "new"), [('name = "shop"', f'name = "{"a" * 70_000}"'), ("[disks]", f"[disks]\n{'k' * 70_000} = 1")]
)
def test_a_value_or_key_of_any_length_is_told_in_a_message_of_some_lines(folder: Path, old: str, new: str) -> None:
    with pytest.raises(HarnessError) as refused:
        read_system(altered(folder, old, new))
    assert len(str(refused.value)) < 2000
    assert "is not a name" in refused.value.why or "unknown key" in refused.value.why


def test_bytes_that_are_not_utf8_are_told_with_their_line(folder: Path) -> None:
    (folder / "system.toml").write_bytes(b'name = "shop"\n# \xff\n')
    assert "line 2 is not UTF-8" in str(refusal(folder / "system.toml"))


def test_a_variant_changes_the_environment_and_only_that(folder: Path) -> None:
    plain = load_system("shop", folder.parent)
    flawed = load_system("shop", folder.parent, variants=("plain_copy", "loud"))
    assert plain.env["KIT_FLAWS"] == ""
    assert flawed.env == {"HOME_OF_SHOP": "{dir}", "KIT_FLAWS": "plain_copy", "LOUD": "1"}
    assert flawed.active == ("plain_copy", "loud")


def test_two_variants_that_would_hide_each_other_are_refused(folder: Path) -> None:
    with pytest.raises(HarnessError, match="another variant already sets KIT_FLAWS"):
        load_system("shop", folder.parent, variants=("plain_copy", "no_drain"))


def test_several_variants_share_a_variable_when_the_file_says_what_joins_them(folder: Path) -> None:
    altered(folder, 'name = "shop"', 'name = "shop"\njoined = { KIT_FLAWS = "," }')
    flawed = load_system("shop", folder.parent, variants=("plain_copy", "no_drain", "loud"))
    assert (flawed.env["KIT_FLAWS"], flawed.env["LOUD"]) == ("plain_copy,no_drain", "1")


def test_an_empty_joint_is_refused(folder: Path) -> None:
    file = altered(folder, 'name = "shop"', 'name = "shop"\njoined = { KIT_FLAWS = "" }')
    assert "joined.KIT_FLAWS: is empty" in str(refusal(file))


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ('shown_by = ["a:b"]', "codes: is missing beside shown_by"),
        ('observation = "lost"', "shown_by: is missing beside observation"),
        ('codes = ["a.b"]', "shown_by: is missing beside codes"),
        ('shown_by = ["a:b"]\ncodes = ["a.b"]\nobservation = "lost"', "observation: stands beside codes"),
        ('shown_by = ["a:b"]\nobservation = "lost"\nwhere = { a = 1 }', "where: has no effect without codes"),
        ('shown_by = ["a:b"]\ncodes = ["a.b"]\nwhere = { a.b = 2026-01-01 }', "where.a.b: is datetime.date"),
        ('shown_by = ["a:b"]\ncodes = ["a.b"]\nwhere = { a = [] }', "where.a: is []"),
    ],
)
def test_a_flaw_says_both_which_cell_shows_it_and_how(folder: Path, there: str, said: str) -> None:
    file = altered(folder, 'about = "copies the live file"', there)
    assert f"variants.plain_copy.{said}" in str(refusal(file))


def test_the_details_of_a_flaws_findings_may_stand_in_tables(folder: Path) -> None:
    there = 'shown_by = ["a:b"]\ncodes = ["a.b | c.d", "e.f"]\nwhere = { end.exit = 1, name = ["x", "y"], own = true }'
    flaw = read_system(altered(folder, 'about = "copies the live file"', there)).variants["plain_copy"]
    assert flaw.codes == ("a.b | c.d", "e.f")
    assert flaw.where == {"end": {"exit": 1}, "name": ["x", "y"], "own": True}


def test_an_unknown_variant_is_refused_with_what_was_meant(folder: Path) -> None:
    with pytest.raises(HarnessError, match="did you mean 'plain_copy'"):
        load_system("shop", folder.parent, variants=("plain-copy",))


def test_commands_that_exist_pass_the_check(folder: Path) -> None:
    check_commands(load_system("shop", folder.parent), {"python": sys.executable})


def test_a_program_that_does_not_exist_is_named_with_its_key(folder: Path) -> None:
    system = read_system(altered(folder, 'start = ["sh"]', 'start = ["no-such-program-here"]'))
    with pytest.raises(HarnessError) as caught:
        check_commands(system, {"python": sys.executable})
    assert "monitors.primary.start: there is no program 'no-such-program-here'" in str(caught.value)


def test_a_script_missing_from_the_folder_of_the_system_is_named(folder: Path) -> None:
    (folder / "kit.py").unlink()
    with pytest.raises(HarnessError, match=r"service.start: there is no .*kit\.py"):
        check_commands(load_system("shop", folder.parent), {"python": sys.executable})


# -- operations of the user's own -------------------------------------------------------------------------------------
def with_operation(folder: Path, name: str, more: str = "") -> Path:
    return altered(folder, "[operations.backup]", f'[operations.{name}]\ncommand = ["sh"]\n{more}\n[operations.backup]')


def test_an_operation_of_ones_own_has_the_keys_of_any_operation(folder: Path) -> None:
    operations = read_system(with_operation(folder, "canary", "deadline_s = 5")).operations
    assert operations["canary"] == OperationConfig("canary", ("sh",), 5.0, own=True)
    assert not operations["backup"].own


def test_a_name_close_to_a_known_operation_is_ones_own_only_if_it_says_so(folder: Path) -> None:
    assert read_system(with_operation(folder, "redeploy", "own = true")).operations["redeploy"].own
    error = refusal(with_operation(folder, "redeploy"))
    assert error.what.endswith("operations.redeploy")
    assert "did you mean 'deploy'?" in error.hint and "own = true" in error.hint


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("reset", "", "no scenario asks for it any more: leave it out"),
        ("wait", "", "operations.wait: is a step that the harness takes itself"),
        ("Canary", "", "is not the name of an operation"),
        ("canary-2", "", "lower-case letters, digits and _"),
        ("canary", "own = false", "operations.canary: unknown key"),
        ("canary", 'own = "yes"', "operations.canary.own: must be true or false"),
        ("canary", "restores = true", "operations.canary.restores: unknown key"),
        ("deploy", "own = true", "operations.deploy.own: unknown key"),
    ],
)
def test_what_no_operation_of_ones_own_can_be_is_told(folder: Path, name: str, more: str, words: str) -> None:
    assert words in str(refusal(with_operation(folder, name, more)))


# -- placeholders ----------------------------------------------------------------------------------------
def test_only_lower_case_names_in_braces_are_placeholders() -> None:
    text = '{"a": {"b": {n}}, "c": "{} {1..3} ${X} {Y}"}'
    assert fill(text, {"n": "5"}) == '{"a": {"b": 5}, "c": "{} {1..3} ${X} {Y}"}'


def test_what_a_value_brings_is_not_filled_again() -> None:
    assert fill(("{dir}", "x{port}"), {"dir": "{port}", "port": "1"}) == ("{port}", "x1")


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(HarnessError, match=r"\{prot\} means nothing here"):
        fill("{prot}", {"port": "1"})


# -- any file at all -----------------------------------------------------------------------------------------------
LINES = WHOLE.splitlines()
VALUES = [
    "1",
    "-1",
    '""',
    '"x"',
    "true",
    "[]",
    "{}",
    "nan",
    "inf",
    "2026-01-01",
    "[[1]]",
    '"{x}"',
    "9" * 30,
    '"\\u0000"',
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The whole file with a few lines dropped, doubled, moved or given another value, or a few characters changed."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(("drop", "double", "value", "swap", "key")))
        if how == "drop":
            lines[at] = ""
        elif how == "double":
            lines.insert(at, lines[at])
        elif how == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif "=" in lines[at]:
            key, value = lines[at].split("=", 1)
            lines[at] = f"{key}= {draw(st.sampled_from(VALUES))}" if how == "value" else f"{key.strip()}x ={value}"
    text = "\n".join(lines)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + draw(st.text(max_size=2)) + text[at + 1 :]
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=mutated())
def test_any_file_is_read_or_refused_in_a_sentence(folder: Path, text: str) -> None:
    file = folder / "system.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert read_system(file).name
    except HarnessError as error:
        assert str(file) in error.what
        assert error.why


# -- systems that know nothing of us -------------------------------------------------------------------------------
PHASES = """
[phases."backup.copy"]
start = { log = '^copying', nth = 2 }
stop = { bytes = "1m", path = "{dir}/backup" }
[phases."validate.look"]
operation = "validate"
stop = { syscall = "execve", path = '/sqlite3$' }
"""


def test_phases_are_edges_with_dotted_names(folder: Path) -> None:
    (folder / "system.toml").write_text(WHOLE + PHASES)
    copy, look = read_system(folder / "system.toml").phases
    assert copy == PhaseConfig(
        "backup.copy",
        "backup",
        EdgeConfig("log", "^copying", nth=2),
        EdgeConfig("bytes", path="{dir}/backup", size_bytes=2**20),
    )
    assert (look.operation, look.start, look.stop) == (
        "validate",
        None,
        EdgeConfig("syscall", "/sqlite3$", call="execve"),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"backup.copy"', "backup.copy", 'needs quotes: [phases."backup.copy"]'),
        ('"backup.copy"', '"copy.it"', "there is no [operations.copy]"),
        ('"backup.copy"', '"backup"', "backup is the operation itself"),
        ("log = ", "logs = ", "one of log, bytes, syscall"),
        ("log = ", "bytes = 1, log = ", "one of log, bytes, syscall"),
        ("'^copying'", "'('", "is not a regular expression"),
        ("nth = 2", "nth = 0", "from 1 to"),
        ("nth = 2", "count = 2", "start.count: unknown key"),
        ('"1m"', "0", "is 0, which is there from the start"),
        (', path = "{dir}/backup"', "", "stop.path: is required"),
        ('"execve"', '"exec"', "did you mean 'execve'?"),
        ("stop = { syscall = \"execve\", path = '/sqlite3$' }", "", "neither start nor stop is there"),
    ],
)
def test_a_mistake_in_a_phase_is_told(folder: Path, old: str, new: str, said: str) -> None:
    assert PHASES.count(old) == 1
    (folder / "system.toml").write_text(WHOLE + PHASES.replace(old, new))
    with pytest.raises(HarnessError) as caught:
        read_system(folder / "system.toml")
    assert "phases." in str(caught.value) and said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "write"', 'kind = "write"\nexpect_status = ["2xx"]', "a list of HTTP statuses"),
        ('kind = "write"', 'kind = "write"\nexpect_body = "["', "is not a regular expression"),
        ('method = "POST"', 'method = "HEAD"\nexpect_body = "x"', "the answer to a HEAD has no body"),
        ("body = '{", "body = 'token={token}&{", 'headers = { Content-Type = "..." }'),
        ("&limit=2000", '&limit=2000"\npattern = "x', "pattern: has no group token"),
        ("[load.read_back]", "[load.read_back]\nnext_pattern = 'x'", "only means something beside pattern"),
    ],
)
def test_a_mistake_in_what_is_expected_is_told(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(HarnessError) as caught:
        read_system(altered(folder, old, new))
    assert said in str(caught.value)


READ_BACK = """path = "/readback?after={after}&limit=2000"
[load.read_back.totals]
"/totals/balance_sum" = 1000000
"""
ENTRY = "pattern = '(?P<token>t) (?P<payload>p)'"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (f'path = "/all"\n{ENTRY}', ""),
        (f'path = "/all/{{after}}"\n{ENTRY}\nnext_pattern = "(n)"\nexpect_body = "end"', ""),
        (f'path = "/all/{{after}}"\n{ENTRY}', "nothing says what comes after a page"),
        (f'path = "/all"\n{ENTRY}\nnext_pattern = "(n)"', "path: has no {after}"),
        (f'path = "/all/{{after}}"\n{ENTRY}\nnext_pattern = "n"', "next_pattern: has no group"),
        (f'path = "/all"\nitems = "/items"\n{ENTRY}', "items: is a JSON pointer"),
    ],
)
def test_a_read_back_by_patterns(folder: Path, new: str, said: str) -> None:
    file = altered(folder, READ_BACK, f"{new}\n")
    if not said:
        assert read_system(file).load.read_back
        return
    with pytest.raises(HarnessError) as caught:
        read_system(file)
    assert said in str(caught.value)


# -- a system that runs already ------------------------------------------------------------------------------------
ATTACHED = """
name = "shop"
[service]
attach = true
url = "http://127.0.0.1:8080"
[versions]
old = "1"
new = "2"
[operations.backup]
command = ["sh", "{system}/backup.sh"]
[load]
write_rate = 0
[[load.requests]]
name = "list"
kind = "read"
path = "/notes"
[limits]
allow_hosts = ["shop.staging"]
"""


def attached(folder: Path, old: str = "", new: str = "") -> Path:
    file = folder / "system.toml"
    assert old in ATTACHED
    file.write_text(ATTACHED.replace(old, new) if old else ATTACHED)
    return file


def test_a_system_that_runs_already_needs_no_start_and_no_places(folder: Path) -> None:
    config = read_system(attached(folder))
    assert config.service.attach and config.service.start == () and config.data.dir == ""


@pytest.mark.parametrize(
    "url", ["http://shop.staging:8080", "http://shop.staging/app", "http://[::1]:80", "http://localhost"]
)
def test_this_host_and_those_allowed_may_be_loaded(folder: Path, url: str) -> None:
    assert read_system(attached(folder, "http://127.0.0.1:8080", url)).service.url == url


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "127.0.0.1",
            "shop.example",
            "service.url: shop.example is not this host, and limits.allow_hosts does not name",
        ),
        ("127.0.0.1", "shop.staging.evil.example", "is not this host"),
        ("http://127.0.0.1:8080", "http://shop.staging@evil.example", "is not an address that can be loaded"),
        ("http://127", "ftp://127", "is not an address that can be loaded"),
        ("attach = true", 'attach = true\nstart = ["sh"]', "service.start: is not done to a system that runs already"),
        ("attach = true", 'attach = true\nstop = ["sh"]', "service.stop: is not done to a system that runs already"),
        ("attach = true", "attach = 1", "service.attach: must be true or false, not a number"),
        ("[operations.backup]", '[operations.seed]\ncommand = ["sh"]\n[operations.backup]', "operations.seed: is not"),
        ("[versions]", '[disks]\ndata = "64m"\n[versions]', "disks: is of an island"),
        ("[versions]", '[monitors.a]\nstart = ["sh"]\n[versions]', "monitors: is of an island"),
        ("{system}/backup.sh", "{dir}/backup.sh", "operations.backup.command[1]: {dir} is of an island"),
        ("attach = true", 'attach = true\nlogs = ["{dir}/logs"]', "service.logs[0]: {dir} is of an island"),
        (
            "[versions]",
            '[phases."backup.copy"]\nstart = { syscall = "execve" }\n[versions]',
            'phases."backup.copy".start: a kit held at system calls leaves programs behind',
        ),
        ("127.0.0.1:8080", "127.0.0.1:99999", "is not an address that can be loaded"),
        ("127.0.0.1:8080", "127.0.0.1/#/app", "is not an address that can be loaded"),
        ("127.0.0.1:8080", "127.0.0.1/?shop=1", "is not an address that can be loaded"),
        ("127.0.0.1:8080", "[::::]", "is not an address that can be loaded"),
        ("127.0.0.1:8080", "shop..staging", "is not an address that can be loaded"),
        ("127.0.0.1:8080", "127.0.0.1/ü", "is not an address that can be loaded"),
        ("[versions]", f"[waive{'.x' * 2000}]\n[versions]", "waive.x.reason: is required and missing"),
        ("attach = true", 'start = ["sh"]', "limits.allow_hosts: is for a system that runs already"),
        ("[limits]", "unheard = 1\n[limits]", "load.requests[0].unheard: unknown key"),
        ('name = "shop"', 'name = "shop"\nunheard = 1', "unheard: unknown key"),
    ],
)
def test_what_a_system_that_runs_already_cannot_have_is_told(folder: Path, old: str, new: str, words: str) -> None:
    assert words in str(refusal(attached(folder, old, new)))


def test_operations_that_are_no_table_are_told(folder: Path) -> None:
    file = attached(folder, 'name = "shop"', 'name = "shop"\noperations = 5')
    file.write_text(file.read_text().replace('[operations.backup]\ncommand = ["sh", "{system}/backup.sh"]\n', ""))
    assert "operations: must be a table, not a number" in str(refusal(file))
