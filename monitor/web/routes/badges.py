"""`/badges/{id}/…svg`: small images for other web pages. Made once per change of an endpoint's row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from monitor.domain.status import Status
from monitor.history.series import Metric, series_query
from monitor.score.windows import WINDOWS
from monitor.scoreboard.row import Row
from monitor.web.badge_svg import SVG, Badge, BadgeKind, BadgeWindow, of_status, of_ttft, of_uptime, svg
from monitor.web.context import Context, HistoryContext
from monitor.web.endpoint_id import ID, known_id
from monitor.web.responses import Document, answer, ready
from monitor.web.route import UNCHANGED, UNKNOWN_ID, Answer, Route, choice
from monitor.web.routes.history import BUSY, read_points

_KEPT: Final = "max-age=60"
"""Sites that show badges cache them for a while anyway."""
_SHOWN_BY: Final = "Cross-Origin-Resource-Policy"
_RECENT: Final = BadgeWindow.MINUTES_30
"""The window of the median in the scores document."""
_LENGTHS_S: Final = {BadgeWindow(window.name): window.length_s for window in WINDOWS}
UPTIME_WINDOW = choice("window", "The window. Default: `30d`.", BadgeWindow, example="7d")
TTFT_WINDOW = choice("window", "The window. Default: `30m`.", BadgeWindow, example="7d")


def routes(context: Context) -> Sequence[Route]:
    """The routes of this module; none without a store."""
    if context.history is None:
        return ()
    handlers = _BadgeHandlers(context, context.history)
    image = [Answer(about="The badge.", content_type=SVG), UNCHANGED, UNKNOWN_ID]
    return (
        Route(
            path="/badges/{id}/uptime.svg", handler=handlers.uptime, parameters=[ID, UPTIME_WINDOW], answers=[*image]
        ),
        Route(
            path="/badges/{id}/ttft.svg", handler=handlers.ttft, parameters=[ID, TTFT_WINDOW], answers=[*image, BUSY]
        ),
        Route(path="/badges/{id}/status.svg", handler=handlers.status, parameters=[ID], answers=[*image]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A badge and the row that it was made from."""

    row: Row
    document: Document


class _BadgeHandlers:
    """The handlers."""

    def __init__(self, context: Context, history: HistoryContext) -> None:
        self._context = context
        self._history = history
        self._made: dict[tuple[str, BadgeKind, BadgeWindow | None], _Made] = {}

    async def uptime(self, request: web.Request) -> web.StreamResponse:
        """A badge with an endpoint's uptime in percent."""
        window = UPTIME_WINDOW.read(request) or BadgeWindow.DAYS_30
        return self._of_row(request, BadgeKind.UPTIME, window, lambda row: of_uptime(window, row.uptime[window]))

    async def ttft(self, request: web.Request) -> web.StreamResponse:
        """A badge with an endpoint's median time to the first token, in the colour of its status."""
        window = TTFT_WINDOW.read(request) or _RECENT
        if window is _RECENT:
            return self._of_row(request, BadgeKind.TTFT, window, _recent_ttft)
        row = self._row(request)
        name, status = row.id, row.status
        document = await self._history.store_reads.document(
            (BadgeKind.TTFT, name, window, status), partial(self._stored_ttft, name, window, status)
        )
        return answer(request, document)

    async def status(self, request: web.Request) -> web.StreamResponse:
        """A badge with an endpoint's status."""
        return self._of_row(request, BadgeKind.STATUS, None, lambda row: of_status(row.status))

    def _of_row(
        self, request: web.Request, kind: BadgeKind, window: BadgeWindow | None, badge: Callable[[Row], Badge]
    ) -> web.StreamResponse:
        row = self._row(request)
        key = (row.id, kind, window)
        made = self._made.get(key)
        if made is None or made.row is not row:
            made = self._made[key] = _Made(row=row, document=_image(badge(row)))
        return answer(request, made.document)

    def _row(self, request: web.Request) -> Row:
        name = known_id(self._context, request)
        return self._context.row(name) or self._context.snapshot().rows[name]

    async def _stored_ttft(self, name: str, window: BadgeWindow, status: Status) -> Document:
        wanted = series_query(Metric.TTFT, task=self._history.task(name), window_s=_LENGTHS_S[window], step_s=None)
        (point,) = await read_points(self._history, name, wanted, wanted.whole(self._history.now()))
        median_s = point.get("p50")
        return _image(of_ttft(window, median_s if isinstance(median_s, float) else None, status))


def _image(badge: Badge) -> Document:
    """A badge that pages of any site may embed; all other responses are for the same origin only."""
    document = ready(svg(badge), SVG, cache_control=_KEPT)
    for form in (document.plain, document.gzipped):
        if form is not None:
            form.headers[_SHOWN_BY] = form.unchanged[_SHOWN_BY] = "cross-origin"
    return document


def _recent_ttft(row: Row) -> Badge:
    ttft_s = None if row.endpoint is None else row.endpoint.summaries["ttft_s"].quantiles["p50"]
    return of_ttft(_RECENT, ttft_s, row.status)
