"""Counts over sliding windows, compared with a model that keeps all samples and counts them each time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.outcomes import Counts, SampleOutcome
from monitor.score.windows import DAY, WINDOWS, Ledger, SlidingCounts, Window
from tests.unit.score.values import START, after, unhurried

FIELDS = [outcome.name.lower() for outcome in SampleOutcome]
SMALL = Window(name="10s", length_s=10, bucket_s=2)
LONGEST_S = 90 * 86_400
MIDNIGHT = START.replace(hour=0)
"""Where a bucket of every window begins."""


def naive(window: Window, added: list[tuple[datetime, SampleOutcome]], now: datetime) -> Counts:
    """The samples whose bucket is not wholly before the window."""
    begin = now - timedelta(seconds=window.length_s)
    bucket = timedelta(seconds=window.bucket_s)
    ends = [(MIDNIGHT + (at - MIDNIGHT) // bucket * bucket + bucket, outcome) for at, outcome in added]
    kept = Counter(outcome for end, outcome in ends if end > begin)
    return Counts(**{outcome.name.lower(): kept[outcome] for outcome in SampleOutcome})


def spread(longest_s: float) -> st.SearchStrategy[datetime]:
    return st.integers(0, int(longest_s * 1_000_000)).map(lambda micros: START + timedelta(microseconds=micros))


@unhurried
@given(
    window=st.sampled_from([SMALL, *WINDOWS]),
    data=st.data(),
)
def test_counts_equal_those_of_a_model_that_counts_anew(window: Window, data: st.DataObject) -> None:
    """Adds come in any order, late ones too; the clock only goes on."""
    moments = spread(3 * window.length_s)
    steps = data.draw(
        st.lists(
            st.tuples(moments, st.lists(st.tuples(moments, st.sampled_from(SampleOutcome)), max_size=5)), max_size=12
        )
    )
    sliding, added = SlidingCounts(window), []
    for now, news in zip(sorted(now for now, _ in steps), (news for _, news in steps), strict=True):
        for at, outcome in news:
            sliding.add(at, outcome)
            added.append((at, outcome))
        assert sliding.counts(now) == naive(window, added, now)


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_a_bucket_leaves_at_the_moment_when_all_of_it_is_outside(window: Window) -> None:
    """The span is half-open: the bucket that ends where the window begins is outside."""
    sliding = SlidingCounts(window)
    sliding.add(MIDNIGHT, SampleOutcome.OK)
    whole = timedelta(seconds=window.length_s + window.bucket_s)
    moment = timedelta(microseconds=1)
    assert sliding.counts(MIDNIGHT + whole - moment).ok == 1
    assert sliding.counts(MIDNIGHT + whole).ok == 0


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_the_last_microsecond_of_a_bucket_belongs_to_it(window: Window) -> None:
    sliding = SlidingCounts(window)
    bucket, moment = timedelta(seconds=window.bucket_s), timedelta(microseconds=1)
    sliding.add(MIDNIGHT + bucket - moment, SampleOutcome.FAILED)
    sliding.add(MIDNIGHT + bucket, SampleOutcome.FAILED)
    assert sliding.counts(MIDNIGHT + timedelta(seconds=window.length_s) + bucket).failed == 1


def test_an_empty_window_counts_nothing() -> None:
    assert SlidingCounts(SMALL).counts(START) == Counts()


def test_many_samples_may_be_added_at_once() -> None:
    sliding = SlidingCounts(SMALL)
    sliding.add(START, SampleOutcome.RATE_LIMITED, 7)
    assert sliding.counts(START) == Counts(rate_limited=7)


def test_buckets_that_left_are_forgotten() -> None:
    sliding = SlidingCounts(SMALL)
    for second in range(10_000):
        sliding.add(after(second), SampleOutcome.OK)
        sliding.counts(after(second))
    assert len(sliding._buckets) <= SMALL.length_s // SMALL.bucket_s + 1


def test_the_windows_are_those_of_the_specification() -> None:
    assert [window.name for window in WINDOWS] == ["5m", "30m", "1h", "1d", "7d", "30d", "90d"]
    units = {"m": 60, "h": 3600, "d": 86400}
    for window in WINDOWS:
        assert window.length_s == int(window.name[:-1]) * units[window.name[-1]]
        assert window.length_s % window.bucket_s == 0


drawn_samples = st.lists(st.tuples(spread(2 * LONGEST_S), st.sampled_from(SampleOutcome)), max_size=40)


@unhurried
@given(drawn=drawn_samples, near=st.lists(st.tuples(spread(7200), st.sampled_from(SampleOutcome)), max_size=40))
def test_a_restored_ledger_equals_the_one_that_was_fed(
    drawn: list[tuple[datetime, SampleOutcome]], near: list[tuple[datetime, SampleOutcome]]
) -> None:
    """Restored as the daemon does it: counts by bucket of everything that the longest window may still hold."""
    now = after(2 * LONGEST_S)
    latest = [(now - (at - START), outcome) for at, outcome in near]
    fed, restored = Ledger(), Ledger()
    for at, outcome in drawn + latest:
        fed.add(at, outcome)
    for bucket_s in {window.bucket_s for window in WINDOWS}:
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        since = now - timedelta(seconds=longest_s + bucket_s)
        tallies = Counter((at.timestamp() // bucket_s, outcome) for at, outcome in drawn + latest if at >= since)
        for (number, outcome), count in tallies.items():
            bucket = datetime.fromtimestamp(number * bucket_s, START.tzinfo)
            restored.restore(bucket_s, bucket, outcome, count)
    assert list(fed.counts(now)) == list(restored.counts(now))
    later = now + timedelta(seconds=1800)
    assert list(fed.counts(later)) == list(restored.counts(later))


def test_restored_counts_reach_only_windows_that_count_as_finely() -> None:
    ledger = Ledger()
    ledger.restore(DAY.bucket_s, START, SampleOutcome.OK, 3)
    assert {window.name: counts.ok for window, counts in ledger.counts(START)} == {
        "5m": 0, "30m": 0, "1h": 0, "1d": 3, "7d": 0, "30d": 0, "90d": 0,
    }  # fmt: skip
