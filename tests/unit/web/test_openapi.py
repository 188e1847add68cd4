"""The OpenAPI document: every route with all that it declares, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator
from typing_extensions import TypedDict

from monitor.web.openapi import openapi
from monitor.web.route import Answer, Route, endpoint_id, number, refusal, whole


class Wish(TypedDict):
    """What one wants."""

    what: str


class Gift(TypedDict):
    """What one gets."""

    what: str


async def give(_: web.Request) -> web.Response:
    """What you get.

    And when:
    at once.
    """
    return web.Response()


async def plain(_: web.Request) -> web.Response:
    return web.Response()


GIVE = Route(
    method="POST",
    path="/v1/gifts/{id}.json",
    handler=give,
    parameters=[
        endpoint_id("a:b"),
        number("weight", "How heavy.", low=0, high=9),
        whole("n", "How many.", low=1, high=2),
    ],
    body=Wish,
    answers=[
        Answer(about="Here.", json_type=Gift),
        Answer(about="A picture.", content_type="image/svg+xml"),
        Answer(about="As before.", content_type=None, status=HTTPStatus.NOT_MODIFIED),
        refusal(HTTPStatus.NOT_FOUND, "Nobody has this id."),
    ],
)
OPEN = Route(path="/healthz", handler=plain, answers=[Answer(about="Alive.")], open=True)


def document(*routes: Route, closed: bool = False) -> Any:
    return openapi(routes, "1.2.3", closed=closed)


def content(response: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: said.get("schema") for kind, said in response.get("content", {}).items()}


def test_a_route_is_listed_with_all_that_it_declares() -> None:
    found = document(GIVE, OPEN)
    assert (found["openapi"], found["info"]["version"]) == ("3.1.0", "1.2.3")
    assert list(found["paths"]) == ["/v1/gifts/{id}.json", "/healthz"]
    operation = found["paths"]["/v1/gifts/{id}.json"]["post"]
    assert (operation["summary"], operation["description"]) == ("What you get.", "And when:\nat once.")
    assert operation["operationId"] == "post_v1_gifts_id_json"
    assert operation["parameters"] == [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "description": "The endpoint's id, percent-encoded.",
            "schema": {"type": "string"},
            "example": "a:b",
        },
        {
            "name": "weight",
            "in": "query",
            "required": False,
            "description": "How heavy.",
            "schema": {"type": "number", "minimum": 0, "maximum": 9},
        },
        {
            "name": "n",
            "in": "query",
            "required": False,
            "description": "How many.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 2},
        },
    ]
    wish = {"$ref": "#/components/schemas/Wish"}
    assert operation["requestBody"] == {"required": True, "content": {"application/json": {"schema": wish}}}
    assert {"Wish", "Gift", "Refusal", "ErrorDetail"} == set(found["components"]["schemas"])


def test_every_answer_is_listed_and_those_that_any_route_may_give() -> None:
    responses = document(GIVE)["paths"]["/v1/gifts/{id}.json"]["post"]["responses"]
    refused = {"application/json": {"$ref": "#/components/schemas/Refusal"}}
    assert {status: content(response) for status, response in responses.items()} == {
        "200": {"application/json": {"$ref": "#/components/schemas/Gift"}, "image/svg+xml": None},
        "304": {},
        "404": refused,
        "400": refused,
        "401": refused,
        "408": refused,
        "413": refused,
        "415": refused,
        "421": refused,
        "429": refused,
    }


def test_an_open_route_needs_no_token_and_counts_no_request() -> None:
    found = document(GIVE, OPEN)["paths"]
    healthz = found["/healthz"]["get"]
    assert (healthz["summary"], healthz["security"], set(healthz["responses"])) == ("", [], {"200", "400", "421"})
    assert "parameters" not in healthz
    assert "requestBody" not in healthz
    assert found["/v1/gifts/{id}.json"]["post"]["security"] == [{}, {"token": []}]


def test_a_closed_document_refuses_what_is_not_declared() -> None:
    for closed in (True, False):
        gift = document(GIVE, closed=closed)["components"]["schemas"]["Gift"]
        assert Draft202012Validator(gift).is_valid({"what": "a book", "more": 1}) is not closed
