"""`/v1/check/{id}`: a health check of one endpoint for load balancers; the status code is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TypedDict

from aiohttp import web

from monitor.domain.status import Status
from monitor.domain.tier import tier_of
from monitor.routing.tiers import POLICY, WORDS
from monitor.scoreboard.row import Row
from monitor.web.context import Context
from monitor.web.endpoint_id import ID, known_row
from monitor.web.route import UNKNOWN_ID, Answer, Route


class Check(TypedDict):
    """Whether an endpoint is usable, and its status."""

    usable: bool
    status: Status


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Whether an endpoint may be sent to, by status code alone.

        200 when it is up, or unknown, since stale is not down; 200 with the header `x-envoy-degraded` when it is
        degraded, or refuses the account of the newest samples; 503 when it is down, in maintenance or paused. Each
        endpoint is judged for itself: that all of a model are down is for the load balancer to notice, which should
        then send to all of them (its panic mode).
        """
        return answer(known_row(context, request))

    return (
        Route(
            path="/v1/check/{id}",
            handler=handler,
            parameters=[ID],
            answers=[
                Answer(about="It may be sent to.", json_type=Check),
                Answer(about="It should not be.", json_type=Check, status=HTTPStatus.SERVICE_UNAVAILABLE),
                UNKNOWN_ID,
            ],
        ),
    )


def answer(row: Row) -> web.Response:
    """What is said of an endpoint."""
    words = WORDS[POLICY[tier_of(row.status, refused=row.account is not None)].use]
    headers: Mapping[str, str] = {"Cache-Control": "no-store"}
    if words.envoy_degraded:
        headers = {**headers, "x-envoy-degraded": "true"}
    usable = words.check is HTTPStatus.OK
    return web.json_response(Check(usable=usable, status=row.status), status=words.check, headers=headers)
