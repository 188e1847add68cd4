"""Everything known of one endpoint: what one sample does to counts, figures and health together."""

from __future__ import annotations

import pytest

from monitor.score.book import Book, Terms
from monitor.score.health import Health, Status
from monitor.score.outcomes import Counts, Outcome
from probes._model import ErrorClass
from tests.unit.score.values import EVERY_S, STALE_S, START, after, make_sample


def make_book(*, count_wrong_answers: bool = True) -> Book:
    terms = Terms(interval_s=EVERY_S, stale_s=STALE_S, count_wrong_answers=count_wrong_answers)
    return Book(terms, Health(since=START), None)


def counts(book: Book, now_s: float = 60) -> dict[str, Counts]:
    return {window.name: counts for window, counts in book.ledger.counts(after(now_s))}


def test_a_sample_reaches_counts_figures_and_health() -> None:
    book = make_book()
    assert book.absorb(make_sample(after(1), ttft_s=0.5), within_slo=True) is False
    assert counts(book)["90d"] == counts(book)["5m"] == Counts(ok=1)
    assert book.recent.summaries(after(60))["ttft_s"].count == 1
    assert (book.health.status, book.health.measured_at) == (Status.UP, after(1))


def test_a_first_failure_asks_for_confirmation() -> None:
    book = make_book()
    assert book.absorb(make_sample(after(1), ErrorClass.OVERLOADED, status_code=529), within_slo=True) is True
    assert book.health.last_error is not None
    assert book.health.last_error.status_code == 529


@pytest.mark.parametrize(
    ("count_wrong_answers", "outcome", "expected"),
    [(True, Outcome.FAILED, Counts(failed=1)), (False, Outcome.OK, Counts(ok=1))],
)
def test_wrong_answers_count_as_configured(count_wrong_answers: bool, outcome: Outcome, expected: Counts) -> None:
    book = make_book(count_wrong_answers=count_wrong_answers)
    assert book.outcome(ErrorClass.WRONG_ANSWER) is outcome
    book.absorb(make_sample(after(1), ErrorClass.WRONG_ANSWER, ttft_s=0.5), within_slo=True)
    assert counts(book)["5m"] == expected
    assert book.recent.summaries(after(60))["ttft_s"].count == expected.ok


def test_an_slo_miss_is_uptime_and_not_score() -> None:
    met, missed = make_book(), make_book()
    met.absorb(make_sample(after(1)), within_slo=True)
    missed.absorb(make_sample(after(1)), within_slo=False)
    assert counts(met) == counts(missed)
    assert (met.health.short.good, missed.health.short.bad) == (1.0, 1.0)


def test_first_seen_is_the_earliest_start_whatever_the_order() -> None:
    book = make_book()
    for seconds in (5, 2, 9):
        book.absorb(make_sample(after(seconds)), within_slo=True)
    assert book.first_seen == after(2)


def test_a_restored_sample_changes_figures_alone() -> None:
    book = make_book()
    book.restore(make_sample(after(1), ttft_s=0.5))
    book.restore(make_sample(after(1), ErrorClass.EMPTY))
    found = book.recent.summaries(after(60))["ttft_s"]
    assert (found.count, found.inflated) == (1, dict.fromkeys(("p50", "p75", "p90", "p99")))
    assert counts(book)["5m"] == Counts()
    assert book.health == Health(since=START)


def test_restored_counts_are_judged_by_the_present_terms() -> None:
    book = make_book(count_wrong_answers=False)
    book.restore_counts(1, START, ErrorClass.WRONG_ANSWER, 3)
    book.restore_counts(1, START, ErrorClass.GEO, 2)
    book.restore_counts(1, START, None, 1)
    assert counts(book)["5m"] == Counts(ok=4, account=2)
