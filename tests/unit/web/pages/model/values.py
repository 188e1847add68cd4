"""Values for tests of a model's page: endpoints, buckets, histories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.charts.roles import of_provider
from monitor.charts.series import SeriesPoint
from monitor.charts.uptime_strip import UptimeBucket
from monitor.score.outcomes import SampleOutcome, outcome
from monitor.store import Bucket
from monitor.store.rollup import rolled
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import (
    CHARTED,
    EndpointHistory,
    FigureHistory,
    MedianFigure,
    ModelHistory,
    day_grid,
    hour_grid,
)
from monitor.web.pages.model.query import DAY, HOUR, ModelQuery
from probes._model import ErrorClass, Task
from tests.support.openrouter_values import QUICK, make_endpoint, summary
from tests.unit.score.values import make_sample

DEFAULT = ModelQuery()
NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def judge(error: ErrorClass | None) -> SampleOutcome:
    return outcome(error, None if error is None else error.blame, count_wrong_answers=True)


def shown(name: str = "groq:llama", number: int = 0, label: str | None = None, **fields: Any) -> ModelEndpoint:
    """An endpoint on the page."""
    confidence = fields.pop("confidence", (0.97, 1.0))
    fields.setdefault("summaries", {**QUICK, "e2e_s": summary(1.0, 1.2, 1.4, 2.0)})
    snapshot = make_endpoint(name, **fields)
    return ModelEndpoint(
        name=label or snapshot.provider_name, role=of_provider(number), snapshot=snapshot, confidence=confidence
    )


def bucket(
    start: datetime,
    *values: float,
    errors: Sequence[ErrorClass] = (),
    task: Task = Task.CHAT,
    vantage: str = "fra1",
    **fields: Any,
) -> Bucket:
    """A bucket with a success for each value (its time to first token), and with these failures."""
    good = [
        make_sample(task=task, started_at=start, ttft_s=value, e2e_s=2 * value, output_tps=10 / value, **fields)
        for value in values
    ]
    bad = [make_sample(task=task, started_at=start, error=error) for error in errors]
    return Bucket(task=task, vantage=vantage, start=start, rollup=rolled([*good, *bad]))


def figure(value: float | None = 0.2, n: int = 40) -> FigureHistory:
    """A metric that has the same median all day."""

    known = value is not None
    grid = ModelQuery().span(NOW).grid
    return FigureHistory(
        now=MedianFigure(value=value, low=value, high=value, n=n if known else 0),
        spread=None if value is None else (value / 2, value / 1.5, value, value * 1.5, value * 2),
        spread_n=n if known else 0,
        points=tuple(SeriesPoint(at=at, value=value, n=n) for at in grid.starts()),
    )


def history_of(name: str = "groq:llama", **fields: Any) -> EndpointHistory:
    """An endpoint that was up all the time but in the hour before this one."""
    hours = tuple(
        UptimeBucket(at=at, ok=60 - 30 * (number == 70), failed=30 * (number == 70))
        for number, at in enumerate(hour_grid(NOW).starts())
    )
    plain: dict[str, Any] = {
        "endpoint": name,
        "figures": dict.fromkeys(CHARTED, figure()),
        "hours": hours,
        "days": tuple(UptimeBucket(at=at, ok=1440, failed=0) for at in day_grid(NOW).starts()),
        "probe_days": (),
    }
    return EndpointHistory(**{**plain, **fields})


def model_history(*endpoints: EndpointHistory, query: ModelQuery = DEFAULT, **fields: Any) -> ModelHistory:
    return ModelHistory(
        read_at=NOW, span=query.span(NOW), endpoints={each.endpoint: each for each in endpoints}, **fields
    )


def uptimes(*ratios: float | None) -> tuple[UptimeBucket, ...]:
    """Hours with these uptimes, of a thousand probes each; None: without a probe."""
    first = NOW.replace(minute=0) - (len(ratios) - 1) * HOUR
    return tuple(
        UptimeBucket(
            at=first + number * HOUR,
            ok=0 if ratio is None else round(1000 * ratio),
            failed=0 if ratio is None else 1000 - round(1000 * ratio),
        )
        for number, ratio in enumerate(ratios)
    )


def days_ago(number: int) -> datetime:
    return NOW.replace(hour=0, minute=0) - number * DAY
