"""The query of a request holds what its route declares, once each, and nothing else."""

from __future__ import annotations

from aiohttp import web

from monitor.web.routes import Handler, Route


def only_declared(route: Route) -> Handler:
    """The route's handler, for requests without strange parameters; others are refused."""
    known = [parameter.name for parameter in route.parameters if not parameter.in_path]
    handler = route.handler

    async def checked(request: web.Request) -> web.StreamResponse:
        if request.query_string:
            _check(request, known)
        return await handler(request)

    return checked


def _check(request: web.Request, known: list[str]) -> None:
    given = [name for name, _ in request.query.items()]  # its keys come once each
    unknown = sorted(set(given) - set(known))
    if unknown:
        there_are = f"there are: {', '.join(known)}" if known else "there are none here"
        raise web.HTTPBadRequest(text=f"unknown parameter {unknown[0]!r}; {there_are}")
    for name in known:
        if given.count(name) > 1:
            raise web.HTTPBadRequest(text=f"the parameter {name} is given twice")
