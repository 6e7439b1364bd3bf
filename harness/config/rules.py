"""What holds between the keys of a system.toml: each rule in words, and as the check that the reader makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from pathlib import PurePath

from harness.config.keys import Rule
from harness.config.placeholders import PLACEHOLDER, REQUEST, complaint, unknown
from harness.config.programs import commands
from harness.config.schema import (
    BackupsConfig,
    ClientConfig,
    DataConfig,
    LinkConfig,
    MonitorConfig,
    ReadBackConfig,
    RequestTemplate,
    ServiceConfig,
    SystemConfig,
    SystemLoadConfig,
    VariantConfig,
)
from harness.config.suggest import did_you_mean
from harness.config.toml.shapes import PAGES, check_url, is_here
from harness.config.toml.table import Table

_SAMPLE = {"token": "t-0000000", "payload": "0" * 32, "known": "t-0000001", "id": "7", "n": "7"}


# -- [data] ----------------------------------------------------------------------------------------------------------
def _mount_is_above(table: Table, data: DataConfig) -> None:
    mount = data.mount.rstrip("/")
    if mount and data.dir.rstrip("/") != mount and not data.dir.startswith(f"{mount}/"):
        table.fail("mount", f"is {data.mount!r}, and data.dir is not below it", f"a directory above {data.dir}")
    if mount and f"{mount}/".startswith(f"{data.backup_dir.rstrip('/')}/"):
        table.fail("mount", "is the place of the backup disk", "the data and their backups have a disk each")


# -- [links.NAME], [variants.NAME] -----------------------------------------------------------------------------------
def _leads_somewhere(table: Table, link: LinkConfig) -> None:
    if bool(link.upstream) == bool(link.near_port):
        both = "both are there" if link.upstream else "neither is there"
        hint = "upstream = a dependency at the far side, near_port = a port of the system itself"
        table.fail("upstream", f"a link has either upstream or near_port, and {both}", hint)


def _speaks_one_way(table: Table, monitor: MonitorConfig) -> None:
    if bool(monitor.health) == bool(monitor.file):
        why = "stands beside file" if monitor.health else "is missing, and so is file"
        table.fail("health", why, "health = where the monitor answers, or file = what it writes while it looks")
    if monitor.pattern and not monitor.file:
        table.fail("pattern", "only means something beside file", "leave it out")


def _is_shown(table: Table, variant: VariantConfig) -> None:
    sign = "codes" if variant.codes else "observation" if variant.observation else ""
    if sign and not variant.shown_by:
        table.fail("shown_by", f"is missing beside {sign}", "name the cells that show the flaw")
    if variant.shown_by and not sign:
        hint = "a flaw has both: the cells that show it, and the finding codes that they must fail with"
        table.fail("codes", "is missing beside shown_by", hint)
    if variant.codes and variant.observation:
        table.fail("observation", "stands beside codes", "leave one out: a flaw is told by its codes or by a sentence")
    if variant.where and not variant.codes:
        table.fail("where", "has no effect without codes", "name the finding codes whose details these are")


# -- [load] ----------------------------------------------------------------------------------------------------------
def _has_no_users(table: Table, load: SystemLoadConfig) -> None:
    for idle in ("users", "think_s"):
        if load.arrival_rate and idle in table:
            why = f"has no effect beside arrival_rate = {load.arrival_rate:g}, which needs no users"
            table.fail(idle, why, "leave one out")


def _names_differ(table: Table, load: SystemLoadConfig) -> None:
    names = [request.name for request in load.requests]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        table.fail("requests", f"two requests have the name {twice!r}", "samples are told apart by it")


def _something_is_sent(table: Table, load: SystemLoadConfig) -> None:
    if not any(request.weight for request in load.requests):
        table.fail("requests", "no request has a weight above 0, so nothing would be sent")


def _something_is_written(table: Table, load: SystemLoadConfig) -> None:
    if load.write_rate and not any(request.kind == "write" for request in load.requests):
        table.fail("write_rate", "needs a request of kind write, and there is none", "add one, or write_rate = 0")


def _are_known(table: Table, where: str, request: RequestTemplate | ReadBackConfig, known: Set[str]) -> None:
    texts = {"path": request.path, "body": request.body}
    texts |= {f"headers.{name}": text for name, text in request.headers.items()}
    for key, text in texts.items():
        if stranger := unknown(text, known):
            table.fail(f"{where}.{key}", *complaint(stranger, known))


def _variables_are_taken(table: Table, load: SystemLoadConfig) -> None:
    """Every placeholder of a request is one of a request's, or a variable that the login takes."""
    known = {key for account in load.accounts[:1] for key in account}
    for number, step in enumerate(load.login):
        for text in (step.path, step.body, *step.headers.values()):
            if stranger := unknown(text, known):
                table.fail(f"login[{number}]", *complaint(stranger, known))
        for name in step.takes:
            if name in REQUEST | PAGES or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                why = f"{name} cannot be a variable" if name not in REQUEST | PAGES else f"{{{name}}} is another thing"
                table.fail(f"login[{number}]", why, "a name of lower-case letters, such as access")
        known |= set(step.takes)
    taken = known - {key for account in load.accounts[:1] for key in account}
    for number, request in enumerate(load.requests):
        _are_known(table, f"requests[{number}]", request, REQUEST | taken)
    if load.read_back:
        _are_known(table, "read_back", load.read_back, PAGES | {"id"} | taken)
    if stranger := unknown(" ".join(load.headers.values()), taken):
        table.fail("headers", *complaint(stranger, taken))
    for key in ("accounts", "renew_s"):
        if key in table and not load.login:
            table.fail(key, "has no effect without [[load.login]]", "say how a client logs in")


def _ids_are_told(table: Table, load: SystemLoadConfig) -> None:
    told = [r.name for r in load.requests if r.kind == "write" and r.id]
    asked = [r.name for r in load.requests if any("{id}" in text for text in r.texts)]
    by_id = load.read_back is not None and load.read_back.by_id
    if (asked or by_id) and not told:
        table.fail("requests", "{id} is asked for, and no write tells one", 'id = "/id", the pointer into its answer')
    if by_id and (without := [r.name for r in load.requests if r.kind == "write" and not r.id]):
        why = f"reads each write by its id, and the write {without[0]!r} tells none"
        table.fail("read_back.path", why, f"id = ... in the request {without[0]}, or leave that out")


def _only_writes_have_ids(table: Table, request: RequestTemplate) -> None:
    if request.id and (request.kind != "write" or request.method == "HEAD"):
        table.fail("id", f"is told by the answer to a write, and this is a {request.kind}", "leave it out")


def _range_of_whole_numbers(table: Table, load: SystemLoadConfig) -> None:
    if any(value != int(value) for value in load.n):
        table.fail("n", f"is {list(load.n)}", "two whole numbers, such as [1, 500]")


def _answer_has_body(table: Table, request: RequestTemplate) -> None:
    if request.method == "HEAD" and request.expect_body:
        table.fail("expect_body", "the answer to a HEAD has no body", "use GET")


def _body_is_json(table: Table, request: RequestTemplate) -> None:
    if request.body and not any(
        n.lower() == "content-type" and "json" not in v.lower() for n, v in request.headers.items()
    ):
        try:
            json.loads(PLACEHOLDER.sub(lambda found: _SAMPLE.get(found[1], "7"), request.body))
        except (ValueError, RecursionError) as error:
            another = 'another kind needs headers = { Content-Type = "..." }'
            hint = f'quote text placeholders: {{"token": "{{token}}"}}; {another}'
            table.fail("body", f"is not JSON once filled in: {error}", hint)


def _one_way_to_read(table: Table, read_back: ReadBackConfig) -> None:
    pointers = [key for key in ("items", "token", "payload", "next", "totals") if key in table]
    if read_back.pattern and pointers:
        why = "is a JSON pointer, and with pattern no answer is read as JSON"
        table.fail(pointers[0], why, "leave one of them out")
    for key in ("next_pattern", "expect_body"):
        if getattr(read_back, key) and not read_back.pattern:
            table.fail(key, "only means something beside pattern", "or read JSON, with items, token, payload and next")


def _pages_follow(table: Table, read_back: ReadBackConfig) -> None:
    if read_back.pattern and read_back.next_in_entry:
        table.fail("next_in_entry", "is a JSON pointer, and with pattern no answer is read as JSON", "next_pattern")
    if read_back.next_pattern and not re.compile(read_back.next_pattern).groups:
        why = "has no group, and its group 1 is what {after} is filled with"
        table.fail("next_pattern", why, "write ( ) around it")
    ways = [key for key in ("next", "next_pattern", "next_in_entry", "next_link") if key in table]
    if len(ways) > 1 or (ways and read_back.counted):
        other = ways[1] if len(ways) > 1 else "a {page} or {offset} in path"
        table.fail(ways[0], f"stands beside {other}, which tells the next page too", "leave one of them out")
    if read_back.counted or read_back.next_link:
        return
    if read_back.by_id:
        return
    pages = not read_back.pattern or bool(read_back.next_pattern or read_back.next_in_entry)
    after = "{after}" in read_back.path + read_back.body
    if pages and not after and "next" not in table:
        hint = "/readback?after={after}, or ?page={page}, ?offset={offset}, next_link = true, next = POINTER to a link"
        table.fail("path", "has no {after}, so the second page would be the first again", hint)
    if not pages and after:
        table.fail("path", "has {after}, and nothing says what comes after a page", "add next_pattern")


# -- between tables --------------------------------------------------------------------------------------------------
def _is_loadable(top: Table, config: SystemConfig) -> None:
    allowed = config.limits.allow_hosts if config.service.attach else None
    if config.client:
        return  # it is given the address as it is
    if not config.service.url:
        top.fail("service.url", "is required and missing", "such as http://127.0.0.1:{port}; or a [client] of your own")
    check_url(top, "service.url", config.service.url, allowed)
    if not config.service.verify and not is_here(config.service.url):
        why = "is false, and the address is of another host: whoever sits between could read and change all of it"
        top.fail("service.verify", why, "name the authority of its certificate in service.ca_file")


def _keys_of_https(table: Table, service: ServiceConfig) -> None:
    if service.url.startswith("https:"):
        return
    for key in ("ca_file", "cert_file", "key_file", "verify"):
        if key in table:
            table.fail(key, f"has no effect with {service.url}", 'url = "https://...", or leave it out')


def _version_told_once(table: Table, service: ServiceConfig) -> None:
    ways = [key for key in ("version_header", "version_command") if key in table]
    if len(ways) > 1:
        table.fail(ways[1], f"stands beside {ways[0]}", "leave one of them out")
    if ways and service.version_pattern and ways[0] == "version_header":
        table.fail(
            "version_pattern", "looks into a body, and version_header takes the header as it is", "leave one out"
        )


def _listed_one_way(table: Table, backups: BackupsConfig) -> None:
    if bool(backups.glob) == bool(backups.list):
        why = "stands beside list" if backups.glob else "is missing, and so is list"
        table.fail("glob", why, "glob = the paths of the backups, or list = a command that names them, with a pattern")
    if bool(backups.list) != bool(backups.pattern):
        table.fail("pattern", "goes with list, and only with it", "a regular expression with a group called id")


def _one_client(table: Table, client: ClientConfig) -> None:
    if bool(client.python) == bool(client.command):
        why = "stands beside command" if client.python else "is missing, and so is command"
        table.fail(
            "python", why, "python = a file with a harness.Client, or command = a program that answers JSON lines"
        )


def _requests_can_be_sent(top: Table, config: SystemConfig) -> None:
    """By HTTP each has a path; a client of the user's own is told what to do, and nothing else."""
    for number, request in enumerate(config.load.requests):
        key = f"load.requests[{number}]"
        if config.client is None and not request.path:
            top.fail(f"{key}.path", "is required and missing", "such as /items; or a [client] of your own")
        if config.client and (request.path or request.kind == "slow" or request.id):
            what = "path" if request.path else "kind" if request.kind == "slow" else "id"
            top.fail(
                f"{key}.{what}",
                "has no effect with a [client] of your own",
                "leave it out: it is asked to write or to read",
            )
    if config.client:
        there = {"read_back": config.load.read_back, "login": config.load.login, "totals": config.load.totals}
        for name in (n for n, value in there.items() if value):
            top.fail(f"load.{name}", "has no effect with a [client] of your own", "its read_all tells what is stored")


def _status_or_backups(top: Table, config: SystemConfig) -> None:
    if config.backups and "status" in config.operations:
        top.fail("backups", "stands beside [operations.status], which tells the same", "leave one of them out")


def _locks_are_of_operations(top: Table, config: SystemConfig) -> None:
    for name, lock in config.locks.items():
        for operation in lock.operations:
            if operation not in config.operations:
                hint = did_you_mean(operation, config.operations) or f"operations: {', '.join(config.operations)}"
                top.fail(f"locks.{name}.operations", f"there is no [operations.{operation}]", hint)


def _needed_links_are_there(top: Table, config: SystemConfig) -> None:
    for name, operation in config.operations.items():
        for link in operation.needs_links or ():
            if link not in config.links:
                hint = did_you_mean(link, config.links) or f"links: {', '.join(config.links) or 'none'}"
                top.fail(f"operations.{name}.needs_links", f"there is no [links.{link}]", hint)


def _key_has_certificate(table: Table, service: ServiceConfig) -> None:
    if service.key_file and not service.cert_file:
        table.fail("key_file", "has no certificate beside it", "name that in cert_file")


def _probes_are_requests(top: Table, config: SystemConfig) -> None:
    there = {request.name: request for request in config.load.requests}
    for name in config.probe.requests:
        if name not in there:
            hint = did_you_mean(name, there) or f"requests: {', '.join(there)}"
            top.fail("probe.requests", f"there is no request {name!r} in [[load.requests]]", hint)
    if config.probe.requests and not any(there[name].kind == "read" for name in config.probe.requests):
        top.fail(
            "probe.requests", "names no request of kind read", "downtime is judged by one: name it beside the write"
        )


def _links_lead_to_dependencies(top: Table, config: SystemConfig) -> None:
    there = config.dependencies
    for name, link in config.links.items():
        if link.upstream and link.upstream not in there:
            hint = did_you_mean(link.upstream, there) or f"dependencies: {', '.join(there) or 'none'}"
            top.fail(f"links.{name}.upstream", f"no [dependencies.{link.upstream}]", hint)


def _phases_are_of_operations(top: Table, config: SystemConfig) -> None:
    for phase in config.phases:
        if phase.operation not in config.operations:
            hint = "name the operation that the phase is part of"
            top.fail(f"phases.{phase.name}.operation", f"there is no [operations.{phase.operation}]", hint)


def _no_relative_files(top: Table, config: SystemConfig) -> None:
    """Commands run in {dir}, which is empty at first: a relative path means the file beside the system.toml there."""
    for key, argv in () if config.service.attach else commands(config).items():
        for word in (w for w in argv if "/" in w or PurePath(w).suffix):
            if not word.startswith(("/", "{", "-", "~")) and (config.folder / word).is_file():
                why = f"{word!r} is a relative path, and every command runs in {{dir}}, the run's own directory"
                top.fail(key, why, f"{{system}}/{PurePath(word)} is the file beside the system.toml")


def _joints_are_texts(top: Table, config: SystemConfig) -> None:
    for key in (key for key, between in config.joined.items() if not between):
        top.fail(f"joined.{key}", "is empty", 'what stands between two values, such as ","')


RULES: Mapping[type, tuple[Rule, ...]] = {
    ServiceConfig: (
        Rule("`ca_file`, `cert_file`, `key_file` and `verify` go with an `https://` address.", _keys_of_https),
        Rule("`key_file` goes with a `cert_file`.", _key_has_certificate),
        Rule("The version is told by a path, by `version_header` or by `version_command`.", _version_told_once),
    ),
    ClientConfig: (Rule("A client of your own is in Python or a program (`command`).", _one_client),),
    BackupsConfig: (Rule("Backups are found by `glob`, or by `list` with a `pattern`.", _listed_one_way),),
    DataConfig: (Rule("`mount` is `dir`, or a directory above it.", _mount_is_above),),
    LinkConfig: (Rule("A link has either `upstream` or `near_port`.", _leads_somewhere),),
    MonitorConfig: (Rule("A monitor has either `health` or `file` (with a `pattern`, if need be).", _speaks_one_way),),
    VariantConfig: (
        Rule("A flaw has `shown_by`, and either `codes` (with `where`, if need be) or an `observation`.", _is_shown),
    ),
    SystemLoadConfig: (
        Rule("Beside `arrival_rate` there are neither `users` nor `think_s`.", _has_no_users),
        Rule("No two requests have the same name.", _names_differ),
        Rule("At least one request has a weight above 0.", _something_is_sent),
        Rule("`write_rate` above 0 needs a request of kind `write`.", _something_is_written),
        Rule(
            "Each placeholder is one of a request's, or a variable that `[[load.login]]` takes.", _variables_are_taken
        ),
        Rule("`{id}` needs a write whose answer tells one (`id`).", _ids_are_told),
        Rule("`n` is a range of whole numbers.", _range_of_whole_numbers),
    ),
    RequestTemplate: (
        Rule('With `method = "HEAD"` there is no `expect_body`.', _answer_has_body),
        Rule("`id` is for a request of kind `write`.", _only_writes_have_ids),
        Rule("A `body` is JSON, unless `headers` names another `Content-Type`.", _body_is_json),
    ),
    ReadBackConfig: (
        Rule(
            "Pages are read as JSON (`items`, `token`, `payload`, `next`, `totals`) or by `pattern` (`next_pattern`, "
            "`expect_body`), not both.",
            _one_way_to_read,
        ),
        Rule(
            "The next page is told by one of `next`, `next_pattern` (which has a group) and `next_in_entry`, which "
            "fill `{after}` in `path` or `body`; by `next_link`; or by our own count, `{page}` or `{offset}`.",
            _pages_follow,
        ),
    ),
    SystemConfig: (
        Rule(
            "`service.url` is an address of this host, or (attached) one of `limits.allow_hosts`; `verify = false` is "
            "for this host only.",
            _is_loadable,
        ),
        Rule("`probe.requests` names a read, and perhaps a write, of `[[load.requests]]`.", _probes_are_requests),
        Rule("Each `upstream` of a link is one of `[dependencies]`.", _links_lead_to_dependencies),
        Rule("Each phase belongs to one of `[operations]`.", _phases_are_of_operations),
        Rule("No command names a file beside the system.toml by a relative path.", _no_relative_files),
        Rule("Each operation of a lock is one of `[operations]`.", _locks_are_of_operations),
        Rule("Each of `needs_links` is one of `[links]`.", _needed_links_are_there),
        Rule(
            "Each request has a `path`; with a `[client]` of your own none has, and there is no read-back, login or "
            "total.",
            _requests_can_be_sent,
        ),
        Rule("`[backups]` is for a kit without `[operations.status]`.", _status_or_backups),
        Rule("No value of `joined` is empty.", _joints_are_texts),
    ),
}
