"""The outcome of a sample, and the uncertainty of counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.score.outcomes import Counts, SampleOutcome, outcome, wilson
from probes._model import Blame, ErrorClass
from tests.unit.score.values import unhurried

OF_THE_PROVIDER = (
    "dns connect tls timeout_ttft timeout_total stalled overloaded server_error malformed truncated stream_error empty "
    "wrong_answer"
)
OF_THE_ACCOUNT = "auth payment not_found bad_request content_filter geo"
OF_THE_MONITOR = "skipped cancelled internal overrun budget tainted"
TABLE = {
    **dict.fromkeys(map(ErrorClass, OF_THE_PROVIDER.split()), SampleOutcome.FAILED),
    **dict.fromkeys(map(ErrorClass, OF_THE_ACCOUNT.split()), SampleOutcome.ACCOUNT),
    **dict.fromkeys(map(ErrorClass, OF_THE_MONITOR.split()), SampleOutcome.MONITOR),
    ErrorClass.RATE_LIMITED: SampleOutcome.RATE_LIMITED,
    ErrorClass.VANTAGE_OFFLINE: SampleOutcome.NETWORK,
}
"""SPEC section 3, written out."""


def test_the_table_names_every_error_class() -> None:
    assert set(TABLE) == set(ErrorClass)


@pytest.mark.parametrize("error", ErrorClass)
def test_an_error_counts_as_the_published_table_says(error: ErrorClass) -> None:
    assert outcome(error, error.blame, count_wrong_answers=True) is TABLE[error]


@pytest.mark.parametrize("error", set(ErrorClass) - {ErrorClass.WRONG_ANSWER})
def test_only_wrong_answers_depend_on_the_configuration(error: ErrorClass) -> None:
    assert outcome(error, error.blame, count_wrong_answers=False) is TABLE[error]


@pytest.mark.parametrize("blame", Blame)
def test_a_wrong_answer_that_is_not_to_count_is_a_success(blame: Blame) -> None:
    assert outcome(ErrorClass.WRONG_ANSWER, blame, count_wrong_answers=False) is SampleOutcome.OK


@pytest.mark.parametrize("error", ErrorClass)
def test_a_blame_that_was_overridden_decides(error: ErrorClass) -> None:
    assert outcome(error, Blame.PROVIDER, count_wrong_answers=True) is SampleOutcome.FAILED
    refused = SampleOutcome.RATE_LIMITED if error is ErrorClass.RATE_LIMITED else SampleOutcome.ACCOUNT
    assert outcome(error, Blame.ACCOUNT, count_wrong_answers=True) is refused


def test_an_error_without_a_blame_counts_as_the_published_table_says() -> None:
    assert outcome(ErrorClass.GEO, None, count_wrong_answers=True) is SampleOutcome.ACCOUNT


@pytest.mark.parametrize("count_wrong_answers", [True, False])
def test_no_error_is_a_success(count_wrong_answers: bool) -> None:
    assert outcome(None, None, count_wrong_answers=count_wrong_answers) is SampleOutcome.OK


def test_only_successes_and_provider_failures_are_counted() -> None:
    assert {each for each in SampleOutcome if each.counted} == {SampleOutcome.OK, SampleOutcome.FAILED}


def test_uptime_leaves_out_account_monitor_and_network() -> None:
    counts = Counts(ok=3, failed=1, rate_limited=7, account=8, monitor=9, network=10)
    assert (counts.counted, counts.ratio) == (4, 0.75)
    assert counts.ci95 == wilson(3, 4)


def test_without_a_counted_sample_there_is_no_uptime() -> None:
    counts = Counts(rate_limited=7, account=8, monitor=9, network=10)
    assert (counts.counted, counts.ratio, counts.ci95) == (0, None, None)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # From R's prop.test(x, n, correct = FALSE), and Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (5, 5, 0.5655, 1.0),
        (0, 1, 0.0, 0.7935),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_wilson_gives_the_published_figures(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


counts = st.integers(1, 10**9).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@unhurried
@given(counts)
def test_the_interval_lies_within_0_and_1_and_holds_the_ratio(drawn: tuple[int, int]) -> None:
    successes, trials = drawn
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


@unhurried
@given(st.floats(0, 1), st.floats(1e-3, 1e6))
def test_weights_may_stand_for_counts(share: float, trials: float) -> None:
    assume(share * trials <= trials)
    low, high = wilson(share * trials, trials)
    assert 0 <= low <= share * trials / trials <= high <= 1


@unhurried
@given(counts, st.integers(2, 1000))
def test_more_of_the_same_narrows_the_interval(drawn: tuple[int, int], times: int) -> None:
    successes, trials = drawn
    low, high = wilson(successes, trials)
    narrow_low, narrow_high = wilson(successes * times, trials * times)
    assert narrow_high - narrow_low < high - low


@unhurried
@given(counts)
def test_failures_mirror_successes(drawn: tuple[int, int]) -> None:
    successes, trials = drawn
    low, high = wilson(successes, trials)
    assert wilson(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@unhurried
@given(counts)
def test_one_more_success_never_lowers_the_interval(drawn: tuple[int, int]) -> None:
    successes, trials = drawn
    before, now = wilson(successes, trials), wilson(successes + 1, trials + 1)
    assert now[0] >= before[0] - 1e-12
    assert now[1] >= before[1] - 1e-12
    assert not any(map(math.isnan, now))
