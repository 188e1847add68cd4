"""Tests of a model's page as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from monitor.config.listing import ModelCard
from monitor.domain.status import Status
from monitor.web.pages.model.columns import Column
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.providers import TableOptions
from monitor.web.pages.model.query import ChartWindow, ModelQuery
from monitor.web.pages.model.sections import history_sections
from monitor.web.pages.model.view import HistoryShown, ModelView, model_view, verdict
from probes._loader import codec
from probes._model import Endpoint, Pricing, Probe, Secret
from tests.unit.web.pages.model.values import DEFAULT, NOW, history_of, model_history, shown

OPTIONS = TableOptions(columns=ModelQuery().columns, chosen=None, now=NOW, incidents={})


def codec_of(endpoint: Endpoint) -> Probe:
    return codec(endpoint.api, endpoint.options)


def view(endpoints: Sequence[ModelEndpoint], query: ModelQuery = DEFAULT) -> ModelView:
    return model_view("meta/llama", endpoints, query, options=OPTIONS, history=HistoryShown(), codec_of=codec_of)


def with_endpoint(endpoint: ModelEndpoint, **fields: object) -> ModelEndpoint:
    spec = endpoint.snapshot.spec
    inner = replace(spec.endpoint, **fields)  # type: ignore[arg-type]
    return replace(endpoint, snapshot=replace(endpoint.snapshot, spec=replace(spec, endpoint=inner)))


def test_the_facts_are_those_of_all_endpoints_from_the_least_to_the_most() -> None:
    card = ModelCard(created=datetime(2024, 12, 6, tzinfo=UTC), description="A model.")
    cheap = shown("a:m", pricing=Pricing(prompt=0.23, completion=0.4), context_length=60_000, model=card)
    dear = shown("b:m", 1, pricing=Pricing(prompt=0.9, completion=0.9), context_length=131_072)
    found = view([cheap, dear])
    assert found.facts == (
        "meta/llama",
        "created 6 Dec 2024",
        "60,000 to 131,072 context",
        "$0.23 to $0.90/M input",
        "$0.40 to $0.90/M output",
        "2 endpoints",
    )
    assert found.description == "A model."


def test_facts_that_are_not_known_are_left_out() -> None:
    assert view([with_endpoint(shown(context_length=None), pricing=None)]).facts == ("meta/llama", "1 endpoint")


def test_the_verdict_names_who_does_not_answer() -> None:
    ill = [shown(f"p{number}:m", number, status=Status.DOWN, label=f"P{number}") for number in range(5)]
    words = verdict([shown("a:m"), shown("b:m", status=Status.PAUSED), *ill])
    assert words == (
        "1 of 7 providers up; P0 down; P1 down; P2 down; 2 more not up; 1 not known, paused or in maintenance."
    )
    assert verdict([shown()]) == "1 of 1 provider up."


def test_the_code_is_for_the_chosen_endpoint_else_for_the_first_of_the_table() -> None:
    endpoints = [shown("down:m", status=Status.DOWN), shown("up:m", 1)]
    assert view(endpoints).code.endpoint == "up"
    assert view(endpoints, ModelQuery(endpoint="down:m")).code.endpoint == "down"
    assert view(endpoints, ModelQuery(endpoint="gone:m")).code.endpoint == "up"
    assert [row.is_chosen for row in view(endpoints).table.rows] == [True, False]


def test_every_window_is_a_link_that_keeps_the_other_choices() -> None:
    query = ModelQuery(window=ChartWindow.WEEK, columns=(Column.STATUS,), endpoint="groq:llama")
    windows = view([shown()], query).windows
    assert [window.words for window in windows if window.is_current] == ["7 d"]
    assert windows[0].path == "/models/meta/llama?columns=status&endpoint=groq:llama#performance"


def test_a_zoom_is_shown_in_words_and_no_window_is_current() -> None:
    zoom = (datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 18, tzinfo=UTC))
    found = view([shown()], ModelQuery(zoom=zoom))
    assert found.zoom.startswith("2026-11-20 06:00 UTC to")
    assert not any(window.is_current for window in found.windows)


def test_the_form_of_the_columns_keeps_the_other_choices() -> None:
    query = ModelQuery(window=ChartWindow.MONTH, columns=(Column.STATUS,), endpoint="groq:a&b")
    assert view([shown()], query).hidden == (("window", "30d"), ("endpoint", "groq:a&b"))


def test_code_that_cannot_be_made_has_a_reason() -> None:
    assert "its codec, gone_api, makes no request" in view([with_endpoint(shown(), api="gone_api")]).code.missing
    signed = with_endpoint(shown(), api="bedrock_converse", api_key=Secret("AKIA:x"))
    assert "signature" in view([signed]).code.missing


def test_a_history_becomes_all_sections() -> None:
    sections = history_sections([shown()], model_history(history_of()))
    assert len(sections.performance.metrics) == 3
    assert len(sections.uptime.rows) == 1
    assert sections.activity.applications == ()


def test_strangers_see_no_rate_limits() -> None:
    limited = [replace(bar, rate_limited=9 * (number == 5)) for number, bar in enumerate(history_of().hours)]
    history = model_history(history_of(hours=tuple(limited)))
    for is_public in (False, True):
        uptime = history_sections([shown()], history, is_public=is_public).uptime
        assert ("rate limited" in f"{uptime.legend}{uptime.rows[0].hours}{uptime.tables}") is not is_public
