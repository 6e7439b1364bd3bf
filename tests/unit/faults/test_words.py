"""Words of a failure, found in what programs wrote."""

from __future__ import annotations

import re

import pytest

from harness.recording.failure_phrases import Words, cannot_be_moved, monitors_missing, network_failure, quoted

# What kits and tools say when the network fails them: the bundled kits first.
FAILED = (
    "backup: failed: no off-site copy of x ([Errno 111] Connection refused); the local backup is valid",
    "backup: failed: no off-site copy of x (timed out); the local backup is valid",
    "backup: failed: no off-site copy of x (TimeoutError); the local backup is valid",
    "backup: failed: no off-site copy of x ([Errno 104] Connection reset by peer); the local backup is valid",
    "backup: failed: no off-site copy of x ([Errno 32] Broken pipe); the local backup is valid",
    "backup: failed: no off-site copy of x (Remote end closed connection without response); the local backup is valid",
    "backup: failed: no off-site copy of x ([Errno 101] Network is unreachable); the local backup is valid",
    "before the deployment: degraded, monitor http://198.18.2.2:8666/status does not answer",
    "kit: version 2 does not answer through nginx",
    '{"msg":"dial tcp 198.18.4.2:8666: i/o timeout"}',
    '{"msg":"read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer"}',
    '{"msg":"context deadline exceeded"}',
    "curl: (28) Connection timed out after 5001 milliseconds",
    "curl: (28) Operation too slow",
    "curl: (56) Recv failure: Connection reset by peer",
    "curl: (7) Failed to connect to store port 9000",
    "rsync error: timeout in data send/receive (code 30) at io.c(204)",
    "[sender] io timeout after 30 seconds -- exiting",
    "ssh: connect to host store port 22: No route to host",
    "client_loop: send disconnect: Broken pipe",
    "Connection closed by 198.18.2.2 port 22",
    "lost connection",
    "psql: error: server closed the connection unexpectedly",
    "connection to server failed: timeout expired",
    'Read timeout on endpoint URL: "http://store/bucket"',
    "Error: connect ECONNREFUSED 198.18.2.2:8666",
    "TypeError: fetch failed { code: 'ETIMEDOUT' }",
    "java.net.SocketTimeoutException: connect",
    "subprocess.TimeoutExpired: Command 'curl' ...",
    "504 Gateway Time-out",
    "upload failed: Timeout was reached",
    "could not connect to server: Connection timed out",
    "unexpected EOF",
)
# What they say when nothing failed.
WENT_WELL = (
    "+ curl --connect-timeout 5 http://store/x",
    "++ grep -c 'connection refused' upload.log",
    "uploading (timeout 30 s)",
    "uploading with --timeout=30 --io-timeout 5",
    "ssh -o ConnectTimeout=5 store",
    "PRAGMA busy_timeout=5000",
    ".timeout 5000",
    "SET lock_timeout = '2s';",
    "request timeout 30 s, gateway timeout: 60",
    "retries if the store is unreachable",
    "3 uploads done, 0 timed out",
    "no upload timed out",
    "none of them was unreachable",
    "store : ok=5 changed=2 unreachable=0 failed=0",
    "timeout errors: 0",
    '{"unreachable": []}',
    "connection refused: no",
    "database connection closed",
    "backup 1: 20 bytes, restored on trial",
    "off-site copy of 1: done",
)


@pytest.mark.parametrize("line", FAILED)
def test_a_failure_is_quoted_with_its_line(line: str) -> None:
    assert network_failure(f"all is well\n{line}\nall is well") == line


@pytest.mark.parametrize("line", WENT_WELL)
def test_words_of_nothing_in_particular_are_no_failure(line: str) -> None:
    assert network_failure(f"all is well\n{line}\nall is well") == ""


def test_a_word_that_is_denied_does_not_hide_a_later_one() -> None:
    assert network_failure("0 timed out, 1 unreachable") == "0 timed out, 1 unreachable"
    assert network_failure("connection refused: no route to host") == "connection refused: no route to host"


@pytest.mark.parametrize(
    "line",
    [
        "before the deployment: degraded, monitor http://127.0.0.1:9101/status does not answer",
        "before the switch: degraded, monitor http://127.0.0.1:9101/status has not looked for 3.4 s",
        "after the switch: degraded, monitor http://127.0.0.1:9101/status answers nothing of use",
        "after the switch: degraded, monitor http://127.0.0.1:9101/status answers 500",
        "after the switch: degraded, monitor x answers, but has not looked since it was asked",
        "monitor primary does not answer",
        "deploy: failed: before the switch: no monitor sees the service (x answers 500); going on would be blind",
        "deploy: failed: after the switch: the monitors do not agree that all is well: they come and go",
        "no monitor answers",
        "monitor primary is down",
        "monitors down: primary",
        "monitors: 2 asked, 1 down",
        "monitors: 2 asked, 0 stale, 1 missing",
        "monitor secondary: unreachable, going on",
        "monitor primary isn't responding",
        "monitor primary didn't answer",
        "the word of monitor primary is stale",
        "missing monitor: primary",
        "monitor primary cannot be reached",
        "no answer from monitor primary, going on",
        "going on in degraded mode",
        '{"degraded": ["primary"]}',
    ],
)
def test_a_line_that_says_monitors_are_missing(line: str) -> None:
    assert monitors_missing(f"deploying\n{line}\ndeployed") == line


@pytest.mark.parametrize(
    "line",
    [
        "monitors: 2 asked, 0 down",
        "monitors: 2 asked, none missing",
        "monitors missing: 0",
        "monitors missing: none",
        "monitor primary ok, cooldown 3 s",
        "watching monitors until shutdown",
        "monitors watch until all is shut down",
        "no monitor is stale",
        "monitor primary is not down",
        "monitor primary isn't stale",
        "all monitors answer, degraded: none",
        '{"degraded": []}',
        "degraded=false",
        "degraded mode: off",
        "it is not degraded",
        "unless a monitor is down",
        "+ ask_monitors || echo degraded",
        "deployed: version 2",
    ],
)
def test_a_line_that_speaks_of_monitors_and_misses_none(line: str) -> None:
    assert monitors_missing(f"deploying\n{line}\ndeployed") == ""


def test_a_long_line_is_quoted_in_part() -> None:
    said = quoted(Words(re.compile("needle"), ("need",)), f"{'a' * 5000}needle{'b' * 5000}\nnext")
    assert said == f"{'a' * 160}needle{'b' * 160}"


def test_the_one_failure_in_megabytes_of_logs_is_found() -> None:
    log = (
        '{"level":"info","request":{"uri":"/relationships/7","headers":{"User-Agent":["drill"]}},"status":200}\n'
        * 50_000
    )
    assert network_failure(log) == ""
    assert network_failure(log + "connection reset by peer") == "connection reset by peer"


def test_the_one_monitor_in_megabytes_of_logs_is_found() -> None:
    log = (
        '{"level":"info","request":{"uri":"/status","headers":{"User-Agent":["drill-monitor"]}},"status":200}\n'
        * 50_000
    )
    assert monitors_missing(log) == ""
    assert monitors_missing(log + "monitor primary is down") == "monitor primary is down"


@pytest.mark.parametrize(
    ("line", "of_it"),
    [
        ("mv: cannot move '/srv/data' to '/srv/data.old': Device or resource busy", True),
        ("OSError: [Errno 16] Device or resource busy: '/srv/data'", True),
        ("mv: cannot move '/srv/metadata' to '/srv/old': Device or resource busy", False),
        ("umount: /srv/data.old: target is busy: device or resource busy", False),
        ("rm: cannot remove '/srv/data/': Device or resource busy", True),
    ],
)
def test_what_cannot_be_moved_is_told_by_its_whole_name(line: str, of_it: bool) -> None:
    assert bool(cannot_be_moved(line, "data")) is of_it
