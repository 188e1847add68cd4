"""Everything known of one endpoint: what one sample does to counts, figures and health together."""

from __future__ import annotations

import pytest

from monitor.score.answers import JUDGED
from monitor.score.blame import Moved
from monitor.score.book import Book, Terms
from monitor.score.health import Health, Trouble
from monitor.score.outcomes import Counts, Outcome
from monitor.score.windows import DAY, WINDOWS
from monitor.status import Status
from probes._model import Blame, ErrorClass, Task
from tests.unit.score.values import EVERY_S, STALE_S, START, after, make_sample


def make_book(*, count_wrong_answers: bool = True, moved: Moved | None = None, task: Task = Task.CHAT) -> Book:
    terms = Terms(
        interval_s=EVERY_S, stale_s=STALE_S, task=task, count_wrong_answers=count_wrong_answers, moved=moved or {}
    )
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
    for error, count in ((ErrorClass.WRONG_ANSWER, 3), (ErrorClass.GEO, 2), (None, 1)):
        book.restore_counts(1, START, task=Task.CHAT, error=error, count=count)
    assert counts(book)["5m"] == Counts(ok=4, account=2)


# Blame that the configuration moved


def test_a_class_whose_blame_was_moved_to_the_provider_is_an_outage() -> None:
    book = make_book(moved={ErrorClass.PAYMENT: Blame.PROVIDER})
    for number in (1, 2):
        book.absorb(make_sample(after(number), ErrorClass.PAYMENT), within_slo=True)
    assert counts(book)["5m"] == Counts(failed=2)
    assert (book.health.status, book.health.trouble) == (Status.DOWN, None)


def test_a_class_whose_blame_was_moved_to_the_account_is_its_trouble() -> None:
    book = make_book(moved={ErrorClass.OVERLOADED: Blame.ACCOUNT})
    assert book.absorb(make_sample(after(1), ErrorClass.OVERLOADED), within_slo=True) is False
    assert counts(book)["5m"] == Counts(account=1)
    assert book.health.trouble == Trouble(error=ErrorClass.OVERLOADED, since=after(1))


@pytest.mark.parametrize("stored", Blame)
def test_what_is_stored_is_judged_by_the_present_blame(stored: Blame) -> None:
    """A change of the configuration is a change of the past: counts are stored by class, figures follow them."""
    book = make_book(moved={ErrorClass.AUTH: Blame.PROVIDER})
    book.restore_counts(1, START, task=Task.CHAT, error=ErrorClass.AUTH, count=3)
    book.restore(make_sample(after(1), ErrorClass.AUTH, blame=stored))
    assert counts(book)["5m"] == Counts(failed=3)
    assert book.recent.summaries(after(60))["ttft_s"].inflated == dict.fromkeys(("p50", "p75", "p90", "p99"))
    plain = make_book()
    plain.restore_counts(1, START, task=Task.CHAT, error=ErrorClass.AUTH, count=3)
    assert counts(plain)["5m"] == Counts(account=3)


# Tasks


def test_samples_of_all_tasks_count_and_only_those_of_one_have_figures() -> None:
    book = make_book(task=Task.EMBEDDING)
    for number, task in enumerate(Task):
        book.absorb(make_sample(after(number), task=task, ttft_s=float(number)), within_slo=True)
    assert counts(book)["5m"] == Counts(ok=len(Task))
    found = book.recent.summaries(after(60))["ttft_s"]
    assert (found.count, found.quantiles["p50"]) == (1, float(list(Task).index(Task.EMBEDDING)))


def test_wrong_answers_are_errors_of_their_task_even_where_they_do_not_count() -> None:
    book = make_book(count_wrong_answers=False)
    for number, error in enumerate([None, None, ErrorClass.WRONG_ANSWER, ErrorClass.OVERLOADED, ErrorClass.AUTH]):
        book.absorb(make_sample(after(number), error, task=Task.TOOL_CALL), within_slo=True)
    assert book.answers[Task.TOOL_CALL].ratio(after(60)) == 0.5
    assert book.answers[Task.STRUCTURED_OUTPUT].ratio(after(60)) is None


@pytest.mark.parametrize("task", JUDGED)
def test_error_ratios_are_restored_from_the_counts_of_a_day_and_from_no_others(task: Task) -> None:
    book = make_book()
    for bucket_s in {window.bucket_s for window in WINDOWS}:
        for error, count in ((None, 6), (ErrorClass.WRONG_ANSWER, 2), (ErrorClass.GEO, 5)):
            book.restore_counts(bucket_s, START, task=task, error=error, count=count)
        book.restore_counts(bucket_s, START, task=Task.CHAT, error=ErrorClass.DNS, count=9)
    assert {each: errors.ratio(after(60)) for each, errors in book.answers.items()} == {
        **dict.fromkeys(JUDGED),
        task: 0.25,
    }
    assert counts(book)["1d"] == Counts(ok=6, failed=11, account=5)


def test_an_error_of_yesterday_leaves_the_ratio_in_its_time() -> None:
    book = make_book()
    book.absorb(make_sample(after(0), ErrorClass.WRONG_ANSWER, task=Task.TOOL_CALL), within_slo=True)
    book.absorb(make_sample(after(3600), task=Task.TOOL_CALL), within_slo=True)
    errors = book.answers[Task.TOOL_CALL]
    late_s = DAY.length_s + 2 * DAY.bucket_s
    assert [errors.ratio(after(seconds)) for seconds in (7200, late_s, 2 * 86_400)] == [0.5, 0.0, None]
