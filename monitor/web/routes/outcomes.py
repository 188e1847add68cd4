"""`POST /v1/outcomes`: reports of real requests in batches; `monitor.traffic.reading` parses them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, TypedDict

from aiohttp import hdrs, web

from monitor.schema.json_schema import Words
from monitor.schema.strict import WrongBodyError
from monitor.traffic.calls import Receipt, StoppingError
from monitor.traffic.known import TooManyError
from monitor.traffic.reading import APP_LENGTH, ERRORS, ID_LENGTH, MOST, MOST_S, MOST_TOKENS, OK
from monitor.web.context import Context
from monitor.web.request_body import parse_json, read_body
from monitor.web.route import Answer, Route, refusal

Came = StrEnum("Came", {OK.upper(): OK, **{error.name: error.value for error in ERRORS}})  # type: ignore[misc]
"""How a request ended."""
Seconds = Annotated[float, Words(minimum=0, maximum=MOST_S)]
Tokens = Annotated[int, Words(minimum=0, maximum=MOST_TOKENS)]


class Outcome(TypedDict):
    """The outcome of one real request."""

    id: Annotated[str, Words(max_length=ID_LENGTH)]
    """Unique per request; an outcome with a known id is skipped."""
    endpoint: NotRequired[str | None]
    """The endpoint's id. Either `endpoint` or `router_id` is required."""
    router_id: NotRequired[dict[str, str] | None]
    """The endpoint's name in one router: `{"litellm": "dep-17"}`."""
    at: datetime
    """When the request began: at most 15 minutes ago and at most 60 s in the future."""
    outcome: Came
    """`ok`, or the error class."""
    status_code: NotRequired[Annotated[int, Words(minimum=100, maximum=599)] | None]
    ttft_s: NotRequired[Seconds | None]
    """Judged by the SLO of the endpoint's probes."""
    e2e_s: NotRequired[Seconds | None]
    prompt_tokens: NotRequired[Tokens | None]
    output_tokens: NotRequired[Tokens | None]
    reasoning_tokens: NotRequired[Tokens | None]
    app: NotRequired[Annotated[str, Words(max_length=APP_LENGTH)] | None]
    """The application that sent the request."""


class Outcomes(TypedDict):
    """A batch."""

    outcomes: Annotated[list[Outcome | Any], Words(max_items=MOST)]
    """An entry that is no valid `Outcome` is rejected; the others are accepted."""


class Rejection(TypedDict):
    """A rejected entry."""

    index: Annotated[int, Words(minimum=0)]
    """Its place in the batch."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The result of a batch."""

    accepted: Annotated[int, Words(minimum=0)]
    duplicates: Annotated[int, Words(minimum=0)]
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
