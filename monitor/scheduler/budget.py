"""Daily budgets of providers: what was spent, and whether one more probe is within the budget. Pure.

A day is a day of UTC. The cost of a probe belongs to the day on which it began, as a restart finds it in the store.
Each day has its own sum: after the wall clock is set back, the sum of that day still holds.

A running probe counts with its maximum cost, so a day's spending exceeds its cap by less than the cost of one probe.
When most of a day's budget is spent, the rest is spread over the rest of the day: all probe intervals are stretched by
the same factor, so that frequent probes do not starve others.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from monitor.config.model import Config
from monitor.domain.budget_unit import BudgetUnit
from probes._model import Pricing, Run, Sample, Task

SLOW_FROM: Final = 0.8
"""The share of a day's budget from which the rest is spread over the day."""
_KEPT_DAYS: Final = 8
"""Days whose sums are kept, in case the wall clock is set back."""
_MILLION: Final = 1_000_000
_FREE: Final = Pricing(prompt=0.0, completion=0.0)


Amounts: TypeAlias = Mapping[BudgetUnit, float]
"""An amount of each unit. Tokens are prompt tokens and output tokens."""

NOTHING: Final[Amounts] = dict.fromkeys(BudgetUnit, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _CostEstimate:
    """The estimated cost of one probe of one endpoint."""

    every_s: float
    most: Amounts
    """The highest cost so far, and at least what its prompt and token limit allow."""
    typical: Amounts
    """The newest cost; before the first one, the maximum."""
    last_at: datetime | None = None
    """When the probe last ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpending:
    """What a provider's probes cost on one day, as far as it is known."""

    provider: str
    spent: Amounts
    caps: Amounts
    """A missing unit has no cap."""


class Budgets:
    """The budgets of all providers, also of removed ones: their last probes may still run."""

    __slots__ = ("_budgets", "_providers")

    def __init__(self, caps: Mapping[str, Amounts], providers: Mapping[str, str]) -> None:
        """`caps`: daily caps by provider and unit. `providers`: by endpoint id."""
        self._budgets: dict[str, _ProviderBudget] = {}
        self.apply(caps, providers)

    def apply(self, caps: Mapping[str, Amounts], providers: Mapping[str, str]) -> frozenset[str]:
        """Use other caps from now on. What was spent stays spent, also by a provider that had no budget before.

        Returns the providers that are new; what their probes cost before is not known here.
        """
        self._providers = providers
        new = frozenset({*caps, *providers.values()} - self._budgets.keys())
        for name in sorted(new):
            self._budgets[name] = _ProviderBudget()
        for name, budget in self._budgets.items():
            budget.apply(caps.get(name, {}), providers.keys())
        return new

    def restore(self, endpoint: str, spent: Amounts, at: datetime) -> None:
        """Restore what the probes of an endpoint cost on the day of `at`.

        An endpoint that is no longer configured counts for the provider in its id.
        """
        budget = self._budgets.get(self.provider_of(endpoint))
        if budget is not None:
            budget.add(at.date(), spent)

    def provider_of(self, endpoint: str) -> str:
        """The provider that an endpoint's cost counts for."""
        return self._providers.get(endpoint, endpoint.partition(":")[0])

    def claim(self, run: Run, every_s: float, at: datetime) -> str | None:
        """Reserve the maximum cost of a probe until `release`. Returns why it must not run; None: it may."""
        return self._budgets[run.endpoint.provider].claim(run, every_s, at)

    def release(self, run: Run) -> None:
        """Release the reservation of a probe that ended; its cost is charged."""
        self._budgets[run.endpoint.provider].release(run.id)

    def charge(self, sample: Sample) -> None:
        """Charge the cost of a probe. An unknown cost is not charged."""
        budget = self._budgets.get(self.provider_of(sample.endpoint))
        if budget is not None:
            budget.charge(sample)

    def shares(self, at: datetime) -> Iterator[tuple[str, BudgetUnit, float]]:
        """The spent share of each cap on the day of `at`, by provider and unit."""
        for name, budget in self._budgets.items():
            for unit, share in budget.shares(at.date()):
                yield name, unit, share

    def spending(self, at: datetime) -> Sequence[ProviderSpending]:
        """What each provider's probes cost on the day of `at`, also those of removed providers."""
        return [budget.spending(name, at.date()) for name, budget in self._budgets.items()]


class _ProviderBudget:
    """One provider's budget."""

    __slots__ = ("_caps", "_days", "_estimates", "_running")

    def __init__(self) -> None:
        self._caps: Amounts = {}
        self._days: dict[date, Amounts] = {}
        self._running: dict[str, Amounts] = {}
        self._estimates: dict[tuple[str, str], _CostEstimate] = {}

    def apply(self, caps: Amounts, endpoints: Collection[str]) -> None:
        """`endpoints`: the configured ones. Estimates of other endpoints are dropped."""
        self._caps = caps
        self._estimates = {key: estimate for key, estimate in self._estimates.items() if key[0] in endpoints}

    def add(self, day: date, amounts: Amounts) -> None:
        self._days[day] = _sum(self._days.get(day, NOTHING), amounts)
        if len(self._days) > _KEPT_DAYS:
            del self._days[next(iter(self._days))]

    def claim(self, run: Run, every_s: float, at: datetime) -> str | None:
        estimate = self._estimate(run, every_s)
        refusal = self._refusal(estimate, at)
        if refusal is None and any(estimate.most.values()):
            self._running[run.id] = estimate.most
            estimate = replace(estimate, last_at=at)
        self._estimates[run.endpoint.id, run.probe] = estimate
        return refusal

    def release(self, run_id: str) -> None:
        self._running.pop(run_id, None)

    def charge(self, sample: Sample) -> None:
        cost, key = _cost(sample), (sample.endpoint, sample.probe)
        if not any(cost.values()):
            return
        self.add(sample.started_at.date(), cost)
        estimate = self._estimates.get(key)
        if estimate is not None:
            self._estimates[key] = replace(estimate, typical=cost, most=_larger(estimate.most, cost))

    def shares(self, day: date) -> Iterator[tuple[BudgetUnit, float]]:
        for unit, cap in self._caps.items():
            yield unit, self._days.get(day, NOTHING)[unit] / cap

    def spending(self, name: str, day: date) -> ProviderSpending:
        return ProviderSpending(provider=name, spent=self._days.get(day, NOTHING), caps=self._caps)

    def _estimate(self, run: Run, every_s: float) -> _CostEstimate:
        known, most = self._estimates.get((run.endpoint.id, run.probe)), _at_most(run)
        if known is None:
            return _CostEstimate(every_s=every_s, most=most, typical=most)
        return replace(known, every_s=every_s, most=_larger(known.most, most))

    def _refusal(self, estimate: _CostEstimate, at: datetime) -> str | None:
        """Why a probe must not run now; None: it may. A spent budget comes before a low one."""
        units = [unit for unit in self._caps if estimate.most[unit] > 0]
        reasons = (reason(unit, estimate, at) for reason in (self._spent, self._taken, self._slowed) for unit in units)
        return next(filter(None, reasons), None)

    def _spent(self, unit: BudgetUnit, estimate: _CostEstimate, at: datetime) -> str | None:
        spent, cap = self._days.get(at.date(), NOTHING)[unit], self._caps[unit]
        return f"today's budget is spent: {_shown(unit, spent, cap)}, until 00:00 UTC" if spent >= cap else None

    def _taken(self, unit: BudgetUnit, estimate: _CostEstimate, at: datetime) -> str | None:
        spent, cap = self._days.get(at.date(), NOTHING)[unit], self._caps[unit]
        if self._gone(unit, at) < cap:
            return None
        return f"running probes may spend the rest of today's budget: {_shown(unit, spent, cap)} so far"

    def _slowed(self, unit: BudgetUnit, estimate: _CostEstimate, at: datetime) -> str | None:
        spent, cap = self._days.get(at.date(), NOTHING)[unit], self._caps[unit]
        # A time in the future is from before the wall clock was set back.
        if spent < SLOW_FROM * cap or estimate.last_at is None or estimate.last_at > at:
            return None
        left_s = (_midnight_after(at) - at).total_seconds()
        wanted = left_s * sum(estimate.typical[unit] / estimate.every_s for estimate in self._estimates.values())
        stretch = wanted / (cap - self._gone(unit, at))
        wait_s = estimate.every_s * stretch - (at - estimate.last_at).total_seconds()
        if stretch <= 1 or wait_s <= 0:
            return None
        so_far, wait = _shown(unit, spent, cap), f"next in {math.ceil(wait_s)} s"
        return f"today's budget runs low: {so_far}, the rest is spread until 00:00 UTC; {wait}"

    def _gone(self, unit: BudgetUnit, at: datetime) -> float:
        """The amount spent on the day of `at`, plus the reservations of running probes."""
        return self._days.get(at.date(), NOTHING)[unit] + sum(cost[unit] for cost in self._running.values())


def _at_most(run: Run) -> Amounts:
    """The cost of a probe that uses all of its tokens. Hidden reasoning may add to it."""
    if run.task is Task.REACH:
        return NOTHING
    prompt, pricing = run.prompt.tokens or 0, run.endpoint.pricing or _FREE
    output = 0 if run.task is Task.EMBEDDING else run.prompt.max_tokens
    usd = (prompt * pricing.prompt + output * pricing.completion) / _MILLION
    return {BudgetUnit.USD: usd, BudgetUnit.TOKENS: float(prompt + output)}


def _cost(sample: Sample) -> Amounts:
    tokens = (sample.prompt_tokens or 0) + (sample.output_tokens or 0)
    return {BudgetUnit.USD: sample.cost_usd or 0.0, BudgetUnit.TOKENS: float(tokens)}


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {unit: one[unit] + other[unit] for unit in BudgetUnit}


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {unit: max(one[unit], other[unit]) for unit in BudgetUnit}


def _midnight_after(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), time(), UTC)


def _shown(unit: BudgetUnit, spent: float, cap: float) -> str:
    """`0.50 of 0.50 USD`, `1,200 of 200,000 tokens`; a small cap with enough digits to see a change."""
    if unit is BudgetUnit.TOKENS:
        return f"{spent:,.0f} of {cap:,.0f} tokens"
    digits = min(max(2, 1 - math.floor(math.log10(cap))), 9)
    return f"{spent:.{digits}f} of {cap:.{digits}f} USD"


def caps_of(config: Config) -> dict[str, Amounts]:
    """The configured daily caps by provider."""
    return {name: spec.budget for name, spec in config.providers.items() if spec.budget}
