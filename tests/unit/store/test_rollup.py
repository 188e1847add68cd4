"""Rollups: any of them merge into what all samples together would have made, and survive the database."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store import StoreError, sketch
from monitor.store._rollup_rows import SUMS, counts_of, to_rollup, to_row
from monitor.store.rollup import FIGURES, RecordedEnding, Rollup, merged, rolled
from monitor.store.sketch import RELATIVE_ERROR
from probes._model import Blame, ErrorClass, Sample
from tests.unit.store.samples import make_sample

SHARES = (0.0, 0.001, 0.07, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)
values = st.floats(1e-6, 1e12) | st.just(0.0) | st.floats(-1e6, -1e-6)


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]


def assert_quantiles(rollup: Rollup, figure: str, found: Sequence[float]) -> None:
    for share, near in zip(SHARES, rollup.quantiles(figure, SHARES), strict=True):
        true = nearest_rank(sorted(found), share)
        assert near is not None
        assert abs(near - true) <= RELATIVE_ERROR * abs(true) * (1 + 1e-9)


def sampled(found: Sequence[float]) -> list[Sample]:
    return [make_sample(number, e2e_s=value) for number, value in enumerate(found)]


def as_kept(rollup: Rollup) -> Rollup:
    """As the database gives it back."""
    return to_rollup(to_row(rollup))


@given(st.lists(values, min_size=1, max_size=60))
def test_a_quantile_is_within_one_percent_of_the_true_one(found: list[float]) -> None:
    assert_quantiles(rolled(sampled(found)), "e2e_s", found)
    assert_quantiles(as_kept(rolled(sampled(found))), "e2e_s", found)


@given(st.lists(st.lists(values, max_size=20), min_size=1, max_size=6), st.booleans())
def test_rollups_merge_into_the_rollup_of_all(parts: list[list[float]], kept: bool) -> None:
    found = [value for part in parts for value in part]
    rollups = [as_kept(rolled(sampled(part))) if kept else rolled(sampled(part)) for part in parts]
    window = merged(rollups)
    assert window.count == len(found)
    if found:
        assert_quantiles(window, "e2e_s", found)
        assert_quantiles(as_kept(window), "e2e_s", found)
    else:
        assert window.quantiles("e2e_s", [0.5]) == [None]


def test_merging_changes_none_of_what_is_merged() -> None:
    one, two = rolled(sampled([1.0, 2.0])), rolled(sampled([5.0]))
    merged([one, two])
    merged([one, two])
    assert (one.count, one.sketches["e2e_s"].count, two.count) == (2, 2, 1)


def test_a_sketch_that_was_read_back_takes_more_values() -> None:
    chance = random.Random(8)
    found = [chance.lognormvariate(0, 2) for _ in range(300)]
    rollup = as_kept(rolled(sampled(found[:100])))
    for value in found[100:]:
        rollup.sketches["e2e_s"].add(value)
    assert_quantiles(rollup, "e2e_s", found)


def test_order_does_not_matter() -> None:
    samples = [make_sample(n, e2e_s=n / 7, error=ErrorClass.DNS if n % 3 else None) for n in range(50)]
    found, mixed = rolled(samples), rolled(random.Random(1).sample(samples, 50))
    assert found.counts == mixed.counts
    assert found.quantiles("e2e_s", SHARES) == mixed.quantiles("e2e_s", SHARES)


def test_only_successes_are_sketched_and_only_what_they_had() -> None:
    samples = [
        make_sample(1, e2e_s=1.0, rtt_s=0.01),
        make_sample(2, e2e_s=9.0, error=ErrorClass.WRONG_ANSWER, blame=Blame.PROVIDER),
    ]
    rollup = rolled(samples)
    assert rollup.sketches.keys() == {"e2e_s", "rtt_s"}
    assert rollup.sketches["e2e_s"].count == 1
    assert rolled(samples, ["rtt_s"]).sketches.keys() == {"rtt_s"}
    assert rolled([]).quantiles("e2e_s", [0.5]) == [None]


def test_every_figure_is_a_field_of_a_sample() -> None:
    rollup = rolled([make_sample(1, **dict.fromkeys(FIGURES, 0.5))])
    assert rollup.sketches.keys() == set(FIGURES)
    assert as_kept(rollup).sketches.keys() == set(FIGURES)


def test_tokens_and_costs_are_summed_of_all_samples() -> None:
    samples = [
        make_sample(1, prompt_tokens=10, output_tokens=5, reasoning_tokens=3, cost_usd=0.5),
        make_sample(2, prompt_tokens=1, cost_usd=0.25, error=ErrorClass.STALLED),
        make_sample(3),
    ]
    rollup = merged([rolled(samples[:1]), rolled(samples[1:])])
    assert [getattr(rollup, name) for name in SUMS] == [11, 5, 3, 0.75]


@pytest.mark.parametrize(("tokens", "kept"), [(2**63 - 1, 2**63 - 1), (-(2**63 - 1), 1 - 2**63)])
def test_sums_beyond_what_a_database_holds_are_cut(tokens: int, kept: int) -> None:
    samples = [make_sample(number, output_tokens=tokens) for number in range(3)]
    assert to_row(rolled(samples))["output_tokens"] == kept


def test_every_ending_comes_back() -> None:
    endings = [RecordedEnding(error, blame) for error in (None, *ErrorClass) for blame in (None, *Blame)]
    rollup = Rollup(counts={ending: number for number, ending in enumerate(endings)})
    assert as_kept(rollup).counts == rollup.counts


def test_usual_endings_take_no_more_than_a_number() -> None:
    row = to_row(Rollup(counts={RecordedEnding(): 58, RecordedEnding(ErrorClass.DNS, Blame.PROVIDER): 2}))
    assert row["counts"] == '{"": 58, "1": 2}'
    assert counts_of('{"": 1, "14:1": 2}') == {RecordedEnding(): 1, RecordedEnding(ErrorClass.AUTH, Blame.PROVIDER): 2}


def test_only_the_sketches_that_were_selected_are_read() -> None:
    row = to_row(rolled([make_sample(1, e2e_s=1.0, ttft_s=0.5)]))
    del row["ttft_s"]
    assert to_rollup(row).sketches.keys() == {"e2e_s"}


def test_an_empty_sketch_has_no_quantile() -> None:
    rollup = rolled(sampled([1.0]))
    rollup.sketches["e2e_s"] = sketch.empty()
    assert as_kept(rollup).quantiles("e2e_s", [0.5]) == [None]


@pytest.mark.parametrize("counts", ['{"99": 1}', '{"1:99": 1}'])
def test_a_rollup_of_a_newer_version_is_refused_with_the_remedy(counts: str) -> None:
    with pytest.raises(StoreError, match="unknown code 99, written by a newer providerwatch: install that version"):
        counts_of(counts)


@pytest.mark.parametrize("counts", ["", "[]", '{"x": 1}', "null"])
def test_counts_that_are_damaged_are_refused_with_the_remedy(counts: str) -> None:
    with pytest.raises(StoreError, match=r"invalid rollup .*: restore the store from a backup"):
        counts_of(counts)


def test_a_damaged_sketch_is_refused_with_the_remedy() -> None:
    row = to_row(rolled(sampled([1.0]))) | {"e2e_s": b"no sketch"}
    with pytest.raises(StoreError, match=r"invalid rollup .*: restore the store from a backup"):
        to_rollup(row)
