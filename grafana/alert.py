"""What an alert is. The tables are in `alerts_of_…` and `burn_rates`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "warning"]

OF_ENDPOINT = "on (job, instance, endpoint)"
OF_MONITOR = "on (job, instance)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. Texts are Prometheus templates. docs/alerts.md has a section for each name."""

    name: str
    severity: Severity
    expression: str
    lasts: str = "0m"
    """How long the expression has to hold."""
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Besides the severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """The alerts of one subject."""

    name: str
    title: str
    alerts: Sequence[Alert]
    interval: str = "30s"
    """How often they are evaluated."""


def with_names(expression: str) -> str:
    """The expression with the labels that people know an endpoint by."""
    return f"({expression})\n* {OF_ENDPOINT} group_left (provider, model, vantage) providerwatch_endpoint_info"
