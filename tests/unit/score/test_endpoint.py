"""The state of one endpoint: the effect of a sample on counts, figures and health."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.domain.incident import Incident, incident_id
from monitor.domain.status import Status
from monitor.score.baseline import Baseline, Baselines, Basis
from monitor.score.blame import BlameOverrides
from monitor.score.endpoint import EndpointState, ScoringParams
from monitor.score.health import Health, Trouble
from monitor.score.incidents import IncidentTracker
from monitor.score.outcomes import NOTHING, Counts, SampleOutcome
from monitor.score.probe_interval import IntervalLimits
from monitor.score.provider import ProviderState
from monitor.score.task_errors import ERROR_RATIO_TASKS
from monitor.score.windows import DAY, WINDOWS
from probes._model import Blame, ErrorClass, Sample, Task
from tests.unit.score.values import EVERY_S, STALE_S, START, after, make_sample

NAME = "groq:llama"


QUICK = Baseline(median=0.2, mad=0.1, count=360, days=6, basis=Basis.WEEKDAY)


def make_state(
    *,
    count_wrong_answers: bool = True,
    blame_overrides: BlameOverrides | None = None,
    task: Task = Task.CHAT,
    provider: ProviderState[EndpointState] | None = None,
    name: str = NAME,
) -> EndpointState:
    params = ScoringParams(
        limits=IntervalLimits(least_s=2.0, most_s=EVERY_S),
        stale_s=STALE_S,
        task=task,
        count_wrong_answers=count_wrong_answers,
        blame_overrides=blame_overrides or {},
        only_reach=False,
    )
    state = EndpointState(name, params, provider or ProviderState(), START)
    state.baselines = Baselines(hour=START, task=task, ttft_s=QUICK)
    return state


def take(state: EndpointState, sample: Sample, *, within_slo: bool) -> None:
    """Judge a sample, and let readers see it."""
    state.absorb(sample, within_slo=within_slo)
    state.show()


def absorb(state: EndpointState, letters: str, first: int = 1) -> None:
    """One sample a minute: `o` within its SLO, `s` too slow, `u` anomalous, `f` failed."""
    for minute, letter in enumerate(letters, first):
        sample = make_sample(after(minute * EVERY_S), ErrorClass.CONNECT if letter == "f" else None)
        if letter == "u":
            sample = replace(sample, ttft_s=60.0)
        take(state, sample, within_slo=letter != "s")


def incident_of(state: EndpointState) -> Incident:
    assert state.tracker.incident is not None
    return state.tracker.incident


def counts(state: EndpointState, now_s: float = 60) -> dict[str, Counts]:
    return {window.name: counts for window, counts in state.ledger.counts(after(now_s))}


def test_a_sample_reaches_counts_figures_and_health() -> None:
    state = make_state()
    take(state, make_sample(after(1), ttft_s=0.5), within_slo=True)
    assert counts(state)["90d"] == counts(state)["5m"] == Counts(ok=1)
    assert state.latency.summaries(after(60))["ttft_s"].count == 1
    assert (state.health.status, state.health.measured_at) == (Status.UP, after(1))


def test_nothing_that_was_taken_in_is_to_be_read_before_it_is_shown() -> None:
    state = make_state()
    before = state.assess(after(60))
    state.absorb(make_sample(after(1), ttft_s=0.5), within_slo=True)
    assert (counts(state)["5m"], state.assess(after(60)), state.first_seen) == (Counts(), before, None)
    assert state.latency.summaries(after(60))["ttft_s"].count == 0
    assert state.next_probe() is not None  # what it is judged by knows of it
    state.show()
    assert (counts(state)["5m"], state.judged_status(after(60)).status, state.first_seen) == (
        Counts(ok=1),
        Status.UP,
        after(1),
    )


def test_a_first_failure_asks_for_another_probe_at_once() -> None:
    state = make_state()
    assert state.next_probe() is None
    take(state, make_sample(after(1), ErrorClass.OVERLOADED, status_code=529), within_slo=True)
    assert state.next_probe() == after(1)
    assert state.health.last_error is not None
    assert state.health.last_error.status_code == 529


@pytest.mark.parametrize(
    ("count_wrong_answers", "outcome", "expected"),
    [(True, SampleOutcome.FAILED, Counts(failed=1)), (False, SampleOutcome.OK, Counts(ok=1))],
)
def test_wrong_answers_count_as_configured(count_wrong_answers: bool, outcome: SampleOutcome, expected: Counts) -> None:
    state = make_state(count_wrong_answers=count_wrong_answers)
    assert state.outcome(ErrorClass.WRONG_ANSWER) is outcome
    take(state, make_sample(after(1), ErrorClass.WRONG_ANSWER, ttft_s=0.5), within_slo=True)
    assert counts(state)["5m"] == expected
    assert state.latency.summaries(after(60))["ttft_s"].count == expected.ok


def test_an_slo_miss_is_uptime_and_not_score() -> None:
    met, missed = make_state(), make_state()
    take(met, make_sample(after(1)), within_slo=True)
    take(missed, make_sample(after(1)), within_slo=False)
    assert counts(met) == counts(missed)
    scores = [state.assess(after(1)).score or 0.0 for state in (met, missed)]
    assert scores[0] > scores[1] + 0.1


def test_first_seen_is_the_earliest_start_whatever_the_order() -> None:
    state = make_state()
    for seconds in (5, 2, 9):
        take(state, make_sample(after(seconds)), within_slo=True)
    assert state.first_seen == after(2)


def test_a_restored_sample_changes_figures_alone() -> None:
    state = make_state()
    state.restore(make_sample(after(1), ttft_s=0.5))
    state.restore(make_sample(after(1), ErrorClass.EMPTY))
    found = state.latency.summaries(after(60))["ttft_s"]
    assert (found.count, found.inflated) == (1, dict.fromkeys(("p50", "p75", "p90", "p99")))
    assert counts(state)["5m"] == Counts()
    assert state.health == Health(since=START)


def test_restored_counts_are_judged_by_the_present_terms() -> None:
    state = make_state(count_wrong_answers=False)
    for error, count in ((ErrorClass.WRONG_ANSWER, 3), (ErrorClass.GEO, 2), (None, 1)):
        state.restore_counts(1, START, task=Task.CHAT, error=error, count=count)
    assert counts(state)["5m"] == Counts(ok=4, account=2)


# Blame that the configuration moved


def test_a_class_whose_blame_was_overridden_to_the_provider_is_an_outage() -> None:
    state = make_state(blame_overrides={ErrorClass.PAYMENT: Blame.PROVIDER})
    for number in (1, 2):
        take(state, make_sample(after(number), ErrorClass.PAYMENT), within_slo=True)
    assert counts(state)["5m"] == Counts(failed=2)
    assert (state.health.status, state.health.trouble) == (Status.DOWN, None)


def test_a_class_whose_blame_was_overridden_to_the_account_is_its_trouble() -> None:
    state = make_state(blame_overrides={ErrorClass.OVERLOADED: Blame.ACCOUNT})
    take(state, make_sample(after(1), ErrorClass.OVERLOADED), within_slo=True)
    assert counts(state)["5m"] == Counts(account=1)
    assert state.health.trouble == Trouble(error=ErrorClass.OVERLOADED, since=after(1))


@pytest.mark.parametrize("stored", Blame)
def test_what_is_stored_is_judged_by_the_present_blame(stored: Blame) -> None:
    """A change of the configuration is a change of the past: counts are stored by class, figures follow them."""
    state = make_state(blame_overrides={ErrorClass.AUTH: Blame.PROVIDER})
    state.restore_counts(1, START, task=Task.CHAT, error=ErrorClass.AUTH, count=3)
    state.restore(make_sample(after(1), ErrorClass.AUTH, blame=stored))
    assert counts(state)["5m"] == Counts(failed=3)
    assert state.latency.summaries(after(60))["ttft_s"].inflated == dict.fromkeys(("p50", "p75", "p90", "p99"))
    plain = make_state()
    plain.restore_counts(1, START, task=Task.CHAT, error=ErrorClass.AUTH, count=3)
    assert counts(plain)["5m"] == Counts(account=3)


# Tasks


def test_samples_of_all_tasks_count_and_only_those_of_one_have_figures() -> None:
    state = make_state(task=Task.EMBEDDING)
    for number, task in enumerate(Task):
        take(state, make_sample(after(number), task=task, ttft_s=float(number)), within_slo=True)
    assert counts(state)["5m"] == Counts(ok=len(Task))
    found = state.latency.summaries(after(60))["ttft_s"]
    assert (found.count, found.quantiles["p50"]) == (1, float(list(Task).index(Task.EMBEDDING)))


def test_wrong_answers_are_errors_of_their_task_even_where_they_do_not_count() -> None:
    state = make_state(count_wrong_answers=False)
    for number, error in enumerate([None, None, ErrorClass.WRONG_ANSWER, ErrorClass.OVERLOADED, ErrorClass.AUTH]):
        take(state, make_sample(after(number), error, task=Task.TOOL_CALL), within_slo=True)
    assert state.task_errors[Task.TOOL_CALL].ratio(after(60)) == 0.5
    assert state.task_errors[Task.STRUCTURED_OUTPUT].ratio(after(60)) is None


@pytest.mark.parametrize("task", ERROR_RATIO_TASKS)
def test_error_ratios_are_restored_from_the_counts_of_a_day_and_from_no_others(task: Task) -> None:
    state = make_state()
    for bucket_s in {window.bucket_s for window in WINDOWS}:
        for error, count in ((None, 6), (ErrorClass.WRONG_ANSWER, 2), (ErrorClass.GEO, 5)):
            state.restore_counts(bucket_s, START, task=task, error=error, count=count)
        state.restore_counts(bucket_s, START, task=Task.CHAT, error=ErrorClass.DNS, count=9)
    assert {each: errors.ratio(after(60)) for each, errors in state.task_errors.items()} == {
        **dict.fromkeys(ERROR_RATIO_TASKS),
        task: 0.25,
    }
    assert counts(state)["1d"] == Counts(ok=6, failed=11, account=5)


def test_an_error_of_yesterday_leaves_the_ratio_in_its_time() -> None:
    state = make_state()
    take(state, make_sample(after(0), ErrorClass.WRONG_ANSWER, task=Task.TOOL_CALL), within_slo=True)
    take(state, make_sample(after(3600), task=Task.TOOL_CALL), within_slo=True)
    errors = state.task_errors[Task.TOOL_CALL]
    late_s = DAY.length_s + 2 * DAY.bucket_s
    assert [errors.ratio(after(seconds)) for seconds in (7200, late_s, 2 * 86_400)] == [0.5, 0.0, None]


# What endpoints of a provider share


def test_what_one_endpoint_shows_moves_the_score_of_another() -> None:
    provider = ProviderState[EndpointState]()
    one, other = make_state(provider=provider), make_state(provider=provider, name="groq:other")
    absorb(one, "o" * 20)
    absorb(other, "o" * 20)
    before = other.assess(after(22 * EVERY_S)).score
    absorb(one, "fff", 21)
    found = other.assess(after(23 * EVERY_S)).score
    assert before is not None
    assert found is not None
    assert found < before - 0.1
    assert one.provider.belief is other.provider.belief


def test_a_provider_has_news_when_its_belief_moved_since_it_last_had() -> None:
    provider = ProviderState[EndpointState]()
    state = make_state(provider=provider)
    absorb(state, "o" * 21)
    assert provider.is_news() is False
    absorb(state, "f", 22)
    assert [provider.is_news(), provider.is_news()] == [True, False]


def test_small_steps_are_news_once_they_add_up() -> None:
    provider = ProviderState[EndpointState]()
    state = make_state(provider=provider)
    absorb(state, "o" * 20 + "ff")
    provider.is_news()
    found = []
    for minute in range(23, 60):
        absorb(state, "o", minute)
        found.append(provider.is_news())
    assert (found[0], found[-1]) == (True, False)


def test_settling_follows_the_provider_and_says_whether_the_status_changed() -> None:
    provider = ProviderState[EndpointState]()
    state = make_state(provider=provider)
    absorb(state, "o" * 20)
    assert state.settle(after(20 * EVERY_S)) is False
    others = [make_state(provider=provider, name=name) for name in ("groq:one", "groq:two")]
    for minute, letter in enumerate("o" * 20 + "ffff", 1):
        for other in others:
            absorb(other, letter, minute)
    assert state.settle(after(24 * EVERY_S)) is True
    assert (state.health.status, incident_of(state).causes) == (Status.DEGRADED, {"provider": 1})
    assert incident_of(state).began_at == after(24 * EVERY_S)
    began = incident_of(state).id
    minute = 24
    while state.health.status is not Status.UP:
        minute += 1
        absorb(state, "o", minute)
    assert (incident_of(state).id, incident_of(state).samples) == (began, 1)
    assert incident_of(state).ended_at == after(minute * EVERY_S)


def test_one_whose_newest_sample_is_from_before_another_fell_is_behind_it() -> None:
    fallen, older, newer, never = (make_state(name=f"groq:{number}") for number in range(4))
    absorb(older, "o" * 20)
    absorb(newer, "o" * 20, 5)
    absorb(fallen, "o" * 20 + "fff")
    assert fallen.health.status is Status.DOWN
    assert [each.is_behind(fallen) for each in (older, newer, never, fallen)] == [True, False, False, False]
    assert older.is_behind(newer) is False


# Incidents


def test_an_incident_begins_with_the_first_sample_of_evidence() -> None:
    state = make_state()
    absorb(state, "o" * 60 + "f")
    assert (state.tracker.is_confirmed, incident_of(state).samples) == (False, 1)
    absorb(state, "ff", 62)
    assert (state.health.status, state.health.since) == (Status.DOWN, after(62 * EVERY_S))
    assert state.tracker == IncidentTracker(
        incident=Incident(
            id=incident_id(NAME, after(61 * EVERY_S)),
            endpoint=NAME,
            worst=Status.DOWN,
            began_at=after(61 * EVERY_S),
            last_at=after(63 * EVERY_S),
            causes={"connect": 3},
        ),
        is_confirmed=True,
    )


def test_a_lone_failure_comes_to_nothing() -> None:
    state = make_state()
    absorb(state, "o" * 20 + "fo")
    assert state.tracker == IncidentTracker()


def test_an_endpoint_that_is_well_has_no_tracker() -> None:
    state = make_state()
    absorb(state, "o" * 20)
    assert state.tracker == IncidentTracker()


@pytest.mark.parametrize(
    ("letters", "causes"),
    [
        ("fff", {"connect": 3}),
        ("ssss", {"slo": 4}),
        ("uuuu", {"habit": 4}),
        ("sssff", {"slo": 3, "connect": 2}),
        ("fffoo", {"connect": 3}),
    ],
)
def test_each_sample_of_evidence_is_counted_under_its_cause(letters: str, causes: dict[str, int]) -> None:
    state = make_state()
    absorb(state, "o" * 20 + letters)
    assert (state.tracker.is_confirmed, incident_of(state).causes) == (True, causes)


def test_one_that_is_slow_and_anomalous_is_slow() -> None:
    state = make_state()
    take(state, make_sample(after(1), ttft_s=60.0), within_slo=False)
    assert incident_of(state).causes == {"slo": 1}


def test_an_incident_ends_with_the_sample_that_made_it_up_again() -> None:
    state = make_state()
    absorb(state, "o" * 20 + "fff")
    minute = 23
    while state.health.status is not Status.UP:
        minute += 1
        absorb(state, "o", minute)
    assert incident_of(state).ended_at == after(minute * EVERY_S) == state.health.since
    absorb(state, "o", minute + 1)
    assert state.tracker == IncidentTracker()


@pytest.mark.parametrize("error", [ErrorClass.AUTH, ErrorClass.RATE_LIMITED, ErrorClass.OVERRUN])
def test_an_error_that_is_not_the_providers_fault_is_no_evidence(error: ErrorClass) -> None:
    state = make_state()
    absorb(state, "o" * 20)
    for number in range(5):
        take(state, make_sample(after(1_300 + number), error), within_slo=True)
    assert (state.tracker, state.health.status) == (IncidentTracker(), Status.UP)


def test_a_clock_that_was_ahead_and_came_back_leaves_no_count_and_no_evidence_that_never_gets_old() -> None:
    state = make_state()
    ahead = after(30 * 86_400)
    state.absorb(make_sample(ahead), within_slo=True)
    state.absorb(make_sample(ahead, ErrorClass.SERVER_ERROR), within_slo=True)
    state.show()
    state.bound(after(0))
    assert state.health.measured_at == state.shown.measured_at == after(0)
    assert all(probes == NOTHING for _, probes, _ in state.counts(after(0)))
    assert state.latency.summaries(after(0))["e2e_s"].count == 0
    assert state.tracker.incident is None or state.tracker.incident.began_at <= after(0)
    assert state.judged_status(after(86_400)).status is Status.UNKNOWN
    before = state.health
    state.bound(after(1))
    assert state.health is before
