"""The routes of the pages and of their static files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from monitor.web.context import Context, PagesContext
from monitor.web.pages.assets import assets
from monitor.web.pages.errors import PageErrors
from monitor.web.pages.model.handler import MODEL, ModelHandler
from monitor.web.pages.overview_handler import OverviewHandler
from monitor.web.pages.rendering import HTML, PageRenderer
from monitor.web.responses import Document, answer, ready
from monitor.web.route import Answer, Route, path_part

_FILE = path_part("file", "The name with its fingerprint.", example="style.0123456789abcdef.css")
_FOREVER = "public, max-age=31536000, immutable"


def routes(context: Context) -> Sequence[Route]:
    """The routes of the pages; none without what they show."""
    if context.pages is None:
        return ()
    refuser = PageErrors(context, context.pages).refuse
    renderer = PageRenderer(context, context.pages)
    overview = OverviewHandler(context, context.pages, renderer)
    models = ModelHandler(context, context.pages, renderer)
    page = [Answer(about="The page.", content_type=HTML)]
    return (
        Route(path="/", handler=overview.overview, answers=page, page=refuser, close=overview.close),
        Route(
            path="/models/{model}",
            handler=models.model,
            parameters=[MODEL],
            answers=page,
            page=refuser,
            close=models.close,
        ),
        Route(
            path="/static/{file}",
            handler=_StaticFiles(context.pages).file,
            parameters=[_FILE],
            answers=[Answer(about="The file.", content_type=None)],
            open=True,
            page=refuser,
            close=renderer.close,  # of all pages: it has to stand at one of them
        ),
    )


class _StaticFiles:
    """Sheet and script. They need no token: they are the same for everyone, and the page of a 401 needs them."""

    def __init__(self, pages: PagesContext) -> None:
        self._pages = pages

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A static file."""
        files = await asyncio.to_thread(_documents)
        document = files.get(_FILE.need(request)) if self._pages.is_on() else None
        if document is None:
            raise web.HTTPNotFound(text="no such file; reload the page that needs it")
        return answer(request, document)


@lru_cache(maxsize=1)
def _documents() -> dict[str, Document]:
    """By file name."""
    return {asset.file: ready(asset.body, asset.content_type, cache_control=_FOREVER) for asset in assets().values()}
