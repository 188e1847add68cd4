"""`/`: the overview."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from monitor.web.context import Context, PagesContext
from monitor.web.pages.hours_reader import HoursReader
from monitor.web.pages.links import OVERVIEW
from monitor.web.pages.overview import OverviewData, overview
from monitor.web.pages.overview_query import OverviewQuery, overview_query
from monitor.web.pages.rendering import PageRenderer


class OverviewHandler:
    """Collects what the overview shows."""

    def __init__(self, context: Context, pages: PagesContext, renderer: PageRenderer) -> None:
        self._pages = pages
        self._renderer = renderer
        self._hours = None if context.history is None else HoursReader(context.history)

    async def overview(self, request: web.Request) -> web.StreamResponse:
        """Every endpoint at a glance."""
        moment, query = await self._renderer.moment(request), _query(request)
        read = None if self._hours is None else await self._hours.newest()
        data = OverviewData(
            jobs=self._pages.jobs(),
            incidents=self._pages.incidents(),
            spending=self._pages.spending(),
            hours=None if read is None else read.counts,
        )
        return await self._renderer.show(
            request,
            moment,
            template="overview.html",
            current=OVERVIEW,
            question=query,
            view=partial(overview, moment, data, query),
        )

    async def close(self) -> None:
        """Cancel a running read."""
        if self._hours is not None:
            await self._hours.close()


def _query(request: web.Request) -> OverviewQuery:
    try:
        return overview_query(request.query)
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
