"""The way into a route: past the guard, with a query that holds what the route declares, once each, and no more."""

from __future__ import annotations

from aiohttp import web

from monitor.web.guard import Guard
from monitor.web.routes import Handler, Route


def entrance(route: Route, guard: Guard) -> Handler:
    """The route's handler, for those who may ask it and ask for what there is."""
    known = [parameter.name for parameter in route.parameters if not parameter.in_path]
    handler = route.handler

    async def entered(request: web.Request) -> web.StreamResponse:
        if not route.open:
            guard.admit(request)
        if "?" in request.raw_path:
            _check(request, known)
        return await handler(request)

    return entered


def _check(request: web.Request, known: list[str]) -> None:
    query = request.query
    unknown = sorted(set(query) - set(known))
    if unknown:
        there_are = f"there are: {', '.join(known)}" if known else "there are none here"
        raise web.HTTPBadRequest(text=f"unknown parameter {unknown[0]!r}; {there_are}")
    for name in known:
        if len(query.getall(name, ())) > 1:
            raise web.HTTPBadRequest(text=f"the parameter {name} is given twice")
