"""Quantiles of the last half hour: a provider cannot look fast by failing."""

from __future__ import annotations

import math
import statistics
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.latency import LATENCY_FIGURES, RECENT, RecentLatency, Summary
from monitor.score.outcomes import SampleOutcome
from probes._model import ErrorClass, Sample, Task
from tests.unit.score.values import START, after, make_sample, unhurried

NOTHING = dict.fromkeys(("p50", "p75", "p90", "p99"))
TIMES = ("ttft_s", "ttat_s", "e2e_s", "itl_s")
SPEEDS = ("output_tps", "e2e_tps")


def ttft(recent: RecentLatency, now_s: float = 60) -> Summary:
    return recent.summaries(after(now_s))["ttft_s"]


def filled(times: list[float], failed: int = 0) -> RecentLatency:
    recent = RecentLatency(Task.CHAT)
    for place, seconds in enumerate(times):
        recent.add(make_sample(after(place / 1000), ttft_s=seconds), SampleOutcome.OK)
    for place in range(failed):
        recent.add(make_sample(after(place / 1000), ErrorClass.OVERLOADED), SampleOutcome.FAILED)
    return recent


def test_every_figure_of_the_document_is_there() -> None:
    assert tuple(figure.name for figure in LATENCY_FIGURES) == TIMES + SPEEDS


def test_each_figure_reads_its_own_field() -> None:
    fields = ("ttft_s", "ttat_s", "e2e_s", "itl_p50_s", "output_tps", "e2e_tps")
    values: dict[str, Any] = {name: float(place) for place, name in enumerate(fields)}
    sample = make_sample(**values)
    assert [figure.read(sample) for figure in LATENCY_FIGURES] == [0, 1, 2, 3, 4, 5]


def test_nothing_measured_is_null_and_never_zero() -> None:
    for name, summary in RecentLatency(Task.CHAT).summaries(START).items():
        inflated = None if name in SPEEDS else NOTHING
        reached = NOTHING if name in SPEEDS else None
        assert summary == Summary(count=0, quantiles=NOTHING, inflated=inflated, reached=reached)


def test_quantiles_interpolate_between_neighbours() -> None:
    found = ttft(filled([4.0, 1.0, 3.0, 2.0, 5.0]))
    assert found.count == 5
    assert found.quantiles == pytest.approx({"p50": 3.0, "p75": 4.0, "p90": 4.6, "p99": 4.96})


def test_a_failure_is_infinitely_slow_in_the_inflated_twin_and_absent_from_the_plain_one() -> None:
    found = ttft(filled([0.1, 0.2, 0.3], failed=1))
    assert found.count == 3
    assert found.quantiles == pytest.approx({"p50": 0.2, "p75": 0.25, "p90": 0.28, "p99": 0.298})
    assert found.inflated == {**NOTHING, "p50": pytest.approx(0.25)}


def test_one_that_only_fails_has_no_times_at_all() -> None:
    assert ttft(filled([], failed=9)) == Summary(count=0, quantiles=NOTHING, inflated=NOTHING)


def test_what_a_share_of_speeds_reaches_falls_as_the_share_grows() -> None:
    recent = RecentLatency(Task.CHAT)
    for place in range(101):
        recent.add(make_sample(after(place / 1000), output_tps=float(place)), SampleOutcome.OK)
    summaries = recent.summaries(after(60))
    assert summaries["output_tps"].reached == pytest.approx({"p50": 50, "p75": 25, "p90": 10, "p99": 1})
    assert summaries["ttft_s"].reached is None


def test_speeds_have_no_inflated_twin() -> None:
    summaries = filled([0.1], failed=3).summaries(START)
    assert [summaries[name].inflated for name in SPEEDS] == [None, None]


@unhurried
@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=30), st.integers(0, 30))
def test_failing_more_never_makes_the_inflated_times_shorter(times: list[float], failed: int) -> None:
    fewer, more = ttft(filled(times, failed)).inflated, ttft(filled(times, failed + 1)).inflated
    assert fewer is not None
    assert more is not None
    for name in NOTHING:
        if more[name] is not None:
            assert fewer[name] is not None
            assert fewer[name] <= more[name]  # type: ignore[operator]


@unhurried
@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=30), st.integers(0, 30))
def test_plain_times_are_of_the_successes_alone(times: list[float], failed: int) -> None:
    found = ttft(filled(times, failed))
    assert found == Summary(
        count=len(times),
        quantiles=ttft(filled(times)).quantiles,
        inflated=ttft(filled(times, failed)).inflated,
        p95=ttft(filled(times)).p95,
    )
    assert found.quantiles["p90"] <= found.p95 <= found.quantiles["p99"]  # type: ignore[operator]
    assert found.quantiles["p50"] == pytest.approx(statistics.median(times))
    values = [value for value in found.quantiles.values() if value is not None]
    assert values == sorted(values)
    assert len(values) == 4


def test_the_times_of_a_failed_sample_are_not_counted() -> None:
    recent = RecentLatency(Task.CHAT)
    recent.add(make_sample(error=ErrorClass.TRUNCATED, ttft_s=0.001), SampleOutcome.FAILED)
    assert ttft(recent).count == 0


@pytest.mark.parametrize(
    "outcome", [SampleOutcome.RATE_LIMITED, SampleOutcome.ACCOUNT, SampleOutcome.MONITOR, SampleOutcome.NETWORK]
)
def test_what_does_not_count_is_left_out_of_both(outcome: SampleOutcome) -> None:
    recent = filled([0.1, 0.2])
    recent.add(make_sample(error=ErrorClass.AUTH, ttft_s=9.0), outcome)
    assert ttft(recent) == ttft(filled([0.1, 0.2]))


@pytest.mark.parametrize("task", set(Task) - {Task.CHAT})
@pytest.mark.parametrize("error", [None, ErrorClass.OVERLOADED])
def test_another_task_is_in_neither(task: Task, error: ErrorClass | None) -> None:
    recent = filled([0.1, 0.2], failed=1)
    recent.add(make_sample(error=error, ttft_s=9.0, task=task), SampleOutcome.FAILED if error else SampleOutcome.OK)
    assert ttft(recent) == ttft(filled([0.1, 0.2], failed=1))


def test_a_success_without_the_figure_is_not_counted_in_it() -> None:
    recent = filled([0.1])
    recent.add(make_sample(ttft_s=None), SampleOutcome.OK)
    assert ttft(recent) == ttft(filled([0.1]))


def test_an_infinite_figure_is_published_as_null() -> None:
    assert ttft(filled([math.inf])).quantiles == NOTHING


def test_the_half_hour_is_half_open() -> None:
    recent = filled([0.1])
    assert recent.summaries(START + RECENT)["ttft_s"].count == 1
    assert recent.summaries(START + RECENT + timedelta(microseconds=1))["ttft_s"].count == 0


def test_an_old_sample_behind_newer_ones_leaves_in_its_time() -> None:
    """A slow probe is recorded after quicker ones that began later."""
    recent = RecentLatency(Task.CHAT)
    recent.add(make_sample(after(100), ttft_s=1.0), SampleOutcome.OK)
    recent.add(make_sample(after(0), ttft_s=5.0), SampleOutcome.OK)
    found = recent.summaries(START + RECENT + timedelta(seconds=50))["ttft_s"]
    assert (found.count, found.quantiles["p50"]) == (1, 1.0)


@unhurried
@given(
    st.lists(st.tuples(st.floats(0, 4000), st.floats(0.001, 10)), max_size=30).map(
        lambda drawn: [make_sample(after(at), ttft_s=ttft_s) for at, ttft_s in drawn]
    ),
    st.floats(0, 6000),
)
def test_what_is_restored_equals_what_was_fed(samples: list[Sample], now_s: float) -> None:
    """The store gives back the samples that began in the half hour, in the order of appending."""
    fed, restored = RecentLatency(Task.CHAT), RecentLatency(Task.CHAT)
    for sample in samples:
        fed.add(sample, SampleOutcome.OK)
    for sample in samples:
        if sample.started_at >= after(now_s) - RECENT:
            restored.add(sample, SampleOutcome.OK)
    assert fed.summaries(after(now_s)) == restored.summaries(after(now_s))
