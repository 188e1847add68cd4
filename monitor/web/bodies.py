"""The JSON that comes with a request, read as the type that its route declares."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from aiohttp import web

from monitor.publish.strict import WrongBodyError, read


async def body_of(request: web.Request, kind: object) -> Any:  # noqa: ANN401  # a value of `kind`
    """The body as a `kind`. Raises HTTPBadRequest that names the field which is wrong."""
    raw = await request.read()
    try:
        return read(kind, json.loads(raw, parse_constant=_refuse))
    except WrongBodyError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="the body is not JSON; send an object, as UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are no JSON, whatever Python reads."""
    raise ValueError(constant)
