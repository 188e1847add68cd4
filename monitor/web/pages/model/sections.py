"""All sections of a model's stored history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.web.pages.model.activity import ActivitySection, activity_section
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import ModelHistory, without_limits
from monitor.web.pages.model.performance import PerformanceSection, performance_section
from monitor.web.pages.model.uptime import UptimeSection, uptime_section


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySections:
    """The values of `model_charts.html`, `model_uptime.html` and `model_activity.html`."""

    performance: PerformanceSection
    uptime: UptimeSection
    activity: ActivitySection


def history_sections(
    endpoints: Sequence[ModelEndpoint], history: ModelHistory, *, is_public: bool = False
) -> HistorySections:
    """The charts of a history. Strangers see no rate limits: these are about the account."""
    if is_public:
        history = without_limits(history)
    return HistorySections(
        performance=performance_section(endpoints, history),
        uptime=uptime_section(endpoints, history),
        activity=activity_section(history),
    )
