"""The sentence of the overview, what follows it, and the cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.budget_unit import BudgetUnit
from monitor.scheduler.budget import ProviderSpending
from monitor.web.context import MonitorState
from monitor.web.pages.overview_facts import endpoint_facts
from monitor.web.pages.overview_row import FigureCell
from monitor.web.pages.overview_summary import OverviewSummary, overview_summary
from probes._model import ErrorClass
from tests.support.showcase import LLAMA, Behaviour, Showcase, every_state, spec_of

DOWN, UP, SLOW, UP_TOO = every_state()[:4]
REFUSED = Behaviour(spec=spec_of("b:m", LLAMA, "B"), errors={1: ErrorClass.AUTH})
MAINTENANCE, PAUSED = every_state()[6:8]
WELL = MonitorState()
STALE = every_state()[10]
NEW = Behaviour(spec=spec_of("new:m", LLAMA, "New"), begins=timedelta())


async def summary(
    *behaviours: Behaviour,
    monitor: MonitorState = WELL,
    spending: Sequence[ProviderSpending] = (),
    stranger: bool = False,
) -> OverviewSummary:
    showcase = Showcase(behaviours, sparse=timedelta(hours=3))
    await showcase.fill()
    facts = endpoint_facts(
        showcase.board.snapshot,
        jobs=showcase.jobs,
        incidents=showcase.board.open_incidents,
        hours=None,
        now=showcase.now,
    )
    return overview_summary(
        facts, jobs=showcase.jobs, spending=spending, monitor=monitor, now=showcase.now, stranger=stranger
    )


@pytest.mark.parametrize(
    ("behaviours", "sentence"),
    [
        ((), "No endpoint is configured yet."),
        ((UP,), "All is well: the endpoint is up."),
        ((UP, UP_TOO), "All is well: all 2 endpoints are up."),
        ((DOWN, UP), "1 of 2 endpoints is down."),
        ((DOWN, SLOW, UP), "1 of 3 endpoints is down, 1 is degraded."),
        ((SLOW, UP), "1 of 2 endpoints is degraded."),
        ((UP, PAUSED, MAINTENANCE), "All is well as far as known: 1 of 3 up, 1 in maintenance, 1 paused."),
        ((PAUSED,), "Nothing is up: 1 paused."),
        ((NEW,), "Waiting for the first measurements."),
        ((STALE, PAUSED, NEW), "Nothing measured for 30 min."),
        ((STALE, UP), "All is well as far as known: 1 of 2 up, 1 unknown."),
    ],
)
async def test_one_sentence_by_rule(behaviours: Sequence[Behaviour], sentence: str) -> None:
    assert (await summary(*behaviours)).sentence == sentence


async def test_the_lede_tells_the_worst_incident_its_evidence_and_who_serves_instead() -> None:
    lede = (await summary(SLOW, DOWN, UP, UP_TOO)).lede
    assert lede.startswith(
        "Llama 3.3 70B Instruct at Groq has been down for 11 min: overloaded (12 samples as evidence)"
    )
    assert lede.endswith("Fireworks, DeepInfra serve the same model well.")


async def test_the_lede_says_if_no_other_endpoint_serves_the_model() -> None:
    assert (await summary(DOWN, SLOW)).lede.endswith("No other endpoint of this model is up.")
    assert (await summary(DOWN)).lede.endswith("as evidence).")
    assert (await summary(DOWN, UP)).lede.endswith("Fireworks serves the same model well.")


async def test_many_that_serve_the_model_are_counted() -> None:
    others = [Behaviour(spec=spec_of(f"p{number}:llama", LLAMA, f"P{number}")) for number in range(5)]
    assert (await summary(DOWN, *others)).lede.endswith("P0, P1, P2 and 2 more serve the same model well.")


async def test_a_degraded_endpoint_is_in_trouble_and_not_down() -> None:
    assert "has been in trouble for" in (await summary(SLOW, UP)).lede


async def test_before_the_first_sample_the_lede_says_when_it_comes() -> None:
    assert (await summary(NEW)).lede.startswith("The first probe is in ")


async def test_a_refused_key_is_the_lede_if_nothing_is_worse_and_strangers_do_not_see_it() -> None:
    other = replace(REFUSED, spec=spec_of("c:m", LLAMA, "C"))
    lede = (await summary(REFUSED, other)).lede
    assert lede.startswith("B refuses your key for Llama 3.3 70B Instruct: refused. Check the key")
    assert lede.endswith("So do 1 more.")
    assert (await summary(REFUSED, stranger=True)).lede == ""


async def card(name: str, *behaviours: Behaviour, **given: object) -> FigureCell:
    made = await summary(*behaviours, **given)  # type: ignore[arg-type]
    return next(card.figure for card in made.cards if card.name == name)


def spent(usd: float, tokens: float, caps: dict[BudgetUnit, float], provider: str = "groq") -> ProviderSpending:
    return ProviderSpending(provider=provider, spent={BudgetUnit.USD: usd, BudgetUnit.TOKENS: tokens}, caps=caps)


async def test_spending_is_shown_against_the_budget_of_those_that_have_one() -> None:
    both = await card("Probing today", UP, spending=[spent(0.34, 900, {BudgetUnit.USD: 0.5})])
    assert (both.text, both.note) == ("$0.34", "$0.34 of $0.50 budget")
    some = [spent(0.1, 9, {BudgetUnit.USD: 0.5, BudgetUnit.TOKENS: 2000}), spent(0.3, 9, {}, "other")]
    figure = await card("Probing today", UP, spending=some)
    assert (figure.text, figure.note) == ("$0.40", "$0.10 of $0.50 at 1 provider; 9 of 2k tokens at 1 provider")


async def test_without_prices_tokens_are_shown_and_a_missing_budget_is_said() -> None:
    figure = await card("Probing today", UP, spending=[spent(0.0, 28_400, {})])
    assert (figure.text, figure.note) == ("28k tokens", "no budget is set")
    assert (await card("Probing today", UP)).text == "$0.00"


async def test_open_incidents_have_the_age_of_the_oldest() -> None:
    assert (await card("Open incidents", DOWN, UP)).note == "oldest 11 min"
    assert (await card("Open incidents", UP)).note == "none now"


async def test_the_number_of_probes_is_that_of_the_schedules() -> None:
    assert (await card("Scheduled probes", UP, DOWN)).text == "2 / min"


@pytest.mark.parametrize(
    ("monitor", "text"),
    [
        (MonitorState(), "well"),
        (MonitorState(probing=False, online=False), "not probing"),
        (MonitorState(online=False), "own network down"),
        (MonitorState(store_error="full"), "store failing"),
        (MonitorState(warnings=("x",)), "clock ahead"),
    ],
)
async def test_the_monitors_own_trouble_is_on_a_card(monitor: MonitorState, text: str) -> None:
    assert (await card("This monitor", UP, monitor=monitor)).text == text
