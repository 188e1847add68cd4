"""Baselines at an hour of the week: which samples they use, and that a steady endpoint is hardly ever anomalous."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.baseline import (
    GENERATES,
    Baseline,
    BaselineHistory,
    Baselines,
    Basis,
    Bins,
    baseline_of,
    baselines_of,
    is_anomalous,
    starts,
    weighted_median,
)
from monitor.store import sketch
from probes._model import ErrorClass, Task
from tests.unit.score.values import make_sample, unhurried

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AT = datetime(2026, 11, 25, 14, tzinfo=UTC)
"""A Wednesday."""
STEADY = Baseline(median=1.0, mad=0.1, count=60, days=6, basis=Basis.WEEKDAY)
HALF: Bins = {0.5: 20}
NOTHING: Bins = {}
REACH = 5 * 1.4826 * 0.1
values = st.floats(1e-6, 1e6)
days = st.lists(st.dictionaries(values, st.integers(1, 40), min_size=1, max_size=8), min_size=1, max_size=8)


def past(start: datetime, ttft: Bins = HALF, speed: Bins = NOTHING) -> BaselineHistory:
    return BaselineHistory(start=start, bins={"ttft_s": ttft, "output_tps": speed})


def every(basis: Basis, ttft: Bins = HALF, speed: Bins = NOTHING) -> list[BaselineHistory]:
    return [past(start, ttft, speed) for start in starts(basis, AT)]


def ttft_of(known: Iterable[BaselineHistory]) -> Baseline | None:
    return baselines_of(AT, Task.CHAT, known).ttft_s


def expanded(counts: Mapping[float, int]) -> list[float]:
    return [value for value, count in counts.items() for _ in range(count)]


def test_hours_with_many_failures_do_not_count_in_a_baseline() -> None:
    """What succeeded in them was not well either; else an endpoint that is always bad would be its own standard."""
    bad = [replace(each, ok=36, failed=24) for each in every(Basis.WEEK, {5.0: 20})]
    assert ttft_of(bad) is None
    found = ttft_of([*bad, *every(Basis.WEEKDAY)])
    assert found is not None
    assert (found.median, found.basis) == (0.5, Basis.WEEKDAY)


@pytest.mark.parametrize(("ok", "failed", "well"), [(60, 0, True), (1, 1, True), (57, 3, True), (48, 12, False)])
def test_a_failure_or_two_in_an_hour_do_not_make_it_a_bad_one(ok: int, failed: int, well: bool) -> None:
    assert past(AT).well
    assert replace(past(AT), ok=ok, failed=failed).well is well


# The median and the MAD


@given(st.dictionaries(values, st.integers(1, 9), min_size=1, max_size=20))
def test_a_weighted_median_is_the_lower_median_of_all_values(counts: dict[float, int]) -> None:
    assert weighted_median(counts) == median_low(expanded(counts))


@given(st.dictionaries(values, st.floats(1e-3, 1e3), min_size=1, max_size=20))
def test_a_weighted_median_has_half_of_all_weight_on_either_side(weights: dict[float, float]) -> None:
    found = weighted_median(weights)
    half = math.fsum(weights.values()) / 2
    assert math.fsum(weight for value, weight in weights.items() if value <= found) >= half * (1 - 1e-6)
    assert math.fsum(weight for value, weight in weights.items() if value < found) <= half * (1 + 1e-6)


@given(st.dictionaries(values, st.integers(1, 9), min_size=1, max_size=20))
def test_a_baseline_is_the_median_and_the_median_distance_from_it_in_the_logarithm(counts: dict[float, int]) -> None:
    """Of days that weigh alike."""
    count = sum(counts.values())
    often = {value: 60 * each for value, each in counts.items()}
    found = baseline_of(Basis.HOUR, [often] * 3)
    middle = median_low(expanded(counts))
    away = median_low([abs(math.log(value) - math.log(middle)) for value in expanded(counts)])
    assert found == Baseline(median=middle, mad=away, count=180 * count, days=3, basis=Basis.HOUR)


@unhurried
@given(days, st.floats(1e-3, 1e3))
def test_in_another_unit_a_baseline_is_the_same(found: list[dict[float, int]], factor: float) -> None:
    found = [{**day, 1.0: 60} for day in [*found, {}, {}]]
    scaled = [{value * factor: count for value, count in day.items()} for day in found]
    plain, other = baseline_of(Basis.WEEK, found), baseline_of(Basis.WEEK, scaled)
    assert plain is not None
    assert other is not None
    assert other.median == pytest.approx(plain.median * factor)
    assert other.mad == pytest.approx(plain.mad, abs=1e-9)


def test_a_figure_whose_values_are_all_alike_has_no_spread() -> None:
    assert baseline_of(Basis.WEEK, [{0.5: 20}] * 3) == Baseline(median=0.5, mad=0.0, count=60, days=3, basis=Basis.WEEK)


@pytest.mark.parametrize("odd", [0.0, -0.5])
def test_what_is_no_time_is_passed_over(odd: float) -> None:
    found = baseline_of(Basis.WEEK, [{0.5: 20, odd: 500}] * 3)
    assert found == Baseline(median=0.5, mad=0.0, count=60, days=3, basis=Basis.WEEK)
    assert baseline_of(Basis.WEEK, [{odd: 500}] * 3) is None


def test_trouble_on_some_of_the_days_becomes_no_baseline() -> None:
    since_surprise = {0.4: 10, 0.5: 20, 0.6: 10}
    troubled = baseline_of(Basis.WEEKDAY, [since_surprise] * 4 + [{30.0: 40}] * 2)
    assert troubled is not None
    assert troubled.median == 0.5
    assert not ask(troubled, ttft_s=0.6)
    assert ask(troubled, ttft_s=30.0)


# How much has to be known


def test_sixty_samples_are_enough_and_one_less_is_not() -> None:
    assert baseline_of(Basis.WEEKDAY, [{0.5: 20}] * 3) is not None
    assert baseline_of(Basis.WEEKDAY, [{0.5: 20}, {0.5: 20}, {0.5: 19}]) is None


def test_three_days_are_enough_and_two_are_not_however_many_samples_they_have() -> None:
    assert baseline_of(Basis.WEEKDAY, [{0.5: 10_000}] * 2) is None
    assert baseline_of(Basis.WEEKDAY, [{0.5: 10_000}] * 2 + [{}]) is None
    assert baseline_of(Basis.WEEKDAY, [{0.5: 10_000}] * 2 + [{0.5: 1}]) is not None


@given(days)
def test_a_baseline_never_lies_outside_of_what_it_is_made_of(found: list[dict[float, int]]) -> None:
    baseline = baseline_of(Basis.WEEK, found)
    count = sum(sum(day.values()) for day in found)
    assert (baseline is None) == (len(found) < 3 or count < 60)
    if baseline is not None:
        kept = {value for day in found for value in day}
        assert baseline.median in kept
        assert 0 <= baseline.mad <= math.log(max(kept) / min(kept)) + 1e-9
        assert (baseline.count, baseline.days) == (count, len(found))


# No day weighs more than others


def test_a_day_that_was_probed_more_often_weighs_no_more_than_others() -> None:
    found = baseline_of(Basis.WEEK, [{9.0: 86_400}, *[{0.5: 144}] * 6])
    assert found is not None
    assert (found.median, found.count) == (0.5, 86_400 + 6 * 144)


def test_the_newest_day_weighs_no_more_than_others_whichever_hours_it_was_probed_in() -> None:
    """An endpoint that was probed once an hour, and since yesterday once a second, while it is slow."""
    known = [past(start, {9.0: 3600} if AT - start <= DAY else {0.5: 1}) for start in starts(Basis.WEEK, AT)]
    found = ttft_of(known)
    assert found is not None
    assert (found.median, found.days, found.basis) == (0.5, 7, Basis.HOUR)
    assert found.count == 3600 + 6


def test_days_that_weigh_less_than_others_count_as_they_are() -> None:
    found = baseline_of(Basis.WEEK, [{0.5: 40}] * 2 + [{9.0: 10}] * 3)
    assert found is not None
    assert found.median == 9.0, "the middle day has ten, and so the two that have more weigh twenty together"


# What an hour of the week is made of


def test_the_same_hour_of_the_same_weekday_is_six_hours_that_lie_a_week_apart() -> None:
    found = starts(Basis.WEEKDAY, AT)
    assert {(each.weekday(), each.hour) for each in found} == {(AT.weekday(), AT.hour)}
    assert found == tuple(AT - n * 7 * DAY for n in (1, 2, 3, 4, 5, 6))


def test_the_same_hour_of_any_day_is_of_the_last_fourteen() -> None:
    assert starts(Basis.HOUR, AT) == tuple(AT - n * DAY for n in range(1, 15))


def test_all_hours_are_those_of_the_last_seven_days_up_to_now() -> None:
    found = starts(Basis.WEEK, AT)
    assert (found[0], found[-1], len(set(found))) == (AT - HOUR, AT - 7 * DAY, 168)


@pytest.mark.parametrize(
    ("known", "basis"),
    [
        ((Basis.WEEKDAY, Basis.HOUR, Basis.WEEK), Basis.WEEKDAY),
        ((Basis.HOUR, Basis.WEEK), Basis.HOUR),
        ((Basis.WEEK,), Basis.WEEK),
        ((), None),
    ],
)
def test_the_nearest_basis_that_has_enough_is_taken(known: Sequence[Basis], basis: Basis | None) -> None:
    """The hours of each tell another time, and hold as many samples as it takes for it to be enough alone."""
    value = {Basis.WEEKDAY: 1.0, Basis.HOUR: 2.0, Basis.WEEK: 3.0}
    count = {Basis.WEEKDAY: 12, Basis.HOUR: 5, Basis.WEEK: 1}
    hours = {start: past(start, {value[each]: count[each]}) for each in reversed(known) for start in starts(each, AT)}
    found = ttft_of(hours.values())
    assert (found and found.basis) == basis


def test_an_endpoint_that_is_seldom_probed_has_the_baseline_of_a_whole_week() -> None:
    found = ttft_of(every(Basis.WEEK, {0.5: 1}))
    assert found == Baseline(median=0.5, mad=0.0, count=168, days=7, basis=Basis.WEEK)


def test_an_endpoint_that_is_new_has_no_baseline_before_its_third_day() -> None:
    def known(hours: int) -> list[BaselineHistory]:
        return [past(AT - n * HOUR, {0.5: 60}) for n in range(1, hours + 1)]

    assert ttft_of(known(48)) is None
    found = ttft_of(known(49))
    assert found is not None
    assert (found.basis, found.days) == (Basis.WEEK, 3)
    nearer = ttft_of(known(72))
    assert nearer is not None
    assert (nearer.basis, nearer.count) == (Basis.HOUR, 180)


def test_hours_outside_the_basis_change_nothing() -> None:
    strange = [past(AT + n * HOUR, {99.0: 999}) for n in (0, 1, -24 * 49, -24 * 8 - 1)]
    assert ttft_of([*every(Basis.WEEKDAY), *strange]) == ttft_of(every(Basis.WEEKDAY))


def test_what_several_vantages_saw_in_one_hour_is_added_up() -> None:
    found = ttft_of([*every(Basis.WEEKDAY, {0.5: 5}), *every(Basis.WEEKDAY, {0.5: 2, 0.7: 10})])
    assert found is not None
    assert (found.median, found.count, found.days) == (0.7, 102, 6)


def test_each_figure_has_the_basis_that_it_has_enough_of() -> None:
    known = [*every(Basis.WEEKDAY, {0.5: 20}, {}), *every(Basis.WEEK, {}, {80.0: 1})]
    found = baselines_of(AT, Task.TOOL_CALL, known)
    assert found.ttft_s is not None
    assert found.output_tps is not None
    assert (found.ttft_s.basis, found.output_tps.basis) == (Basis.WEEKDAY, Basis.WEEK)
    assert (found.hour, found.task) == (AT, Task.TOOL_CALL)


def test_a_figure_without_samples_has_no_baseline() -> None:
    assert baselines_of(AT, Task.CHAT, []) == Baselines(hour=AT, task=Task.CHAT)
    assert (
        baselines_of(AT, Task.CHAT, [BaselineHistory(start=start, bins={}) for start in starts(Basis.WEEK, AT)]).ttft_s
        is None
    )


@unhurried
@given(st.dictionaries(st.sampled_from(starts(Basis.HOUR, AT) + starts(Basis.WEEKDAY, AT)), st.integers(1, 60)))
def test_hours_of_the_week_alone_are_worth_reading_where_the_nearer_ones_are_not_enough(
    counts: dict[datetime, int],
) -> None:
    """Never is a baseline made of all hours while only some of them are known."""
    found = ttft_of(past(start, {0.5: count}) for start, count in counts.items())
    assert found is None or found.basis is not Basis.WEEK


# Anomalies


def ask(ttft: Baseline | None = None, speed: Baseline | None = None, **fields: object) -> bool:
    return is_anomalous(Baselines(hour=AT, task=Task.CHAT, ttft_s=ttft, output_tps=speed), make_sample(**fields))  # type: ignore[arg-type]


def test_a_time_beyond_five_deviations_is_anomalous_and_one_within_is_not() -> None:
    edge_s = math.exp(REACH)
    assert ask(STEADY, ttft_s=edge_s * 1.001)
    assert not ask(STEADY, ttft_s=edge_s * 0.999)


def test_a_speed_below_five_deviations_is_anomalous_and_one_within_is_not() -> None:
    edge = math.exp(-REACH)
    assert ask(None, STEADY, output_tps=edge * 0.999)
    assert not ask(None, STEADY, output_tps=edge * 1.001)


def test_quicker_than_usual_is_never_anomalous() -> None:
    assert not ask(STEADY, STEADY, ttft_s=1e-6, output_tps=1e6)


def test_half_as_long_again_is_usual_however_steady_the_endpoint_is() -> None:
    rigid = replace(STEADY, mad=0.0)
    assert not ask(rigid, rigid, ttft_s=1.499, output_tps=1 / 1.499)
    assert ask(rigid, ttft_s=1.501)
    assert ask(None, rigid, output_tps=1 / 1.501)


def test_a_tenth_of_a_second_more_is_usual_however_quick_the_endpoint_is() -> None:
    quick = replace(STEADY, median=0.01, mad=0.0)
    assert not ask(quick, ttft_s=0.1099)
    assert ask(quick, ttft_s=0.1101)


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_an_answer_that_stood_still_is_dull(speed: float) -> None:
    assert ask(None, STEADY, output_tps=speed)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_is_no_number_breaks_nothing(value: float) -> None:
    assert ask(STEADY, ttft_s=value) == math.isinf(value)
    assert not ask(None, STEADY, output_tps=value)


def test_what_was_not_measured_or_is_not_known_is_not_anomalous() -> None:
    assert not ask(STEADY, STEADY)
    assert not ask(None, None, ttft_s=99.0, output_tps=0.001)


@pytest.mark.parametrize("error", ErrorClass)
def test_a_failure_is_no_slow_success(error: ErrorClass) -> None:
    assert not ask(STEADY, STEADY, ttft_s=99.0, output_tps=0.001, error=error)


@pytest.mark.parametrize("task", [task for task in Task if task is not Task.CHAT])
def test_a_sample_of_another_task_is_not_asked_about(task: Task) -> None:
    assert not ask(STEADY, STEADY, ttft_s=99.0, output_tps=0.001, task=task)


def test_a_vector_and_a_list_of_models_have_no_baseline() -> None:
    assert {Task.CHAT, Task.TOOL_CALL, Task.STRUCTURED_OUTPUT} == GENERATES


@unhurried
@given(values, st.floats(0, 3), values, values)
def test_whatever_is_slower_than_something_anomalous_is_anomalous_too(
    median: float, mad: float, one: float, two: float
) -> None:
    baseline = replace(STEADY, median=median, mad=mad)
    quick, slow = sorted((one, two))
    assert ask(baseline, ttft_s=slow) or not ask(baseline, ttft_s=quick)
    assert ask(None, baseline, output_tps=quick) or not ask(None, baseline, output_tps=slow)
    assert not ask(baseline, baseline, ttft_s=median, output_tps=median)


# A steady endpoint


def drawn(draw: Callable[[], float], count: int) -> dict[float, int]:
    """As the store holds it: the bins of a sketch."""
    made = sketch.empty()
    for _ in range(count):
        made.add(draw())
    return made.bins()


@pytest.mark.parametrize("sigma", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
@pytest.mark.slow
@pytest.mark.parametrize(("endpoints", "a_day"), [(400, 10), (50, 60)])
def test_of_a_steady_endpoint_at_most_one_sample_in_a_thousand_is_anomalous(
    sigma: float, endpoints: int, a_day: int
) -> None:
    """Times and speeds are log-normal, and known of six hours: of as few samples as suffice, or of one a minute."""
    chance = random.Random(7)
    seen: Counter[bool] = Counter()
    for _ in range(endpoints):
        ttft, speed = math.log(chance.uniform(0.05, 3)), math.log(chance.uniform(5, 300))
        kept: dict[str, Sequence[dict[float, int]]] = {
            "ttft_s": [drawn(lambda: chance.lognormvariate(ttft, sigma), a_day) for _ in range(6)],  # noqa: B023  # called at once
            "output_tps": [drawn(lambda: chance.lognormvariate(speed, sigma), a_day) for _ in range(6)],  # noqa: B023
        }
        baselines = Baselines(
            hour=AT, task=Task.CHAT, **{name: baseline_of(Basis.WEEKDAY, found) for name, found in kept.items()}
        )
        assert baselines.ttft_s is not None
        for _ in range(40_000 // endpoints):
            sample = make_sample(
                ttft_s=chance.lognormvariate(ttft, sigma), output_tps=chance.lognormvariate(speed, sigma)
            )
            seen[is_anomalous(baselines, sample)] += 1
    assert seen.total() == 40_000
    assert seen[True] <= 40


@pytest.mark.parametrize(("sigma", "times"), [(0.1, 2.5), (0.3, 8.0), (0.6, 50.0)])
def test_what_is_far_slower_is_found(sigma: float, times: float) -> None:
    chance = random.Random(3)
    found = baseline_of(Basis.WEEKDAY, [drawn(lambda: chance.lognormvariate(0, sigma), 60) for _ in range(6)])
    slow = [ask(found, ttft_s=times * chance.lognormvariate(0, sigma)) for _ in range(1000)]
    assert sum(slow) > 900


@pytest.mark.parametrize(("bad", "at_least", "at_most"), [(0, 0.99, 1.0), (1, 0.9, 1.0), (3, 0.0, 0.0)])
def test_one_bad_week_hides_no_trouble_and_three_become_baseline(bad: int, at_least: float, at_most: float) -> None:
    """Eight times as slow as ever, in the newest weeks and now."""
    chance = random.Random(2)
    slow = math.log(8)
    known = [drawn(lambda: chance.lognormvariate(slow if n < bad else 0, 0.2), 60) for n in range(6)]  # noqa: B023  # called at once
    found = baseline_of(Basis.WEEKDAY, known)
    share = sum(ask(found, ttft_s=chance.lognormvariate(slow, 0.2)) for _ in range(1000)) / 1000
    assert at_least <= share <= at_most


def test_an_endpoint_that_grows_slower_over_weeks_gets_used_to_it() -> None:
    """One tenth a week: never anomalous, and after seven weeks twice as slow as at first."""
    for week in range(6, 14):
        known = [past(AT - n * 7 * DAY, {1.1 ** (week - n): 30}) for n in range(1, 7)]
        baseline = ttft_of(known)
        assert baseline is not None
        assert not ask(baseline, ttft_s=1.1**week)
    assert 1.1**7 > 1.9
