"""Downtime out of samples whose outages are known exactly."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judged.downtime import by_channel, overall, split, within
from harness.judged.latency import per_second
from harness.recording.samples import CHANNELS, FLAG_SLOW, OUTCOMES
from harness.stats.spans import merged_spans
from tests.unit.judged.planted import MS, START_NS, fail, grid, stall

DEADLINE_MS = 1000.0


def test_no_failure_is_never_called_zero_without_n_resolution_and_rate() -> None:
    seen = overall(grid(10), DEADLINE_MS)
    assert seen.bad == 0 and seen.spans == () and seen.longest_ms == 0
    # A probe every 10 ms, and each of the three channels every 30 ms.
    assert seen.resolution_ms == pytest.approx(30.1, abs=0.01)
    assert (seen.n, seen.deadline_ms) == (1000, 1000) and seen.longest_gap_ms <= seen.resolution_ms
    assert seen.bad_rate_upper == pytest.approx(0.003, rel=0.01)


@pytest.mark.parametrize("outcome", ["http_error", "refused", "reset", "timeout", "unfinished"])
def test_an_outage_runs_from_the_first_bad_due_time_to_the_next_good_answer(outcome: str) -> None:
    seen = overall(fail(grid(3), 1000, 1200, outcome=outcome), DEADLINE_MS)
    (span,) = seen.spans
    assert (span.start_ns - START_NS) / MS == 1000
    assert (span.stop_ns - START_NS) / MS == pytest.approx(1201.1)
    assert (span.failed, dict(span.kinds), span.open) == (20, {outcome: 20}, False)
    assert seen.bad == 20


def test_each_channel_is_judged_at_its_own_resolution() -> None:
    channels = by_channel(fail(grid(3), 1000, 1200, "write"), DEADLINE_MS)
    assert channels["read_fresh"].bad == channels["read_reused"].bad == 0
    assert channels["write"].interval_ms == 30
    assert abs(channels["write"].longest_ms - 200) <= 31.1
    assert overall(fail(grid(3), 1000, 1200, "write"), DEADLINE_MS).spans[0].kinds == {"http_error": 7}


def test_random_outages_of_everything_are_measured_within_one_interval() -> None:
    own = random.Random(3)
    for _ in range(100):
        start, length = own.uniform(500, 1000), own.uniform(50, 900)
        seen = overall(fail(grid(3), start, start + length), DEADLINE_MS)
        (span,) = seen.spans
        assert abs(1000 * span.seconds - length) <= 10 + 1.1


def test_a_channel_that_comes_back_later_than_the_others_keeps_its_longer_outage() -> None:
    records = fail(fail(grid(3), 1000, 1200), 1000, 1600, "write")
    (span,) = overall(records, DEADLINE_MS).spans
    assert abs(1000 * span.seconds - 600) <= 31.1


def test_a_stall_longer_than_the_deadline_is_an_outage_of_its_whole_length() -> None:
    seen = overall(stall(grid(5), 1000, 3000), DEADLINE_MS)
    (span,) = seen.spans
    assert 1000 * span.seconds == pytest.approx(2001)
    assert set(span.kinds) == {"late"}


def test_a_stall_within_the_deadline_is_no_outage_but_a_gap() -> None:
    seen = overall(stall(grid(3), 1000, 1400), DEADLINE_MS)
    assert seen.bad == 0
    assert 0 <= seen.longest_gap_ms - 400 <= seen.resolution_ms
    assert (seen.n, seen.bad_rate_upper) == (300, pytest.approx(0.0099, rel=0.01))


def test_a_stall_of_one_channel_is_its_gap_though_the_others_answer() -> None:
    seen = overall(stall(grid(3), 1000, 1900, "write"), DEADLINE_MS)
    assert (seen.bad, seen.gap_channel) == (0, "write")
    assert 900 <= seen.longest_gap_ms <= 900 + seen.resolution_ms


def test_beside_an_outage_the_longest_gap_is_said_too() -> None:
    seen = overall(fail(stall(grid(4), 1000, 1900, "write"), 2500, 2600), DEADLINE_MS)
    assert (seen.longest_ms, seen.total_ms) == (pytest.approx(101, abs=1), pytest.approx(101, abs=1))
    assert 900 <= seen.longest_gap_ms < 1000


def test_an_outage_of_one_channel_between_two_of_its_probes_is_within_the_resolution() -> None:
    records = grid(3)
    due_ms = (records["intended_ns"][records["channel"] == CHANNELS.index("write")] - START_NS) / MS
    seen = overall(fail(records, due_ms[20] + 1, due_ms[21] - 1, "write"), DEADLINE_MS)
    assert seen.bad == 0 and due_ms[21] - due_ms[20] - 2 < seen.resolution_ms


@settings(max_examples=60, deadline=None)
@given(spans=st.lists(st.tuples(st.integers(-200, 3200), st.integers(0, 900)), max_size=6))
def test_what_is_apart_is_no_gap_and_what_lies_before_and_after_it_still_is(spans: list[tuple[int, int]]) -> None:
    records = stall(grid(3), 1000, 1900, "write")
    apart = merged_spans([(START_NS + a * MS, START_NS + (a + b) * MS) for a, b in spans])
    writes = records[records["channel"] == CHANNELS.index("write")]
    (write,) = by_channel(writes, DEADLINE_MS, {"write": apart}).values()
    points = [int(writes["intended_ns"][0]), *sorted(writes["end_ns"].tolist())]
    longest = 0
    for before, after in itertools.pairwise(points):
        cut = [(max(a, before), min(b, after)) for a, b in apart if b > before and a < after]
        edges = [before, *(ns for span in cut for ns in span), after]
        longest = max([longest, *(b - a for a, b in zip(edges[::2], edges[1::2], strict=True))])
    assert write.longest_gap_ms == pytest.approx(longest / MS)


def test_without_any_good_answer_the_gap_is_all_there_was() -> None:
    seen = overall(fail(grid(2), 0, 9000), DEADLINE_MS)
    assert 1900 <= seen.longest_gap_ms <= 2000


def test_a_slow_request_has_its_own_deadline() -> None:
    records = grid(1)
    records["end_ns"] = records["intended_ns"] + 1500 * MS
    assert overall(records, DEADLINE_MS).bad == len(records)
    records["flags"] |= FLAG_SLOW
    assert overall(records, DEADLINE_MS).bad == 0


def test_a_slow_request_has_no_less_time_than_any_other() -> None:
    records = grid(1)
    records["flags"] |= FLAG_SLOW
    records["end_ns"] = records["intended_ns"] + 15_000 * MS
    assert overall(records, DEADLINE_MS).bad == len(records)
    assert overall(records, 20_000).bad == 0


def test_an_outage_to_the_very_end_is_open_and_ends_with_the_samples() -> None:
    seen = overall(fail(grid(3), 2500, 9000), DEADLINE_MS)
    (span,) = seen.spans
    assert span.open
    assert 1000 * span.seconds == pytest.approx(491.1)


def test_nothing_at_all_is_measured_as_nothing() -> None:
    seen = overall(grid(1)[:0], DEADLINE_MS)
    assert (seen.n, seen.bad, seen.spans, seen.longest_gap_ms, seen.bad_rate_upper) == (0, 0, (), 0.0, 1.0)


def test_a_request_belongs_to_the_window_it_was_due_in() -> None:
    records = stall(grid(2), 900, 1200)
    window = (START_NS + 1000 * MS, START_NS + 1100 * MS)
    assert len(within(records, window)) == 10


def test_the_order_of_the_file_does_not_matter() -> None:
    records = fail(grid(3), 1000, 1200)
    shuffled = np.random.default_rng(1).permutation(records)
    assert overall(shuffled, DEADLINE_MS) == overall(records, DEADLINE_MS)


def test_bad_time_is_split_at_phase_edges_without_a_rest() -> None:
    seen = overall(fail(grid(3), 1000, 1200), DEADLINE_MS)
    at = START_NS
    phases = [
        ("deploy", at + 500 * MS, at + 1900 * MS),
        ("deploy.switch", at + 1050 * MS, at + 1100 * MS),
    ]
    shares = split(seen.spans, phases, "between operations")
    assert shares == {"deploy": seen.spans[0].stop_ns - seen.spans[0].start_ns - 50 * MS, "deploy.switch": 50 * MS}
    assert split(seen.spans, [], "between operations") == {"between operations": sum(shares.values())}


@settings(max_examples=60, deadline=None)
@given(
    outages=st.lists(st.tuples(st.integers(0, 2900), st.integers(1, 600)), max_size=4),
    phases=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 2000)), max_size=5),
)
def test_every_bad_nanosecond_is_attributed(outages: list[tuple[int, int]], phases: list[tuple[int, int]]) -> None:
    records = grid(3)
    for start, length in outages:
        fail(records, start, start + length)
    seen = overall(records, DEADLINE_MS)
    named = [(f"p{i}", START_NS + a * MS, START_NS + (a + b) * MS) for i, (a, b) in enumerate(phases)]
    assert sum(split(seen.spans, named).values()) == sum(s.stop_ns - s.start_ns for s in seen.spans)
    assert all(a.stop_ns < b.start_ns for a, b in zip(seen.spans, seen.spans[1:], strict=False))
    bad = records["outcome"] != OUTCOMES.index("ok")
    assert sum(s.failed for s in seen.spans) == seen.bad == np.count_nonzero(bad)


def test_the_series_has_a_bucket_for_every_second_also_the_empty_ones() -> None:
    records = fail(grid(2), 1000, 1500)
    series = per_second(records, (START_NS, START_NS + 3000 * MS), DEADLINE_MS)
    assert series.second == (0.0, 1.0, 2.0)
    assert series.n == (100, 100, 0)
    assert series.error_percent == (0.0, 50.0, None)
    assert series.latency_ms_p50[0] == pytest.approx(1.1)
    assert series.latency_ms_p99[2] is None
