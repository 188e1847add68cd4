"""Renders pages in threads, one at a time, and keeps each for a moment."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from aiohttp import hdrs, web

from monitor import __version__
from monitor.scoreboard.compression import PackedSection, digest, joined_gzip
from monitor.web.auth import STRANGER
from monitor.web.context import Context, PagesContext
from monitor.web.pages.page_context import page_context
from monitor.web.pages.page_view import PageMoment, PageView
from monitor.web.responses import Document, answer, ready, with_gzip

HTML: Final = "text/html; charset=utf-8"
_CSP: Final = "Content-Security-Policy"
_PAGE_HEADERS: Final[Mapping[str, str]] = {
    _CSP: "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    hdrs.VARY: "Accept-Encoding, Authorization",
}
_CACHE_CONTROL: Final = "private, no-cache"
PageSections: TypeAlias = Mapping[str, PackedSection]
"""Ready parts of a page by their marks. A mark is a comment: no text in a template can be one, since it is escaped."""
NO_SECTIONS: Final[PageSections] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """How long rendered pages are kept, and how many."""

    least_s: float = 1.0
    """A page that is younger is not rendered again even if there is a newer snapshot."""
    most_s: float = 5.0
    """A page that is older is not served: it says how old its figures are."""
    bytes: int = 16 << 20
    waiting: int = 32
    """Most requests that wait for a page; further ones get a 503."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RenderedPage:
    document: Document
    basis: Hashable
    at_s: float


class PageCache:
    """Rendered pages. One is rendered at a time, so that pages take at most one thread's share of the interpreter.

    Where a kept page may still be served, no request waits for its successor.
    """

    def __init__(self, limits: PageLimits = PageLimits(), clock_s: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock_s = clock_s
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._kept: OrderedDict[Hashable, _RenderedPage] = OrderedDict()
        self._successors: dict[Hashable, asyncio.Task[Document]] = {}

    async def document(self, question: Hashable, basis: Hashable, render: Callable[[], Document]) -> Document:
        """The page that answers a question: a kept one, or a new one by `render`, which runs in a thread.

        `basis`: what the page is made of; another one makes a kept page old. Raises HTTPServiceUnavailable.
        """
        kept = self._servable(question)
        if kept is None:
            return await self._waited_for(question, basis, render)
        is_old = kept.basis != basis and self._clock_s() - kept.at_s >= self._limits.least_s
        if is_old and question not in self._successors and len(self._successors) < self._limits.waiting:
            task = asyncio.create_task(self._made(question, basis, render), name="successor of a page")
            self._successors[question] = task
            task.add_done_callback(partial(self._succeeded, question))
        return kept.document

    async def close(self) -> None:
        """Cancel what is rendered for later."""
        tasks = list(self._successors.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _succeeded(self, question: Hashable, task: asyncio.Task[Document]) -> None:
        del self._successors[question]
        if not task.cancelled():
            task.exception()  # a request after `most_s` renders again, and gets and logs it

    async def _waited_for(self, question: Hashable, basis: Hashable, render: Callable[[], Document]) -> Document:
        if self._waiting >= self._limits.waiting:
            raise web.HTTPServiceUnavailable(
                text="Too many pages are waiting to be rendered; try again.", headers={hdrs.RETRY_AFTER: "2"}
            )
        self._waiting += 1
        try:
            return await self._made(question, basis, render)
        finally:
            self._waiting -= 1

    async def _made(self, question: Hashable, basis: Hashable, render: Callable[[], Document]) -> Document:
        async with self._turn:
            kept = self._servable(question)
            if kept is not None and (kept.basis == basis or self._clock_s() - kept.at_s < self._limits.least_s):
                return kept.document  # another request has had it rendered meanwhile
            document = await asyncio.to_thread(render)
            self._keep(question, _RenderedPage(document=document, basis=basis, at_s=self._clock_s()))
            return document

    def _servable(self, question: Hashable) -> _RenderedPage | None:
        kept = self._kept.get(question)
        return kept if kept is not None and self._clock_s() - kept.at_s < self._limits.most_s else None

    def _keep(self, question: Hashable, page: _RenderedPage) -> None:
        self._kept[question] = page
        self._kept.move_to_end(question)
        while (
            len(self._kept) > 1 and sum(kept.document.size_bytes for kept in self._kept.values()) > self._limits.bytes
        ):
            self._kept.popitem(last=False)


class PageRenderer:
    """Answers requests for pages."""

    def __init__(self, context: Context, pages: PagesContext, limits: PageLimits = PageLimits()) -> None:
        self._context = context
        self._pages = pages
        self._cache = PageCache(limits)

    async def close(self) -> None:
        """Cancel what is rendered for later."""
        await self._cache.close()

    async def moment(self, request: web.Request) -> PageMoment:
        """What is known now. Raises HTTPNotFound if the configuration has no pages."""
        if not self._pages.is_on():
            raise web.HTTPNotFound(text="no such path; /openapi.json lists all paths")
        return PageMoment(
            snapshot=await self._context.newest(),
            now=self._pages.now(),
            monitor=self._pages.monitor(),
            stranger=request.get(STRANGER, True),
        )

    async def show(
        self,
        request: web.Request,
        moment: PageMoment,
        *,
        template: str,
        current: str,
        question: Hashable,
        view: Callable[[], PageView],
        sections: PageSections = NO_SECTIONS,
    ) -> web.StreamResponse:
        """The answer to a request for a page.

        `current`: the entry of the navigation that it belongs to. `question`: what distinguishes this page from others
        of the template. `view`: makes the view model, in a thread. `sections`: ready parts.
        """

        def render() -> Document:
            made = view()
            html = rendered(template, page=_context_of(made.title, current, moment), view=made)
            return page_document(html, sections)

        key = (template, question, moment.stranger)
        document = await self._cache.document(key, (moment.snapshot.etag, moment.monitor), render)
        return answer(request, document)


def _context_of(title: str, current: str, moment: PageMoment) -> object:
    snapshots = (row.endpoint for row in moment.snapshot.rows.values())
    return page_context(
        title=title,
        version=__version__,
        current=current,
        vantage=moment.snapshot.vantage,
        now=moment.now,
        measured=(None if snapshot is None else snapshot.measured_at for snapshot in snapshots),
        monitor=moment.monitor,
        stranger=moment.stranger,
    )


def rendered(template: str, **values: object) -> str:
    """A template with these values. Runs in a thread: it takes milliseconds, and the first time Jinja is imported."""
    from monitor.web.pages.environment import environment  # noqa: PLC0415 - nothing else needs Jinja

    return environment().get_template(template).render(**values)


def page_document(html: str, sections: PageSections = NO_SECTIONS) -> Document:
    """A page as it is sent, with the sections in the places of their marks."""
    pieces = re.split(f"({'|'.join(map(re.escape, sections))})", html) if sections else [html]
    if len(pieces) > 1:
        body, gzip = joined_gzip(sections.get(piece) or piece.encode(errors="replace") for piece in pieces)
        document = with_gzip(body, gzip, HTML, etag=digest(body), cache_control=_CACHE_CONTROL)
    else:
        document = ready(html.encode(errors="replace"), HTML, cache_control=_CACHE_CONTROL)
    for form in (document.plain, document.gzipped):
        if form is not None:
            form.headers.update(_PAGE_HEADERS)
            form.unchanged.update(_PAGE_HEADERS)
    return document
