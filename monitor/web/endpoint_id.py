"""The endpoint that the path of a request names."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from monitor.scoreboard.row import Row
from monitor.web.context import Context
from monitor.web.route import endpoint_id

ID: Final = endpoint_id()


def known_id(context: Context, request: web.Request) -> str:
    """The id in the path. Raises HTTPNotFound if no endpoint has it."""
    name = ID.need(request)
    if name not in context.snapshot().rows:
        raise _unknown(name)
    return name


def known_row(context: Context, request: web.Request) -> Row:
    """The newest row of the endpoint in the path. Raises HTTPNotFound if there is none."""
    name = ID.need(request)
    row = context.row(name)
    if row is None:
        raise _unknown(name)
    return row


def _unknown(name: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"no endpoint has the id {name!r}")
