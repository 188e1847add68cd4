"""`/openapi.json`: the OpenAPI 3.1 document, generated from the routes. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from monitor.schema.json_schema import Schemas
from monitor.web.responses import JSON
from monitor.web.route import Answer, Parameter, Route, refusal

_COMPONENTS = "#/components/schemas/"
_TOKEN = "token"  # noqa: S105  # the name of a scheme


def openapi(routes: Iterable[Route], version: str, *, closed: bool = False) -> dict[str, object]:
    """The document. `closed` forbids keys that are not declared, for tests."""
    routes = [*routes]
    schemas = Schemas(_kinds(routes), _COMPONENTS, closed=closed)
    bodies = [route.body for route in routes if route.body is not None]
    request_schemas = Schemas(bodies, _COMPONENTS, closed=True)  # unknown keys of a request are refused
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, request_schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Providerwatch",
            "version": version,
            "description": "Uptime, latency and scores of language model providers.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas.definitions, **request_schemas.definitions},
            "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds(routes: Iterable[Route]) -> Iterator[object]:
    """The types of all parameters and answers."""
    for route in routes:
        yield from (item.json_type for item in route.parameters)
        yield from (item.json_type for item in [*route.answers, *_always(route)] if item.json_type is not None)


def _operation(route: Route, schemas: Schemas, request_schemas: Schemas) -> dict[str, object]:
    first, _, rest = inspect.cleandoc(route.handler.__doc__ or "").partition("\n")
    operation: dict[str, object] = {"summary": first, "operationId": _operation_id(route)}
    if rest.strip():
        operation["description"] = rest.strip()
    if route.parameters:
        operation["parameters"] = [_parameter(item, schemas) for item in route.parameters]
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": request_schemas.of(route.body)}}}
    operation["responses"] = _responses([*route.answers, *_always(route)], schemas)
    operation["security"] = [] if route.open else [{}, {_TOKEN: []}]
    return operation


def _operation_id(route: Route) -> str:
    words = route.path.replace("{", "").replace("}", "").replace(".", "/").replace("-", "/").split("/")
    return "_".join([route.method.lower(), *filter(None, words)])


def _parameter(parameter: Parameter[Any], schemas: Schemas) -> dict[str, object]:
    plain: dict[str, object] = {
        "name": parameter.name,
        "in": "path" if parameter.in_path else "query",
        "required": parameter.in_path or parameter.required,
        "description": parameter.about,
        "schema": schemas.of(parameter.json_type),
    }
    return plain if parameter.example is None else {**plain, "example": parameter.example}


def _always(route: Route) -> Sequence[Answer]:
    """The answers that any route may give."""
    wrong = [
        refusal(HTTPStatus.BAD_REQUEST, "The request is invalid; the message contains the reason."),
        refusal(HTTPStatus.MISDIRECTED_REQUEST, "`Host` does not name this daemon, and no token is configured."),
    ]
    body = [
        refusal(HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time."),
        refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than 1 MiB, compressed or uncompressed."),
        refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body's `Content-Encoding` is neither gzip nor identity."),
    ]
    protected = [
        refusal(HTTPStatus.UNAUTHORIZED, "The token is missing or wrong."),
        refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests; try again after `Retry-After`."),
    ]
    return [*wrong, *([] if route.open else protected), *([] if route.body is None else body)]


def _responses(answers: Iterable[Answer], schemas: Schemas) -> Mapping[str, object]:
    responses: dict[str, dict[str, Any]] = {}
    for answer in answers:
        response = responses.setdefault(str(int(answer.status)), {"description": answer.about})
        if answer.content_type is not None:
            kind = {} if answer.json_type is None else {"schema": schemas.of(answer.json_type)}
            response.setdefault("content", {}).setdefault(answer.content_type, kind)
    return responses
