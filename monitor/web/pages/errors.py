"""Answers requests that were refused, as pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from monitor import __version__
from monitor.web.auth import STRANGER
from monitor.web.context import Context, PagesContext
from monitor.web.middleware import refuse_as_json
from monitor.web.pages.error_view import Suggestion, error_view, nearest
from monitor.web.pages.page_context import PageContext, navigation
from monitor.web.pages.rendering import page_document, rendered


class PageErrors:
    """Errors in the hand of the pages; as JSON while the configuration has no pages."""

    def __init__(self, context: Context, pages: PagesContext) -> None:
        self._context = context
        self._pages = pages

    async def refuse(
        self, request: web.Request, status: HTTPStatus, message: str, headers: Mapping[str, str]
    ) -> web.Response:
        """The answer to a refused request."""
        if not self._pages.is_on():
            return await refuse_as_json(request, status, message, headers)
        names = self._nearest(request) if status is HTTPStatus.NOT_FOUND else ()
        html = await asyncio.to_thread(_page, status, message, names, request.get(STRANGER, True))
        form = page_document(html).plain
        response = web.Response(status=status, body=form.body, headers=form.headers)
        response.headers.update({**headers, "Cache-Control": "no-store"})
        del response.headers["ETag"]
        return response

    def _nearest(self, request: web.Request) -> Sequence[Suggestion]:
        rows = self._context.snapshot().rows
        return nearest(request.path, dict.fromkeys(row.model for row in rows.values()), rows)


def _page(status: HTTPStatus, message: str, names: Sequence[Suggestion], stranger: bool) -> str:
    view = error_view(status, message, names)
    # Who has no token gets nothing of the monitor here: no vantage, no age.
    page = PageContext(title=view.title, version=__version__, navigation=navigation("", stranger=stranger))
    return rendered("error.html", page=page, view=view)
