"""The OpenAPI document is right: every route is requested, and its answer is checked against its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from monitor.web.context import Context
from monitor.web.openapi import openapi
from monitor.web.route import Route
from monitor.web.server import all_routes
from tests.integration.web.serving import SPECS, Serve, Served, filled_board

BOARD = filled_board()
ROUTES = all_routes(Context(snapshot=lambda: BOARD.snapshot, problems=tuple))
CLOSED: Any = openapi(ROUTES, "0", closed=True)
IDS = [*(spec.endpoint.id for spec in SPECS), "nobody:none"]
ENDLESS = {"/v1/scores/stream"}
ASKED = [route for route in ROUTES if route.method == "GET" and route.path not in ENDLESS]


def paths_of(route: Route) -> Iterator[str]:
    """Where to ask a route: for each id, without a query, with each parameter, and with all of them."""
    written = {parameter.name: parameter.example or "" for parameter in route.parameters if parameter.in_path}
    query = [f"{each.name}={quote(each.example or '', safe='')}" for each in route.parameters if not each.in_path]
    needed = "&".join(
        part for each, part in zip([e for e in route.parameters if not e.in_path], query, strict=True) if each.required
    )
    for name in IDS if "{id}" in route.path else [""]:
        path = route.path
        for part, text in {**written, **({"id": name} if name else {})}.items():
            path = path.replace(f"{{{part}}}", quote(text, safe=""))
        yield f"{path}?{needed}" if needed else path
        yield from (f"{path}?{needed}&{part}" if needed else f"{path}?{part}" for part in query)
        yield f"{path}?{'&'.join(query)}"


def hold_against_schema(route: Route, status: int, content_type: str, body: bytes) -> None:
    """An answer is one of those that its route declares."""
    responses = CLOSED["paths"][route.path][route.method.lower()]["responses"]
    assert str(status) in responses, (status, body)
    said = responses[str(status)]["content"][content_type]
    if "schema" in said:
        Draft202012Validator({"components": CLOSED["components"], **said["schema"]}).validate(json.loads(body))


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.path)
async def test_every_answer_matches_its_schema(served: Served, route: Route) -> None:
    statuses = set()
    for path in paths_of(route):
        response, body = await served.ask(path)
        hold_against_schema(route, response.status, response.content_type, body)
        statuses.add(response.status)
    assert 200 in statuses


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_refusal_matches_its_schema(serve: Serve, route: Route) -> None:
    path = next(paths_of(route)).partition("?")[0]
    served = await serve()
    response, body = await served.ask(f"{path}?no_such_parameter=1", route.method)
    assert response.status == 400
    hold_against_schema(route, response.status, response.content_type, body)
    if not route.open:
        guarded = await serve("t0ken")
        response, body = await guarded.ask(path, route.method)
        assert response.status == 401
        hold_against_schema(route, response.status, response.content_type, body)


async def test_the_document_describes_every_route_and_every_reference_resolves(served: Served) -> None:
    response, document = await served.get("/openapi.json")
    assert response.status == 200
    assert {(path, method.upper()) for path, methods in document["paths"].items() for method in methods} == {
        (route.path, route.method) for route in ROUTES
    }
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    for name, schema in document["components"]["schemas"].items():
        assert "__" not in name, "two classes have one name"
        Draft202012Validator.check_schema(schema)


def references(value: object) -> Iterator[str]:
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


def test_every_operation_has_a_name_of_its_own_and_a_summary() -> None:
    operations = [method for methods in CLOSED["paths"].values() for method in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for operation in operations)


async def test_the_served_document_is_valid_against_the_served_schema(served: Served) -> None:
    response, schema = await served.ask("/v1/scores.schema.json")
    assert response.content_type == "application/schema+json"
    validator = Draft202012Validator(json.loads(schema))
    for path in ("/v1/scores", "/v1/scores?status=down", "/v1/scores?provider=nobody"):
        _, document = await served.get(path)
        validator.validate(document)
        assert not validator.is_valid({**document, "schema": "providerwatch/scores/v2"})
