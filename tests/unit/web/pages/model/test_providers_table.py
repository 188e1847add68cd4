"""Tests of the table of a model's providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.domain.text import NOT_MEASURED
from monitor.score.health import Trouble
from monitor.score.outcomes import Counts
from monitor.web.pages.model.columns import DEFAULT_COLUMNS, Column
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.providers import ProviderCell, TableOptions, providers_table
from monitor.web.pages.when import when
from probes._model import ErrorClass, Pricing, Task
from tests.support.openrouter_values import WINDOWS, summary, unpriced
from tests.unit.charts.drawn import assert_sound
from tests.unit.score.values import START
from tests.unit.web.pages.model.values import NOW, shown

OPTIONS = TableOptions(columns=tuple(Column), chosen=None, now=NOW, incidents={})
NO_SUMMARY = summary(None, None, None, None, count=0)


def cells(endpoint: ModelEndpoint, **options: Any) -> Mapping[Column, ProviderCell]:
    (row,) = providers_table([endpoint], TableOptions(**{**_fields(OPTIONS), **options})).rows
    return dict(zip(Column, row.cells, strict=True))


def _fields(options: TableOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in TableOptions.__slots__}


def words(cell: ProviderCell) -> tuple[str, str]:
    return cell.text, cell.below


def test_every_known_figure_has_its_count_or_its_unit() -> None:
    endpoint = shown(
        pricing=Pricing(prompt=0.59, completion=0.79, cached=0.1),
        context_length=131_072,
        max_completion_tokens=16_384,
        quantization="fp8",
        task_counts={Task.TOOL_CALL: Counts(ok=47, failed=1), Task.STRUCTURED_OUTPUT: Counts()},
        counts=dict.fromkeys(WINDOWS, Counts(ok=1439, failed=1)),
        summaries={
            "ttft_s": replace(summary(0.31, 0.4, 0.5, 0.9, count=30), p95=0.69),
            "e2e_s": replace(summary(1.0, 1.1, 1.2, 1.3, count=30), p95=1.25),
            "output_tps": summary(118.4, 1, 1, 1),
        },
    )
    found = cells(endpoint)
    assert words(found[Column.STATUS]) == ("up", "")
    assert found[Column.STATUS].since == when(START, NOW, "for 30 min")
    assert found[Column.STATUS].glyph == "●"
    assert words(found[Column.SCORE]) == ("0.99", "[0.97, 1.00]")
    assert words(found[Column.UPTIME]) == ("99.93%", "n 1,440")
    assert words(found[Column.TTFT]) == ("310 ms / 690 ms", "n 30")
    assert words(found[Column.SPEED]) == ("118", "n 10")
    assert words(found[Column.E2E]) == ("1.25 s", "n 30")
    assert words(found[Column.PRICE]) == ("0.59 / 0.79", "cached 0.10")
    assert words(found[Column.CONTEXT]) == ("131,072", "")
    assert words(found[Column.OUTPUT]) == ("16,384", "")
    assert words(found[Column.QUANTIZATION]) == ("fp8", "")
    assert words(found[Column.TOOLS]) == ("2.0%", "n 48")
    assert words(found[Column.INCIDENT]) == ("", "")


def test_what_is_not_known_is_a_dash_with_a_reason() -> None:
    empty = shown(
        score=None,
        confidence=None,
        measured_at=None,
        status=Status.UNKNOWN,
        counts=dict.fromkeys(WINDOWS, Counts()),
        summaries={"ttft_s": NO_SUMMARY, "e2e_s": NO_SUMMARY, "output_tps": NO_SUMMARY},
        context_length=None,
    )
    found = cells(ModelEndpoint(name="n", role=empty.role, snapshot=unpriced(empty.snapshot), confidence=None))
    for column in set(Column) - {Column.STATUS, Column.INCIDENT}:
        assert found[column].text == NOT_MEASURED
        assert found[column].about
    assert found[Column.STATUS].about == "no counted probe yet"


def test_p95_needs_twenty_samples() -> None:
    found = cells(shown())
    assert words(found[Column.TTFT]) == ("200 ms / –", "n 10")
    assert "p95 needs 20 samples" in found[Column.TTFT].about
    assert found[Column.E2E].text == NOT_MEASURED
    assert found[Column.E2E].about == "p95 needs 20 samples; there are 10 in the last 30 minutes"


def test_a_slow_speed_has_a_decimal() -> None:
    endpoint = shown(summaries={"output_tps": summary(7.26, 1, 1, 1), "ttft_s": NO_SUMMARY, "e2e_s": NO_SUMMARY})
    assert cells(endpoint)[Column.SPEED].text == "7.3"


def test_a_score_without_an_interval_stands_alone() -> None:
    found = cells(shown(confidence=None))[Column.SCORE]
    assert words(found) == ("0.99", "")
    assert found.chart is not None
    assert_sound(found.chart, "score-0")


def test_only_who_has_the_token_sees_account_trouble() -> None:
    endpoint = shown(account=Trouble(error=ErrorClass.AUTH, since=START))
    told = cells(endpoint)[Column.STATUS]
    assert told.below == "your key: refused"
    assert "Your key, not the provider" in told.about
    public = cells(endpoint, is_public=True)[Column.STATUS]
    assert "refused" not in public.below + public.about
    assert "account" not in public.about


def test_an_open_incident_says_how_long_and_why() -> None:
    incident = Incident(
        id="1f" * 8,
        endpoint="groq:llama",
        worst=Status.DOWN,
        began_at=NOW - timedelta(minutes=41),
        last_at=NOW,
        causes={"slo": 9},
    )
    found = cells(shown(), incidents={"groq:llama": incident})[Column.INCIDENT]
    assert words(found) == ("41 min", "slow")
    assert "9 samples" in found.about


def test_region_and_tag_stand_below_the_name() -> None:
    table = providers_table([shown("deep:a", tag="deep/turbo"), shown("groq:b", 1, labels={})], OPTIONS)
    assert {row.id: row.below for row in table.rows} == {"deep:a": "us · turbo", "groq:b": ""}


def test_the_chooser_shows_which_columns_are_there() -> None:
    table = providers_table([shown()], TableOptions(**{**_fields(OPTIONS), "columns": DEFAULT_COLUMNS}))
    assert [choice.column for choice in table.choices if choice.is_shown] == [*DEFAULT_COLUMNS]
    assert len(table.heads) == len(table.rows[0].cells) == len(DEFAULT_COLUMNS)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_glyph(status: Status) -> None:
    assert cells(shown(status=status))[Column.STATUS].glyph
