"""The answers of history and badges match `/openapi.json`, without further keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from monitor.store import Store
from monitor.web.openapi import openapi
from monitor.web.route import Route
from monitor.web.routes import activity, badges, history
from probes._model import Task
from tests.integration.history.serving import NAME, Begin, Served, a_sample, context_of, fill, make_history, samples
from tests.integration.web.serving import filled_board
from tests.support.memory_store import MemoryStore
from tests.unit.store.incidents import ended, make_incident


class Nobody:
    """A board without a server."""

    def __init__(self) -> None:
        self.board = filled_board()
        self.problems: list[str] = []


CONTEXT: Any = context_of(Nobody(), make_history(MemoryStore()))  # type: ignore[arg-type]  # only its board is asked for
ON_PAGE: list[Route] = [*history.routes(CONTEXT), *badges.routes(CONTEXT)]
"""The routes that docs/http-history.md describes."""
ROUTES: list[Route] = [*ON_PAGE, *activity.routes(CONTEXT)]
CLOSED: Any = openapi(ROUTES, "0", closed=True)


def paths_of(route: Route) -> Iterator[str]:
    """Where to ask a route: of an endpoint that is there and of none, with no parameter, with each, and with all."""
    query = [
        f"{parameter.name}={quote(parameter.example or '', safe='')}"
        for parameter in route.parameters
        if not parameter.in_path
    ]
    for name in (NAME, "nobody:none") if "{id}" in route.path else ("",):
        path = route.path.replace("{id}", quote(name, safe=""))
        yield path
        yield from (f"{path}?{part}" for part in query)
        yield f"{path}?{'&'.join(query)}"
        yield f"{path}?no_such_parameter=1"


def hold_against_schema(route: Route, status: int, content_type: str, body: bytes) -> None:
    responses = CLOSED["paths"][route.path]["get"]["responses"]
    assert str(status) in responses, (status, body)
    said = responses[str(status)]["content"][content_type]
    if "schema" in said:
        Draft202012Validator({"components": CLOSED["components"], **said["schema"]}).validate(json.loads(body))


async def served_history(store: Store, begin: Begin) -> Served:
    await fill(
        store,
        [*samples(30), *(a_sample(n, id=f"{n + 10**6:016x}", task=task) for n, task in enumerate(Task))],
        [ended(1), make_incident(2), make_incident(3, endpoint=NAME)],
    )
    return await begin(make_history(store))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_every_answer_matches_its_schema(store: Store, begin: Begin, route: Route) -> None:
    served = await served_history(store, begin)
    statuses = set()
    for path in paths_of(route):
        response, body = await served.ask(path)
        hold_against_schema(route, response.status, response.content_type, body)
        statuses.add(response.status)
    assert statuses == ({200, 400, 404} if "{id}" in route.path else {200, 400})


@pytest.mark.parametrize("metric", ["ttft_s", "rtt_s", "tpot_s", "uptime", "cost_usd"])
async def test_every_kind_of_series_matches_its_schema(store: Store, begin: Begin, metric: str) -> None:
    served = await served_history(store, begin)
    (route,) = [route for route in ROUTES if route.path.endswith("/series")]
    for window in ("30m", "1d", *(() if metric == "cost_usd" else ("7d", "90d"))):
        response, body = await served.ask(f"/v1/endpoints/{NAME}/series?metric={metric}&window={window}")
        assert response.status == 200
        hold_against_schema(route, response.status, response.content_type, body)


async def test_the_openapi_document_contains_them(store: Store, begin: Begin) -> None:
    served = await served_history(store, begin)
    _, document = await served.get("/openapi.json")
    assert {route.path for route in ROUTES} <= document["paths"].keys()


def test_every_parameter_has_an_example_that_is_right() -> None:
    for route in ROUTES:
        for parameter in route.parameters:
            assert parameter.example
            parameter.parse(parameter.example)
