"""Tests of the names, colours and order of a model's endpoints."""

from __future__ import annotations

import json
from dataclasses import replace

from monitor.charts.roles import Role
from monitor.config.listing import ProviderCard
from monitor.domain.status import Status
from monitor.scoreboard.row import Row
from monitor.web.pages.model.endpoints import best_first, endpoints_of_model
from probes._model import Pricing
from tests.support.openrouter_values import make_endpoint, unpriced
from tests.support.rows import make_row
from tests.unit.web.pages.model.values import shown

MODEL = "meta-llama/llama-3.2-1b-instruct"


def row(name: str, confidence: list[float] | None = None, **fields: object) -> Row:
    body = json.dumps({"confidence": confidence}).encode()
    return replace(make_row(name, model=MODEL), body=body, endpoint=make_endpoint(name, **fields))  # type: ignore[arg-type]


def test_only_endpoints_of_the_model_are_found_in_the_order_of_the_configuration() -> None:
    rows = [row("z:llama"), make_row("x:other"), row("a:llama", [0.5, 1.0]), make_row("remote:llama", model=MODEL)]
    found = endpoints_of_model(rows, MODEL)
    assert [(each.id, each.role, each.confidence) for each in found] == [
        ("z:llama", Role.S1, None),
        ("a:llama", Role.S2, (0.5, 1.0)),
    ]


def test_endpoints_of_one_provider_differ_by_tag_or_id() -> None:
    rows = [
        row("groq:a"),
        row("deep:b", tag="deep/turbo"),
        row("deep:c", tag="deep/slow"),
        row("near:d"),
        row("near:e"),
    ]
    assert [each.name for each in endpoints_of_model(rows, MODEL)] == [
        "groq",
        "deep (deep/turbo)",
        "deep (deep/slow)",
        "near:d",
        "near:e",
    ]


def test_a_hostile_name_is_printable() -> None:
    rows = [row("evil:a", provider=ProviderCard(name="\N{RIGHT-TO-LEFT OVERRIDE}<b>\x1b"))]
    assert endpoints_of_model(rows, MODEL)[0].name == "\N{REPLACEMENT CHARACTER}<b>\N{REPLACEMENT CHARACTER}"


def test_the_order_is_status_then_score_in_hundredths_then_price() -> None:
    cheap, dear = Pricing(prompt=0.1, completion=0.1), Pricing(prompt=9, completion=9)
    endpoints = [
        shown("down:m", status=Status.DOWN, pricing=cheap),
        shown("stale:m", status=Status.UNKNOWN, pricing=cheap, score=1.0),
        replace(shown("unpriced:m"), snapshot=unpriced(make_endpoint("unpriced:m"))),
        shown("dear:m", pricing=dear, score=0.992),
        shown("cheap:m", pricing=cheap, score=0.988),
        shown("worse:m", pricing=cheap, score=0.9),
        shown("new:m", pricing=cheap, score=None),
        shown("slow:m", status=Status.DEGRADED, pricing=cheap),
    ]
    assert [each.id.partition(":")[0] for each in best_first(endpoints)] == [
        "cheap",
        "dear",
        "unpriced",
        "worse",
        "new",
        "stale",
        "slow",
        "down",
    ]
