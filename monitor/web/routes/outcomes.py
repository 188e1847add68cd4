"""`POST /v1/outcomes`: what became of real requests, in batches, as `monitor.traffic.reading` reads them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, TypedDict

from aiohttp import hdrs, web

from monitor.schema.json_schema import Words
from monitor.traffic.calls import Receipt, StoppingError
from monitor.traffic.known import TooManyError
from monitor.traffic.reading import APP_LENGTH, ERRORS, ID_LENGTH, MOST, MOST_S, MOST_TOKENS, OK, InvalidBatchError
from monitor.web.context import Context
from monitor.web.request_body import read_body
from monitor.web.route import Answer, Route, refusal

Came = StrEnum("Came", {OK.upper(): OK, **{error.name: error.value for error in ERRORS}})  # type: ignore[misc]
"""How a request ended."""
Seconds = Annotated[float, Words(minimum=0, maximum=MOST_S)]
Tokens = Annotated[int, Words(minimum=0, maximum=MOST_TOKENS)]


class Outcome(TypedDict):
    """What became of one real request."""

    id: Annotated[str, Words(max_length=ID_LENGTH)]
    """Unique for each request; one that is known is passed over."""
    endpoint: NotRequired[str | None]
    """The endpoint's id; or instead:"""
    router_id: NotRequired[dict[str, str] | None]
    """What one router calls it: `{"litellm": "dep-17"}`."""
    at: datetime
    """When the request began: not longer than 15 minutes ago, not more than 60 s ahead."""
    outcome: Came
    """`ok`, or the class of its failure."""
    status_code: NotRequired[Annotated[int, Words(minimum=100, maximum=599)] | None]
    ttft_s: NotRequired[Seconds | None]
    """Held to the SLO of the endpoint's probes."""
    e2e_s: NotRequired[Seconds | None]
    prompt_tokens: NotRequired[Tokens | None]
    output_tokens: NotRequired[Tokens | None]
    reasoning_tokens: NotRequired[Tokens | None]
    app: NotRequired[Annotated[str, Words(max_length=APP_LENGTH)] | None]
    """Which application it was for."""


class Outcomes(TypedDict):
    """A batch."""

    outcomes: Annotated[list[Outcome | Any], Words(max_items=MOST)]
    """What is no `Outcome` is rejected, and the others are taken."""


class Rejection(TypedDict):
    """One that was not taken; the others were."""

    index: Annotated[int, Words(minimum=0)]
    """Its place in the batch."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a batch."""

    accepted: Annotated[int, Words(minimum=0)]
    duplicates: Annotated[int, Words(minimum=0)]
    """Passed over: their ids are known."""
    rejected: list[Rejection]


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Report what became of real requests: they count in uptime and score.

        A batch holds at most 1,000 and 1 MiB. Each is taken, passed over (its id was reported before) or rejected, for
        itself; so a batch whose answer was lost can be sent again as it was.
        """
        if context.outcomes is None:
            raise web.HTTPForbidden(text="set `token` in the configuration: who reports outcomes moves scores")
        try:
            receipt = await context.outcomes(await _json(request))
        except InvalidBatchError as error:
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
                Answer(about="What became of the batch.", json_type=Taken),
                refusal(HTTPStatus.FORBIDDEN, "No token is configured."),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The monitor is stopping; nothing of the batch was counted."),
            ],
        ),
    )


async def _json(request: web.Request) -> object:
    body = await read_body(request)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidBatchError("the body is no JSON") from None


def _taken(receipt: Receipt) -> dict[str, object]:
    rejected = [Rejection(index=item.index, reason=item.reason) for item in receipt.rejected]
    return {"accepted": receipt.accepted, "duplicates": receipt.duplicates, "rejected": rejected}
