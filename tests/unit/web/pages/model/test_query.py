"""Tests of what an address of a model's page asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.store import RollupTier
from monitor.web.pages.model.columns import DEFAULT_COLUMNS, HEADS, Column
from monitor.web.pages.model.query import DAY, HOUR, ChartWindow, ModelQuery, ModelQueryError, address, read_query
from tests.unit.web.pages.model.values import NOW

BEGIN, END = datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 18, tzinfo=UTC)


def read(**given: str) -> ModelQuery:
    return read_query(given, {name: [value] for name, value in given.items()})


def test_without_a_query_everything_has_its_default() -> None:
    assert read(unknown="1") == ModelQuery()


def test_every_choice_survives_its_own_address() -> None:
    for chosen in (
        ModelQuery(),
        ModelQuery(window=ChartWindow.MONTH, columns=(Column.STATUS, Column.SERVED), endpoint="groq:a/b c&d=ü"),
        ModelQuery(zoom=(BEGIN, END)),
    ):
        many = parse_qs(urlsplit(address("a/m", chosen)).query)
        assert read_query({name: values[0] for name, values in many.items()}, many) == chosen


def test_an_address_leaves_out_defaults_and_escapes_the_model() -> None:
    assert address("meta/llama 3", ModelQuery(), "code") == "/models/meta/llama%203#code"


def test_a_form_may_send_each_column_in_a_parameter_of_its_own() -> None:
    assert read_query({}, {"columns": ["price", "status"]}).columns == (Column.STATUS, Column.PRICE)
    assert read_query({}, {"columns": [""]}).columns == DEFAULT_COLUMNS


def test_every_column_has_a_head() -> None:
    assert set(HEADS) == set(Column)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"window": "5y"}, "window must be one of 24h, 7d, 30d, 90d, not '5y'"),
        ({"columns": "status,<b>"}, "not '<b>'"),
        ({"from": "2026-11-20T06:00:00Z"}, "must stand together"),
        ({"from": "2026-11-20", "to": "2026-11-21T00:00:00Z"}, "with a zone"),
        ({"from": "x", "to": "2026-11-21T00:00:00Z"}, "not 'x'"),
        ({"from": "0001-01-01T00:00:00+23:00", "to": "2026-11-21T00:00:00Z"}, "with a zone"),
        ({"from": "2026-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"}, "earlier"),
        ({"from": "2020-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"}, "days apart"),
    ],
)
def test_a_wrong_value_is_named_with_what_may_stand_there(given: dict[str, str], words: str) -> None:
    with pytest.raises(ModelQueryError, match=re.escape(words)):
        read(**given)


@pytest.mark.parametrize("lines", [1, 20])
@pytest.mark.parametrize("window", ChartWindow)
def test_a_window_ends_with_the_step_that_contains_now(window: ChartWindow, lines: int) -> None:
    span = ModelQuery(window=window).span(NOW, lines=lines)
    assert span.grid.end - span.grid.step <= NOW < span.grid.end
    assert span.grid.begin <= NOW - window.length
    assert span.words == f"last {window.words}"


@pytest.mark.parametrize(
    ("window", "lines", "step", "tier"),
    [
        (ChartWindow.DAY, 20, HOUR, RollupTier.HOUR),
        (ChartWindow.WEEK, 8, 3 * HOUR, RollupTier.HOUR),
        (ChartWindow.WEEK, 9, 6 * HOUR, RollupTier.HOUR),
        (ChartWindow.MONTH, 20, DAY, RollupTier.DAY),
        (ChartWindow.QUARTER, 1, 2 * DAY, RollupTier.DAY),
        (ChartWindow.QUARTER, 20, 3 * DAY, RollupTier.DAY),
    ],
)
def test_many_lines_have_fewer_points_each(window: ChartWindow, lines: int, step: timedelta, tier: RollupTier) -> None:
    span = ModelQuery(window=window).span(NOW, lines=lines)
    assert (span.grid.step, span.tier) == (step, tier)


def test_a_zoom_shows_its_own_time_in_finer_steps() -> None:
    span = ModelQuery(zoom=(BEGIN, END)).span(NOW)
    assert (span.grid.begin, span.grid.end, span.grid.step) == (BEGIN, END, HOUR)
    assert span.words == "2026-11-20 06:00 UTC to 2026-11-20 18:00 UTC"


def test_a_zoom_into_the_future_shows_the_last_hour() -> None:
    span = ModelQuery(zoom=(NOW + DAY, NOW + 2 * DAY)).span(NOW)
    assert span.grid.place(NOW) == span.grid.count - 1
    assert span.grid.count == 2
