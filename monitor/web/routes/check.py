"""`/v1/check/{id}`: may this endpoint be sent to? By status code alone, for load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TypedDict, assert_never

from aiohttp import web

from monitor.domain.status import Status
from monitor.web.context import Context
from monitor.web.route import UNKNOWN_ID, Answer, Route, endpoint_id

ID = endpoint_id()


class Check(TypedDict):
    """Whether an endpoint may be sent to, and why."""

    usable: bool
    status: Status


def usable(status: Status) -> bool:
    """Whether a load balancer should send to an endpoint of this status. What is not known is not down."""
    match status:
        case Status.UP | Status.DEGRADED | Status.UNKNOWN:
            return True
        case Status.DOWN | Status.MAINTENANCE | Status.PAUSED:
            return False
        case _:
            assert_never(status)


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Whether an endpoint may be sent to, by status code alone.

        200 when it is up, degraded (then with the header `x-envoy-degraded`) or unknown, since stale is not down; 503
        when it is down, in maintenance or paused. Each endpoint is judged for itself: that all of a model are down is
        for the load balancer to notice, which should then send to all of them (its panic mode).
        """
        row = context.row(ID.need(request))
        if row is None:
            raise web.HTTPNotFound(text=f"no endpoint has the id {ID.need(request)!r}")
        return _answer(row.status)

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


def _answer(status: Status) -> web.Response:
    headers: Mapping[str, str] = {"Cache-Control": "no-store"}
    if status is Status.DEGRADED:
        headers = {**headers, "x-envoy-degraded": "true"}
    code = HTTPStatus.OK if usable(status) else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(Check(usable=usable(status), status=status), status=code, headers=headers)
