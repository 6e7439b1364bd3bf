"""The prober against outages of known length of a real server."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.config.schema import RequestTemplate
from harness.errors import HarnessError
from harness.host.clock import mono_ns, sleep
from harness.host.endpoint import Endpoint
from harness.judged.downtime import by_channel, overall
from harness.meters.outage import Prober
from harness.meters.prober import ProberConfig
from harness.recording.samples import CHANNELS, OUTCOMES, SampleFile, read_samples
from tests.busy import Machine
from tests.integration.load.server import Server

pytestmark = pytest.mark.calm

READ = RequestTemplate("read", "read", 1, "GET", "/r?n={n}")
CREATE = RequestTemplate("create", "write", 0, "POST", "/c", '{"token": "{token}"}', expect_body='"ok"')
INTERVAL_MS = 10.0
# On a busy box the server's own process, not the prober, may be late by this much.
NOISE_MS = 60.0


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def prober(server: Server, tmp_path: Path) -> Iterator[Prober]:
    for name in ("samples", "ledger"):
        (tmp_path / name).mkdir()
    config = ProberConfig(
        endpoint=Endpoint(server.url),
        deadline_ms=500,
        interval_ms=INTERVAL_MS,
        read=READ,
        write=CREATE,
        samples_dir=str(tmp_path / "samples"),
        ledger_dir=str(tmp_path / "ledger"),
        seed=1,
    )
    prober = Prober(config, tmp_path)
    prober.start()
    yield prober
    prober.stop(2)


def samples(prober: Prober) -> SampleFile:
    (path,) = Path(prober.config.samples_dir).glob("probe-*.bin")
    return read_samples(path)


def test_outages_of_known_length_are_found_at_their_length(server: Server, prober: Prober) -> None:
    machine = Machine()
    planted: list[tuple[str, int, int]] = []
    sleep(0.3)
    for kind, seconds in (
        ("503", 0.05),
        ("refuse", 0.2),
        ("stall", 1.0),
        ("503", 1.0),
        ("refuse", 0.05),
        ("stall", 0.2),
    ):
        planted.append((kind, *server.plant(kind, seconds)))
        sleep(0.45)
    end = prober.stop(5)
    assert end.clean, end.why
    file = samples(prober)
    assert file.complete
    assert len(file.records) == end.started
    for kind, start, stop in planted:
        around = (file.records["intended_ns"] > start - 200_000_000) & (
            file.records["intended_ns"] < stop + 200_000_000
        )
        seen = overall(file.records[around], prober.config.deadline_ms)
        truth_ms = (stop - start) / 1e6
        # What the deadline forgives is no outage; the gap between good answers shows it all the same.
        forgiven = kind == "stall" and truth_ms < prober.config.deadline_ms
        found_ms = seen.longest_gap_ms if forgiven else seen.longest_ms
        # On a busy machine the prober itself is late, and says so: its resolution is the bound it promises.
        near = abs(found_ms - truth_ms) < max(INTERVAL_MS, seen.resolution_ms) + NOISE_MS
        machine.must(near and bool(seen.spans) != forgiven, (kind, truth_ms, seen))


def test_all_channels_are_probed_on_time_with_and_without_new_connections(server: Server, prober: Prober) -> None:
    sleep(1.5)
    end = prober.stop(5)
    file = samples(prober)
    channels = by_channel(file.records, prober.config.deadline_ms)
    assert set(channels) == {"read_fresh", "read_reused", "write"}
    assert max(c.n for c in channels.values()) - min(c.n for c in channels.values()) <= 1
    assert np.unique(np.diff(np.sort(file.records["intended_ns"]))).tolist() == [10_000_000]
    fresh = file.records["flags"] & 2 != 0
    by_name = {name: fresh[file.records["channel"] == CHANNELS.index(name)] for name in channels}
    assert by_name["read_fresh"].all()
    assert by_name["read_reused"].mean() < 0.5 and by_name["write"].mean() < 0.5
    assert len(file.records) == end.started == server.count()
    lines = (Path(prober.config.ledger_dir) / "probe.jsonl").read_text().splitlines()
    assert len(lines) == channels["write"].n
    assert all('"token":"p-' in line for line in lines)


def test_a_slow_server_is_probed_no_less_often(server: Server, prober: Prober) -> None:
    machine = Machine()
    server.ask("delay 0.2")
    sleep(1.0)
    server.ask("delay 0")
    sleep(0.3)
    prober.stop(5)
    records = samples(prober).records
    assert np.diff(np.sort(records["intended_ns"])).max() == 10_000_000
    seen = overall(records, prober.config.deadline_ms)
    machine.must(seen.bad == 0, seen)


def test_a_server_frozen_to_the_end_leaves_unfinished_probes_and_an_open_outage(server: Server, prober: Prober) -> None:
    sleep(0.3)
    server.signal(signal.SIGSTOP)
    sleep(0.8)
    end = prober.stop(5)
    assert end.clean, end.why
    file = samples(prober)
    assert np.count_nonzero(file.records["outcome"] == OUTCOMES.index("unfinished")) > 10
    assert np.count_nonzero(file.records["outcome"] == OUTCOMES.index("timeout")) > 5
    seen = overall(file.records, prober.config.deadline_ms)
    assert seen.spans[-1].open
    assert seen.longest_ms > 700


def test_every_drop_after_reading_is_reported_and_nothing_is_sent_again(server: Server, prober: Prober) -> None:
    server.ask("mode drop")
    before = len(samples(prober).records)
    sleep(1.0)
    end = prober.stop(5)
    file, read = samples(prober), server.count()
    resets = int(np.count_nonzero(file.records["outcome"] == OUTCOMES.index("reset")))
    assert read == end.started == len(file.records)
    assert abs(resets - (read - before) / 2) <= 0.1 * read + 2


def test_a_polite_error_page_is_bad_only_where_something_is_expected(server: Server, prober: Prober) -> None:
    server.ask("mode polite")
    sleep(0.1)
    before = mono_ns()
    sleep(0.4)
    prober.stop(5)
    records = samples(prober).records
    late = records[records["sent_ns"] > before]
    writes = late["channel"] == CHANNELS.index("write")
    assert {OUTCOMES[o] for o in late[writes]["outcome"]} == {"http_error"}
    assert {OUTCOMES[o] for o in late[~writes]["outcome"]} == {"ok"}


def test_half_an_answer_is_a_reset(server: Server, prober: Prober) -> None:
    server.ask("mode truncate")
    sleep(0.1)
    before = mono_ns()
    sleep(0.5)
    prober.stop(5)
    records = samples(prober).records
    assert set(records[records["sent_ns"] > before]["outcome"]) == {OUTCOMES.index("reset")}


def test_a_killed_prober_is_seen_and_loses_a_tenth_of_a_second_at_most(prober: Prober) -> None:
    machine = Machine()
    sleep(1.0)
    os.kill(prober.pid, signal.SIGKILL)
    killed_ns = mono_ns()
    end = prober.stop(2)
    assert not end.clean
    assert "by itself" in end.why or "closing line" in end.why
    file = samples(prober)
    assert not file.complete
    lost_ms = (killed_ns - file.records["intended_ns"].max()) / 1e6
    machine.must(lost_ms < 100 + NOISE_MS, f"the last {lost_ms:.0f} ms are lost")


def test_a_prober_that_cannot_start_says_why(tmp_path: Path) -> None:
    config = ProberConfig(Endpoint("http://127.0.0.1:9"), 500, 10, READ, None, str(tmp_path / "no"), str(tmp_path), 1)
    with pytest.raises(HarnessError, match="start the prober"):
        Prober(config, tmp_path).start()


def test_what_it_lacks_descriptors_for_is_dropped_and_no_refusal(server: Server, prober: Prober) -> None:
    server.ask("delay 2")  # every probe in flight keeps its connection, so that each takes a new one
    resource.prlimit(prober.pid, resource.RLIMIT_NOFILE, (24, 24))
    sleep(0.6)
    end = prober.stop(5)
    file = samples(prober)
    assert file.complete and file.dropped > 0
    assert OUTCOMES.index("refused") not in set(file.records["outcome"])
    assert len(file.records) == end.started


def test_a_prober_that_is_prepared_and_never_started_asks_nothing_and_ends(server: Server, tmp_path: Path) -> None:
    for name in ("samples", "ledger"):
        (tmp_path / name).mkdir()
    prober = Prober(
        ProberConfig(
            Endpoint(server.url), 500, INTERVAL_MS, READ, None, str(tmp_path / "samples"), str(tmp_path / "ledger"), 1
        ),
        tmp_path,
    )
    prober.prepare()
    sleep(0.5)
    assert prober.alive() and not list((tmp_path / "samples").iterdir())
    prober.stop()
    assert not prober.alive()
