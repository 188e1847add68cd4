"""`/v1/check/{id}`: a health check of one endpoint for load balancers; the status code is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web
from typing_extensions import TypedDict

from monitor.domain.status import Status
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
        """Health check of one endpoint for load balancers. The status code is the result.

        200: the endpoint is up, or its status is unknown. 200 with the header `x-envoy-degraded`: it is degraded, or
        refuses the account of the newest samples. 503: it is down, in maintenance or paused. Other endpoints do not
        matter. If all endpoints of a model are down, the load balancer should send to all of them (panic mode).
        """
        return answer(known_row(context, request))

    return (
        Route(
            path="/v1/check/{id}",
            handler=handler,
            parameters=[ID],
            answers=[
                Answer(about="The endpoint is usable.", json_type=Check),
                Answer(about="The endpoint is not usable.", json_type=Check, status=HTTPStatus.SERVICE_UNAVAILABLE),
                UNKNOWN_ID,
            ],
        ),
    )


def answer(row: Row) -> web.Response:
    """What is said of an endpoint."""
    words = WORDS[POLICY[row.tier].use]
    headers: Mapping[str, str] = {"Cache-Control": "no-store"}
    if words.envoy_degraded:
        headers = {**headers, "x-envoy-degraded": "true"}
    usable = words.check is HTTPStatus.OK
    return web.json_response(Check(usable=usable, status=row.status), status=words.check, headers=headers)
