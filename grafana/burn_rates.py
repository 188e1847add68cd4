"""Alerts on error budgets that are spent too fast: multi-window burn rates, for probes once a minute.

Extra probes run while an endpoint fails, so a share of probes overstates an outage several times. These rules count
minutes: a recording rule keeps the share of failed probes of each minute, and a burn rate is its mean.
"""

from dataclasses import dataclass

from alert import Alert, AlertGroup, Severity, with_names

BUDGET = "0.01"
"""The share of requests that may fail. docs/alerts.md says why probes once a minute fit no smaller one."""
PERIOD_DAYS = 30
"""The budget is for so many days."""
LEAST_MINUTES = 30
"""A burn rate needs this many minutes with a probe in its long window."""
LEAST_PART = 3
"""A burn rate needs a third of the failed minutes that its threshold is in a full window: a new monitor has few."""

FAILED_SHARE = "endpoint_task:providerwatch_failed_probes:ratio_2m"
"""The recorded share of failed probes in the last two minutes."""

_SUM = "sum by (job, instance, endpoint, task)"
_COUNTED = f'increase({_SUM} (providerwatch_probes_total{{blame=~"|provider"}})[2m:15s])'
_GOOD = f'increase({_SUM} (providerwatch_probes_total{{blame=""}})[2m:15s])'
# Counted minus good: the counter of an error begins at one, and `increase` misses that. Sums miss nothing.
FAILED_SHARE_EXPRESSION = f"(\n  {_COUNTED}\n  - {_GOOD}\n)\n/\n({_COUNTED} > 0)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """How many times faster than allowed the budget is spent, and the windows that show it."""

    factor: float
    long: str
    long_name: str
    short: str
    short_name: str
    severity: Severity

    @property
    def least_failed_minutes(self) -> int:
        """The sum of failed minutes that the long window needs, however short the history is."""
        return round(self.factor * float(BUDGET) * _MINUTES[self.long] / LEAST_PART)


_MINUTES = {"1h": 60, "6h": 360, "1d": 1440, "3d": 4320}
BURNS = (
    Burn(factor=14.4, long="1h", long_name="hour", short="15m", short_name="15 minutes", severity="critical"),
    Burn(factor=6, long="6h", long_name="6 hours", short="30m", short_name="30 minutes", severity="critical"),
    Burn(factor=3, long="1d", long_name="24 hours", short="2h", short_name="2 hours", severity="warning"),
    Burn(factor=1, long="3d", long_name="3 days", short="6h", short_name="6 hours", severity="warning"),
)


def _expression(burn: Burn) -> str:
    """The long window shows that much of the budget is gone, the short one that the trouble is not over."""
    long, short = f"{FAILED_SHARE}[{burn.long}]", f"{FAILED_SHARE}[{burn.short}]"
    return with_names(
        f"\n  avg_over_time({long}) > {burn.factor:g} * {BUDGET}\n"
        f"  and avg_over_time({short}) > {BUDGET}\n"
        f"  and count_over_time({long}) >= {LEAST_MINUTES}\n"
        f"  and sum_over_time({long}) >= {burn.least_failed_minutes}\n"
    )


def _alert(burn: Burn) -> Alert:
    share, days = "{{ $value | humanizePercentage }}", round(PERIOD_DAYS / burn.factor)
    return Alert(
        name="ErrorBudgetBurn",
        severity=burn.severity,
        labels={"window": burn.long},
        expression=_expression(burn),
        summary=f"{{{{ $labels.endpoint }}}} failed {share} of the last {burn.long_name}",
        description=(
            f"The {{{{ $labels.task }}}} probes of {{{{ $labels.endpoint }}}} failed for {share} of the last "
            f"{burn.long_name}, and also in the last {burn.short_name}. If it stays like this, the failures that the "
            f"objective allows in {PERIOD_DAYS} days are used up in {days} days."
        ),
    )


BURN_RATES = AlertGroup(
    name="providerwatch-error-budget",
    title="Error budget",
    interval="1m",  # its windows are long, so it is the dearest group
    alerts=tuple(_alert(burn) for burn in BURNS),
)
