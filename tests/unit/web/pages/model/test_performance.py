"""Tests of the charts of speed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from monitor.charts.table import Table
from monitor.domain.incident import Incident
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.domain.text import NOT_MEASURED
from monitor.history.series import Metric
from monitor.web.pages.model.drawing import Drawing
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import CHARTED
from monitor.web.pages.model.performance import METRICS, MOST_MARKS, PerformanceSection, performance_section
from monitor.web.pages.model.query import HOUR, ChartWindow, ModelQuery
from probes._model import Pricing
from tests.support.openrouter_values import unpriced
from tests.unit.charts.drawn import HOSTILE, assert_sound, parse, title_of, with_class
from tests.unit.web.pages.model.values import NOW, figure, history_of, model_history, shown


def drawings(section: PerformanceSection) -> list[Drawing]:
    of_metrics = [each for metric in section.metrics for each in (metric.now, metric.spread, metric.over_time)]
    return [*of_metrics, section.scatter]


def sound(drawn: Drawing) -> ElementTree.Element:
    return assert_sound(drawn.chart, parse(drawn.chart).get("id", ""))


def incident(number: int, endpoint: str = "groq:llama") -> Incident:
    return Incident(
        id=f"{number:016x}",
        endpoint=endpoint,
        worst=Status.DOWN,
        began_at=NOW - timedelta(minutes=10 * number),
        last_at=NOW,
        causes={"slo": 1},
    )


@pytest.mark.parametrize("window", ChartWindow)
@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_every_chart_is_sound_and_has_a_table_with_a_row_for_each_provider(window: ChartWindow, count: int) -> None:
    endpoints = [shown(f"p{number}:m", number, label=f"Provider {number}") for number in range(count)]
    histories = [history_of(endpoint.id) for endpoint in endpoints]
    section = performance_section(endpoints, model_history(*histories, query=ModelQuery(window=window)))
    for drawn in drawings(section):
        root = sound(drawn)
        assert title_of(root)
        assert drawn.table.caption
    for metric in section.metrics:
        assert [row[0] for row in metric.now.table.rows] == [endpoint.name for endpoint in endpoints]
        assert metric.over_time.table.head == ("time", *(endpoint.name for endpoint in endpoints))


def test_ids_of_charts_are_unique_on_the_page() -> None:
    section = performance_section([shown()], model_history(history_of()))
    ids = [parse(drawn.chart).get("id") for drawn in drawings(section)]
    assert len({*ids}) == len(ids)


def test_an_endpoint_without_history_is_drawn_as_not_measured() -> None:
    section = performance_section([shown("a:m"), shown("b:m", 1)], model_history(history_of("a:m")))
    for metric in section.metrics:
        assert metric.now.table.rows[1][1] == NOT_MEASURED
        assert metric.spread.table.rows[1][1:6] == (NOT_MEASURED,) * 5
    assert section.scatter.table.rows[1][1] == NOT_MEASURED


def test_a_page_without_any_measurement_says_so_in_each_chart() -> None:
    endpoint = shown()
    bare = replace(endpoint, snapshot=unpriced(endpoint.snapshot))
    section = performance_section([bare], model_history())
    for drawn in drawings(section):
        assert with_class(sound(drawn), "empty")


def test_hostile_names_stay_text() -> None:
    endpoints = [shown(f"p{number}:m", number, label=name) for number, name in enumerate(HOSTILE)]
    section = performance_section(endpoints, model_history(*(history_of(endpoint.id) for endpoint in endpoints)))
    for drawn in drawings(section):
        sound(drawn)


def test_the_newest_incidents_are_marked_and_the_rest_is_counted() -> None:
    many = tuple(incident(number) for number in range(1, MOST_MARKS + 3))
    section = performance_section([shown()], model_history(history_of(incidents=many)))
    root = assert_sound(section.metrics[0].over_time.chart, "ttft-time")
    assert len(with_class(root, "b-incident")) == MOST_MARKS
    assert section.hidden_marks == "The newest 40 incidents are marked; 2 older ones are not."
    assert performance_section([shown()], model_history(history_of(incidents=many[:1]))).hidden_marks == ""


def test_an_incident_of_an_endpoint_that_was_removed_meanwhile_has_its_id() -> None:
    table = _over_time([shown()], history=[history_of("gone:m", incidents=(incident(1, "gone:m"),))])
    assert any("gone:m down" in str(cell) for row in table.rows for cell in row)


def test_maintenance_is_shaded_if_it_lies_in_the_span() -> None:
    windows = (
        MaintenanceWindow(begin=NOW - 90 * 24 * HOUR, end=NOW - 89 * 24 * HOUR),
        MaintenanceWindow(begin=NOW - 3 * HOUR, end=NOW - 2 * HOUR),
    )
    table = _over_time([shown(maintenance=windows)])
    assert sum("maintenance until" in str(cell) for row in table.rows for cell in row) == 1


def test_the_scatter_is_of_the_speed_now_and_the_price_of_three_prompt_tokens_for_one() -> None:
    endpoint = shown(pricing=Pricing(prompt=1.0, completion=5.0))
    history = history_of(figures={**dict.fromkeys(CHARTED, figure()), Metric.OUTPUT_TPS: figure(118.0, n=12)})
    (row,) = performance_section([endpoint], model_history(history)).scatter.table.rows
    assert row == ("groq", "118 tokens/s", "$2.00/M", 12)


def test_every_charted_metric_is_explained() -> None:
    assert set(METRICS) == set(CHARTED)
    assert all(metric.about.endswith("is better.") for metric in METRICS.values())


def _over_time(endpoints: list[ModelEndpoint], history: list | None = None) -> Table:  # type: ignore[type-arg]
    histories = history or [history_of(endpoint.id) for endpoint in endpoints]
    return performance_section(endpoints, model_history(*histories)).metrics[0].over_time.table
