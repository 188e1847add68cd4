"""Budgets: daily caps with concurrent probes, and intervals that are stretched before the budget is spent."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.budget_unit import BudgetUnit
from monitor.scheduler.budget import SLOW_FROM, Amounts, Budgets
from probes._model import Deadlines, Endpoint, ErrorClass, Pricing, Prompt, Run, Sample, Task
from tests.unit.score.values import make_sample, unhurried

MORNING = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ONE, TWO, OTHER = "groq:llama", "groq:gpt", "vllm:llama"
PROVIDERS = {ONE: "groq", TWO: "groq", OTHER: "vllm"}
PRICING = Pricing(prompt=1.0, completion=2.0)
EVERY_S = 60.0
USD, TOKENS = BudgetUnit.USD, BudgetUnit.TOKENS


def at(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def make_run(number: int = 0, endpoint: str = ONE, **fields: object) -> Run:
    """A probe of 100 prompt tokens and up to 50 of output: 200 millionths of a USD at the most."""
    plain = Run(
        id=f"{number:016x}",
        endpoint=Endpoint(
            id=endpoint,
            provider=PROVIDERS[endpoint],
            model="m",
            api="openai_chat",
            base_url="http://h",
            pricing=PRICING,
        ),
        vantage="local",
        probe="chat",
        task=Task.CHAT,
        prompt=Prompt(text="", max_tokens=50, tokens=100),
        deadlines=Deadlines(ttft_s=1, total_s=1),
        scheduled_at=MORNING,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def ended(run: Run, began: datetime, tokens: int | None, cost_usd: float | None = None) -> Sample:
    """The sample of a run: a prompt of ten tokens, the rest is output."""
    counts = (None, None) if tokens is None else (10, tokens - 10)
    return make_sample(
        began,
        id=run.id,
        endpoint=run.endpoint.id,
        probe=run.probe,
        task=run.task,
        prompt_tokens=counts[0],
        output_tokens=counts[1],
        cost_usd=cost_usd,
    )


@dataclass
class Spender:
    """Asks a budget for probes, one after the other."""

    caps: Amounts
    budgets: Budgets = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.budgets = Budgets({"groq": self.caps}, PROVIDERS)

    def probe(
        self,
        when: datetime,
        tokens: int | None = 100,
        usd: float | None = None,
        *,
        every_s: float = EVERY_S,
        **run: object,
    ) -> str | None:
        """One whole probe at a moment; why there was none."""
        self.count += 1
        asked = make_run(self.count, **run)  # type: ignore[arg-type]
        refusal = self.budgets.claim(asked, every_s, when)
        if refusal is None:
            self.budgets.charge(ended(asked, when, tokens, usd))
            self.budgets.release(asked)
        return refusal

    def spend(self, when: datetime, **amounts: float) -> None:
        """What was spent before."""
        given = {USD: 0.0, TOKENS: 0.0} | {BudgetUnit(unit): amount for unit, amount in amounts.items()}
        self.budgets.restore(ONE, given, when)

    def share(self, when: datetime) -> dict[BudgetUnit, float]:
        return {unit: round(share, 9) for _, unit, share in self.budgets.shares(when)}


def test_probes_run_until_the_days_budget_is_spent_and_then_it_is_said_until_when() -> None:
    spender = Spender({TOKENS: 1_000})
    found = [spender.probe(at(60 * number), 125) for number in range(7)]
    found += [spender.probe(at(86_340 + number), 125) for number in range(3)]
    assert found == [None] * 8 + ["today's budget is spent: 1,000 of 1,000 tokens, until 00:00 UTC"] * 2


def test_a_budget_in_usd_is_shown_in_usd() -> None:
    spender = Spender({USD: 0.5})
    spender.spend(at(0), usd=0.5)
    assert spender.probe(at(1)) == "today's budget is spent: 0.50 of 0.50 USD, until 00:00 UTC"


def test_a_small_budget_is_shown_with_enough_digits() -> None:
    spender = Spender({USD: 0.0004})
    spender.spend(at(0), usd=0.00041)
    assert spender.probe(at(1)) == "today's budget is spent: 0.00041 of 0.00040 USD, until 00:00 UTC"


def test_of_two_caps_the_one_that_is_reached_first_holds() -> None:
    spender = Spender({USD: 1.0, TOKENS: 1_000})
    spender.spend(at(0), tokens=1_000, usd=0.9)
    assert (spender.probe(at(1)) or "").startswith("today's budget is spent: 1,000 of")
    assert spender.share(at(1)) == {USD: 0.9, TOKENS: 1.0}


def test_what_costs_nothing_always_runs() -> None:
    spender = Spender({TOKENS: 10, USD: 0.1})
    spender.spend(at(0), tokens=10, usd=0.1)
    assert spender.probe(at(1), None, task=Task.REACH) is None
    assert spender.probe(at(2)) is not None


def test_a_free_endpoint_is_not_held_back_by_what_others_cost() -> None:
    spender = Spender({USD: 0.1})
    spender.spend(at(0), usd=0.1)
    free = replace(make_run().endpoint, pricing=Pricing(prompt=0, completion=0))
    unpriced = replace(free, pricing=None)
    budgets = spender.budgets
    assert [budgets.claim(replace(make_run(), endpoint=each), 60, at(1)) for each in (free, unpriced)] == [None, None]


def test_an_embedding_has_no_output_that_could_cost() -> None:
    budgets = Spender({TOKENS: 201}).budgets
    assert budgets.claim(make_run(1, task=Task.EMBEDDING), 60, at(0)) is None
    assert budgets.claim(make_run(2, task=Task.EMBEDDING), 60, at(0)) is None
    assert budgets.claim(make_run(3, task=Task.EMBEDDING), 60, at(0)) is None
    assert budgets.claim(make_run(4, task=Task.EMBEDDING), 60, at(0)) is not None


def test_a_provider_without_a_budget_is_never_held_back_nor_told_of() -> None:
    budgets = Spender({TOKENS: 1}).budgets
    run = make_run(1, OTHER)
    assert [budgets.claim(run, 60, at(number)) for number in range(3)] == [None] * 3
    budgets.charge(ended(run, at(0), 10**9))
    budgets.release(run)
    budgets.restore(OTHER, {USD: 1.0, TOKENS: 1.0}, at(0))
    assert [(name, unit) for name, unit, _ in budgets.shares(at(0))] == [("groq", TOKENS)]


def test_a_probe_whose_provider_is_removed_while_it_runs_ends_without_a_budget() -> None:
    budgets = Budgets({}, PROVIDERS)
    run = make_run(1, OTHER)
    budgets.apply({}, {ONE: "groq"})
    assert budgets.claim(run, 60, at(0)) is None
    budgets.charge(ended(run, at(0), 100))
    budgets.release(run)
    assert [*budgets.shares(at(0))] == []


def test_one_provider_does_not_spend_what_is_anothers() -> None:
    budgets = Budgets({"groq": {TOKENS: 100}, "vllm": {TOKENS: 100}}, PROVIDERS)
    budgets.charge(ended(make_run(1), at(0), 100))
    assert budgets.claim(make_run(2), 60, at(1)) is not None
    assert budgets.claim(make_run(3, OTHER), 60, at(1)) is None


def test_what_runs_counts_as_the_most_that_it_may_cost() -> None:
    spender = Spender({TOKENS: 400})
    runs = [make_run(number) for number in range(4)]
    assert [spender.budgets.claim(run, 60, at(0)) for run in runs] == [
        *[None] * 3,
        "running probes may spend the rest of today's budget: 0 of 400 tokens so far",
    ]
    for run in runs:
        spender.budgets.charge(ended(run, at(1), 20))
        spender.budgets.release(run)
    assert spender.budgets.claim(make_run(9), 60, at(61)) is None


def test_a_probe_that_was_dearer_than_it_should_is_expected_to_be_so_again() -> None:
    """Hidden reasoning, another tokenizer: the limit that was asked for is not always kept."""
    spender = Spender({TOKENS: 10_000})
    spender.probe(at(0), 4_000)
    spender.probe(at(60), 50)
    assert spender.budgets.claim(make_run(100), 60, at(120)) is None
    assert spender.budgets.claim(make_run(101), 60, at(121)) is None
    assert (spender.budgets.claim(make_run(102), 60, at(122)) or "").startswith("running probes")


@pytest.mark.parametrize("error", [ErrorClass.CONNECT, ErrorClass.CANCELLED])
def test_a_probe_of_which_no_cost_is_known_costs_nothing_and_changes_no_estimate(error: ErrorClass) -> None:
    spender = Spender({TOKENS: 200})
    for number in range(20):
        run = make_run(number)
        assert spender.budgets.claim(run, 60, at(60 * number)) is None
        spender.budgets.charge(replace(ended(run, at(60 * number), None), error=error))
        spender.budgets.release(run)
    assert spender.share(at(1200)) == {TOKENS: 0.0}


def test_a_sample_without_a_reservation_is_charged_too() -> None:
    spender = Spender({TOKENS: 1_000})
    spender.budgets.charge(ended(make_run(1), at(0), 700))
    spender.budgets.charge(replace(ended(make_run(2), at(0), 700), endpoint="gone:x"))
    assert spender.share(at(1)) == {TOKENS: 0.7}


# --- the end of the budget is put off


def test_while_much_is_left_no_tick_is_held_back() -> None:
    spender = Spender({TOKENS: 100_000})
    assert {spender.probe(at(60 * number)) for number in range(int(SLOW_FROM * 1_000))} == {None}


def test_what_is_left_late_in_the_day_is_spread_until_midnight() -> None:
    """Of ten hours with a probe a minute only a quarter can be paid for."""
    spender = Spender({TOKENS: 75_000})
    spender.spend(at(0), tokens=60_000)
    begin = 14 * 3_600
    ran = [number for number in range(600) if spender.probe(at(begin + 60 * number)) is None]
    assert 100 <= len(ran) <= 150
    halves = [sum(number // 300 == half for number in ran) for half in (0, 1)]
    assert min(halves) >= 0.75 * max(halves)
    assert max(after - before for before, after in itertools.pairwise(ran)) <= 10


def test_a_tick_that_is_slowed_down_says_so_and_when_the_next_may_run() -> None:
    spender = Spender({TOKENS: 10_000})
    spender.spend(at(0), tokens=8_000)
    assert spender.probe(at(43_200)) is None
    assert spender.probe(at(43_260)) == (
        "today's budget runs low: 8,100 of 10,000 tokens, the rest is spread until 00:00 UTC; next in 2211 s"
    )


def test_what_suffices_for_the_rest_of_the_day_is_not_spread() -> None:
    spender = Spender({TOKENS: 10_000})
    spender.spend(at(0), tokens=8_000)
    assert {spender.probe(at(86_400 - 600 + 60 * number)) for number in range(10)} == {None}


def test_no_endpoint_is_starved_by_another_that_comes_first() -> None:
    """One shared limit would always admit the probes that happen to come at the right time."""
    spender = Spender({TOKENS: 100_000})
    spender.spend(at(0), tokens=80_000)
    ran = dict.fromkeys([(ONE, 60), (TWO, 60), (ONE, 300)], 0)
    for number in range(1_440):
        for place, (endpoint, every_s) in enumerate(ran):
            if number * 60 % every_s == 0:
                moment = at(number * 60 + place * 20)
                refusal = spender.probe(moment, every_s=every_s, endpoint=endpoint, probe=f"every {every_s}")
                ran[endpoint, every_s] += refusal is None
    assert sum(ran.values()) >= 170
    assert abs(ran[ONE, 60] - ran[TWO, 60]) <= 2
    assert 4 <= ran[ONE, 60] / ran[ONE, 300] <= 6


def test_a_confirmation_is_held_back_while_the_rest_is_spread() -> None:
    spender = Spender({TOKENS: 10_000})
    spender.spend(at(0), tokens=9_000)
    assert spender.probe(at(3_600)) is None
    assert (spender.probe(at(3_601)) or "").startswith("today's budget runs low")


# --- days and clocks


def test_at_midnight_a_day_begins_anew() -> None:
    spender = Spender({TOKENS: 100})
    assert [spender.probe(at(86_398 + number)) is None for number in range(4)] == [True, False, True, False]


def test_a_probe_belongs_to_the_day_on_which_it_began() -> None:
    spender = Spender({TOKENS: 100})
    run = make_run(1)
    assert spender.budgets.claim(run, 60, at(86_399)) is None
    spender.budgets.charge(ended(run, at(86_399), 100))
    spender.budgets.release(run)
    assert (spender.share(at(86_399)), spender.share(at(86_400))) == ({TOKENS: 1.0}, {TOKENS: 0.0})


def test_what_still_runs_at_midnight_is_counted_on_the_new_day_while_it_runs() -> None:
    budgets = Spender({TOKENS: 150}).budgets
    assert budgets.claim(make_run(1), 60, at(86_399)) is None
    assert budgets.claim(make_run(2), 60, at(86_401)) is not None


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=3), DAY, 3 * DAY])
def test_a_wall_clock_that_is_set_back_refunds_nothing(back: timedelta) -> None:
    spender = Spender({TOKENS: 1_000})
    noon = at(43_200) + 5 * DAY
    for number in range(5):
        spender.spend(noon - number * DAY, tokens=1_000)
    assert spender.probe(noon - back) is not None
    assert spender.probe(noon) is not None
    assert spender.probe(noon + DAY) is None


def test_a_wall_clock_that_leaps_begins_a_day_anew_and_back_again_finds_what_was_spent() -> None:
    spender = Spender({TOKENS: 100})
    spender.probe(at(0))
    years = at(0) + 3_650 * DAY
    assert [spender.probe(moment) is None for moment in (years, years, at(1), at(1) + DAY)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_clock_that_was_set_back_within_the_day_does_not_delay_the_next_probe() -> None:
    spender = Spender({TOKENS: 10_000})
    spender.spend(at(0), tokens=9_000)
    assert spender.probe(at(40_000)) is None
    assert spender.probe(at(4_000)) is None
    assert (spender.probe(at(4_060)) or "").startswith("today's budget runs low")


def test_the_sums_of_long_gone_days_are_let_go() -> None:
    spender = Spender({TOKENS: 100})
    for number in range(100):
        assert spender.probe(at(0) + number * DAY) is None
    days = [spender.share(at(0) + number * DAY)[TOKENS] for number in range(100)]
    assert days == [0.0] * 92 + [1.0] * 8


def test_a_restart_goes_on_from_what_was_spent() -> None:
    spender = Spender({TOKENS: 1_000, USD: 1.0})
    spender.spend(at(0), tokens=400, usd=0.25)
    spender.budgets.restore(TWO, {TOKENS: 100.0, USD: 0.25}, at(0))
    assert spender.share(at(1)) == {TOKENS: 0.5, USD: 0.5}


def test_what_an_endpoint_cost_that_is_no_longer_configured_counts_for_the_provider_in_its_id() -> None:
    spender = Spender({TOKENS: 1_000})
    for name in ("groq:removed", "removed", "other:x"):
        spender.budgets.restore(name, {TOKENS: 500.0, USD: 0.0}, at(0))
    assert spender.share(at(1)) == {TOKENS: 0.5}


# --- whatever happens in whatever order

STEPS = st.lists(
    st.tuples(
        st.sampled_from([ONE, TWO]),
        st.sampled_from(["begin", "begin", "end", "end unknown"]),
        st.integers(0, 40),
        st.integers(10, 150),
    ),
    max_size=80,
)


@unhurried
@given(cap=st.integers(1, 2_000), steps=STEPS, pace_s=st.sampled_from([1.0, 60.0, 1_200.0]))
def test_no_day_passes_its_cap_by_more_than_one_probe_however_many_run_at_once(
    cap: int, steps: list[tuple[str, str, int, int]], pace_s: float
) -> None:
    """Probes end in any order, cost anything up to what they may, and may pass midnight."""
    budgets = Budgets({"groq": {TOKENS: float(cap), USD: cap / 1e6}}, PROVIDERS)
    running: list[tuple[Run, datetime]] = []
    spent: dict[object, int] = {}
    for number, (endpoint, step, choice, tokens) in enumerate(steps):
        now = at(80_000 + number * pace_s)
        if step == "begin":
            run = make_run(number, endpoint)
            if budgets.claim(run, 60, now) is None:
                running.append((run, now))
        elif running:
            run, began = running.pop(choice % len(running))
            used = tokens if step == "end" else None
            budgets.charge(
                ended(run, began, used, None if used is None else (used * 2 - 100) / 1e6 if used > 50 else 0.0)
            )
            budgets.release(run)
            spent[began.date()] = spent.get(began.date(), 0) + (used or 0)
    for _, began in running:
        spent[began.date()] = spent.get(began.date(), 0) + 150
    assert all(total < cap + 150 for total in spent.values())


@unhurried
@given(
    cap=st.integers(100, 5_000),
    costs=st.lists(st.integers(10, 3_000), min_size=1, max_size=60),
    when=st.lists(st.floats(0, 86_399), min_size=60, max_size=60),
)
def test_nothing_that_costs_begins_once_the_cap_is_reached_whatever_probes_cost(
    cap: int, costs: list[int], when: list[float]
) -> None:
    """Also when they cost more than they should, and the clock goes to and fro."""
    spender = Spender({TOKENS: cap})
    spent = 0
    for tokens, second in zip(costs, when, strict=False):
        refusal = spender.probe(at(second), tokens)
        assert spent < cap or (refusal or "").startswith("today's budget is spent")
        spent += 0 if refusal else tokens


def test_a_days_budget_is_used_to_most_of_it_and_lasts_until_the_evening() -> None:
    """A probe a minute of which less than half can be paid for: something is measured in every quarter of an hour."""
    spender = Spender({TOKENS: 60_000})
    ran = [number for number in range(1_440) if spender.probe(at(60 * number)) is None]
    gaps = [after - before for before, after in zip(ran, [*ran[1:], 1_440], strict=True)]
    assert spender.share(at(86_399))[TOKENS] >= 0.95
    assert max(gaps) <= 15


# Other budgets while probes run


def test_a_new_budget_counts_what_was_spent_already() -> None:
    spender = Spender({})
    assert [spender.probe(at(60 * number), 100) for number in range(5)] == [None] * 5
    assert spender.share(at(300)) == {}
    spender.budgets.apply({"groq": {TOKENS: 1_000}}, PROVIDERS)
    assert spender.share(at(300)) == {TOKENS: 0.5}


def test_another_cap_holds_from_then_on() -> None:
    spender = Spender({TOKENS: 400})
    assert [spender.probe(at(60 * number), 100) is None for number in range(6)] == [True] * 4 + [False] * 2
    spender.budgets.apply({"groq": {TOKENS: 1_000}}, PROVIDERS)
    assert spender.probe(at(400), 100) is None
    spender.budgets.apply({"groq": {TOKENS: 300}}, PROVIDERS)
    assert "spent: 500 of 300 tokens" in (spender.probe(at(500), 100) or "")
    spender.budgets.apply({}, PROVIDERS)
    assert spender.probe(at(600), 100) is None


def test_new_providers_are_returned_so_that_their_spending_of_the_day_can_be_restored() -> None:
    budgets = Budgets({}, PROVIDERS)
    assert budgets.apply({"new": {TOKENS: 100}}, {**PROVIDERS, "new:one": "new"}) == {"new"}
    assert budgets.apply({"new": {TOKENS: 100}}, {**PROVIDERS, "new:one": "new"}) == frozenset()
    budgets.restore("new:one", {TOKENS: 50.0, USD: 0.0}, at(0))
    assert list(budgets.shares(at(0))) == [("new", TOKENS, 0.5)]
    assert [budgets.provider_of(name) for name in ("new:one", "gone:x")] == ["new", "gone"]


def test_what_a_removed_endpoint_would_cost_slows_no_other_down() -> None:
    spender = Spender({TOKENS: 1_000})
    for number in range(4):
        assert spender.probe(at(0), 100, endpoint=ONE, probe=f"chat{number}") is None
    assert spender.probe(at(1), 450, endpoint=TWO, every_s=86_400 * 0.9) is None
    late = 86_400 * 0.95
    assert "runs low" in (spender.probe(at(late), 100, endpoint=TWO, every_s=86_400 * 0.9) or "")
    spender.budgets.apply({"groq": {TOKENS: 1_000}}, {TWO: "groq"})
    assert spender.probe(at(late), 100, endpoint=TWO, every_s=86_400 * 0.9) is None


def test_a_probe_that_ends_after_its_endpoint_was_removed_is_charged() -> None:
    spender = Spender({TOKENS: 1_000})
    run = make_run()
    assert spender.budgets.claim(run, EVERY_S, at(0)) is None
    spender.budgets.apply({"groq": {TOKENS: 1_000}}, {TWO: "groq"})
    spender.budgets.charge(ended(run, at(0), 100))
    spender.budgets.release(run)
    assert spender.share(at(1)) == {TOKENS: 0.1}


def test_the_spending_of_a_day_is_said_of_every_provider_with_its_caps() -> None:
    spender = Spender({TOKENS: 1_000})
    spender.probe(at(0), 125, 0.5)
    spender.probe(at(86_400), 100)
    groq, vllm = spender.budgets.spending(at(60))
    assert (groq.provider, groq.spent, groq.caps) == ("groq", {USD: 0.5, TOKENS: 125}, {TOKENS: 1_000})
    assert (vllm.provider, vllm.spent, vllm.caps) == ("vllm", {USD: 0.0, TOKENS: 0.0}, {})
