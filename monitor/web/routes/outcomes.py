"""`POST /v1/outcomes`: reports of real requests in batches; `monitor.traffic.reading` parses them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from aiohttp import hdrs, web
from annotated_types import Ge
from typing_extensions import TypedDict

from monitor.schema.body import WrongBodyError
from monitor.traffic.calls import Receipt, StoppingError
from monitor.traffic.known import TooManyError
from monitor.traffic.outcome import Outcomes
from monitor.web.context import Context
from monitor.web.request_body import parse_json, read_body
from monitor.web.route import Answer, Route, refusal


class Rejection(TypedDict):
    """A rejected entry."""

    index: Annotated[int, Ge(0)]
    """Its place in the batch."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The result of a batch."""

    accepted: Annotated[int, Ge(0)]
    duplicates: Annotated[int, Ge(0)]
    """Entries with known ids, which were skipped."""
    rejected: list[Rejection]


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Report outcomes of real requests. They count in uptime and score.

        A batch has at most 1,000 entries and 1 MiB. Each entry is accepted, skipped (its id was reported before) or
        rejected; so a batch without an answer can be sent again.
        """
        take = context.outcomes()
        if take is None:
            raise web.HTTPForbidden(text="reports change scores and need a token; set `token` in the configuration")
        try:
            receipt = await take(parse_json(await read_body(request)))
        except WrongBodyError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        except TooManyError as error:
            wait_s = str(math.ceil(error.wait_s))
            raise web.HTTPTooManyRequests(text=str(error), headers={hdrs.RETRY_AFTER: wait_s}) from None
        except StoppingError as error:
            raise web.HTTPServiceUnavailable(text=str(error), headers={hdrs.RETRY_AFTER: "5"}) from None
        return web.json_response(_taken(receipt), headers={hdrs.CACHE_CONTROL: "no-store"})

    return (
        Route(
            method="POST",
            path="/v1/outcomes",
            handler=handler,
            body=Outcomes,
            answers=[
                Answer(about="The result of the batch.", json_type=Taken),
                refusal(HTTPStatus.FORBIDDEN, "No token is configured."),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The daemon is stopping; it counted no entry of the batch."),
            ],
        ),
    )


def _taken(receipt: Receipt) -> dict[str, object]:
    rejected = [Rejection(index=item.index, reason=item.reason) for item in receipt.rejected]
    return {"accepted": receipt.accepted, "duplicates": receipt.duplicates, "rejected": rejected}
