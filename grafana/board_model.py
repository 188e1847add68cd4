"""The board of one model: its providers side by side."""

import promql
from grafana_foundation_sdk.builders import timeseries
from language import By, Language
from layout import Line, Row
from panels import Panels
from prometheus import SOURCE as PROMETHEUS
from prometheus import over_time
from settings import high_is_good
from shared_panels import (
    budget_left,
    errors,
    errors_now,
    failures,
    latencies,
    longest_gap,
    phases_now,
    speed,
    stalled,
    uptime_by_day,
    uptime_by_hour,
    uptime_now,
)


def of_model(ask: Language, draw: Panels) -> list[Row]:
    """Build the rows."""
    scores = [score(draw, "provider")] if ask.source is PROMETHEUS else []
    by: By = "provider"
    return [
        Row(
            title="$model: can it be used?",
            lines=[
                Line(height=9, panels=[*scores, uptime_now(ask, draw, by), budget_left(ask, draw, by)]),
                Line(height=8, panels=[uptime_by_hour(ask, draw, by), uptime_by_day(ask, draw, by)]),
            ],
        ),
        Row(
            title="$model: how fast is it?",
            lines=[
                *latencies(ask, draw, by, ("ttft", "e2e")),
                Line(height=9, panels=[speed(ask, draw, by), phases_now(ask, draw, by)]),
                Line(height=9, panels=[longest_gap(ask, draw, by), stalled(ask, draw, by)]),
            ],
        ),
        Row(
            title="$model: what fails?",
            lines=[
                Line(height=9, panels=[failures(ask, draw, by), errors(ask, draw)]),
                Line(
                    height=9,
                    panels=[
                        errors_now(ask, draw, by),
                        failures(ask, draw, by, "tool_call"),
                        failures(ask, draw, by, "structured_output"),
                    ],
                ),
            ],
        ),
    ]


def score(draw: Panels, by: str) -> timeseries.Panel:
    """The score, which only Prometheus has."""
    best = f" Of several endpoints of a {by} the best is shown." if by == "provider" else ""
    expression = f"max by ({by}) ({promql.joined(f'providerwatch_score{{{promql.ENDPOINT}}}')})"
    return (
        draw.lines(
            "Score",
            f"Probability that the next request succeeds within its SLO, as published to routers.{best} "
            "Breaks off while the score is null: never probed, or only account errors.",
            "none",
            high_is_good(0.8, 0.95),
        )
        .decimals(3)
        .min(0)
        .max(1)
        .with_target(over_time(expression, f"{{{{{by}}}}}"))
    )
