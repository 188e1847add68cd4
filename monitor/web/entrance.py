"""The way into a route: past the guard, with a query that holds what the route declares, once each, and no more."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from aiohttp import web

from monitor.web.auth import Guard
from monitor.web.middleware import border
from monitor.web.route import Handler, Route


def entrance(route: Route, guard: Guard) -> Handler:
    """The route's handler, for those who may ask it and ask for what there is."""
    known = [parameter.name for parameter in route.parameters if not parameter.in_path]
    return border(route.handler, guard.admit_host if route.open else guard.admit, partial(_check, known))


def wrong_method(allowed: Collection[str], guard: Guard) -> Handler:
    """What answers where there is something else to do than what was asked for."""
    methods = sorted({*allowed, *(["HEAD"] if "GET" in allowed else [])})

    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return border(refuse, guard.admit)


def nowhere(guard: Guard) -> Handler:
    """What answers where there is nothing. It asks for the token, too: nobody learns for free what is not there."""

    async def refuse(_: web.Request) -> web.Response:
        raise web.HTTPNotFound(text="there is nothing here; /openapi.json tells what there is")

    return border(refuse, guard.admit)


def _check(known: list[str], request: web.Request) -> None:
    query = request.query
    unknown = sorted(set(query) - set(known))
    if unknown:
        there_are = f"there are: {', '.join(known)}" if known else "there are none here"
        raise web.HTTPBadRequest(text=f"unknown parameter {unknown[0]!r}; {there_are}")
    for name in known:
        if len(query.getall(name, ())) > 1:
            raise web.HTTPBadRequest(text=f"the parameter {name} is given twice")
