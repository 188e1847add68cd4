"""Answers requests for the pages of models."""

from __future__ import annotations

from aiohttp import web

from monitor.domain.text import age
from monitor.web.context import Context, PagesContext
from monitor.web.pages.links import OVERVIEW
from monitor.web.pages.model.endpoints import ModelEndpoint, endpoints_of_model
from monitor.web.pages.model.providers import TableOptions
from monitor.web.pages.model.query import ModelQuery, ModelQueryError, read_query
from monitor.web.pages.model.reading import ModelHistories, RenderedHistory
from monitor.web.pages.model.view import ACTIVITY, CHARTS, UPTIME, HistoryShown, ModelView, model_view
from monitor.web.pages.page_view import PageMoment
from monitor.web.pages.rendering import PageRenderer, PageSections
from monitor.web.pages.when import when
from monitor.web.route import path_part
from probes._loader import codec
from probes._model import Endpoint, Probe

MODEL = path_part("model", "The model's public name.", slashes=True, example="meta-llama/llama-3.2-1b-instruct")
_BUSY = "The store did not answer in time, so the charts are missing. Load the page again in a moment."


class ModelHandler:
    """The handler, and the histories that it keeps."""

    def __init__(self, context: Context, pages: PagesContext, renderer: PageRenderer) -> None:
        self._pages = pages
        self._renderer = renderer
        self._histories = None if context.history is None else ModelHistories(context.history)

    async def model(self, request: web.Request) -> web.StreamResponse:
        """A model's page."""
        name = MODEL.need(request)
        moment = await self._renderer.moment(request)
        endpoints = endpoints_of_model(moment.snapshot.rows.values(), name)
        if not endpoints:
            raise web.HTTPNotFound(text=f"No model has the name {name!r}.")
        query = _query(request)
        history = await self._history(name, endpoints, query, moment)

        def view() -> ModelView:
            return self._view(name, endpoints, query, moment, history)

        return await self._renderer.show(
            request,
            moment,
            template="model.html",
            current=OVERVIEW,
            question=(name, query, None if history is None else history.read_at),
            view=view,
            sections={} if history is None else _sections(history),
        )

    async def _history(
        self, name: str, endpoints: tuple[ModelEndpoint, ...], query: ModelQuery, moment: PageMoment
    ) -> RenderedHistory | None:
        if self._histories is None:
            return None
        return await self._histories.rendered(name, endpoints, query, is_public=moment.stranger)

    async def close(self) -> None:
        """End the running reads."""
        if self._histories is not None:
            await self._histories.close()

    def _view(
        self,
        name: str,
        endpoints: tuple[ModelEndpoint, ...],
        query: ModelQuery,
        moment: PageMoment,
        history: RenderedHistory | None,
    ) -> ModelView:
        options = TableOptions(
            columns=query.columns,
            chosen=None,
            now=moment.now,
            incidents=self._pages.incidents(),
            is_public=moment.stranger,
        )
        return model_view(
            name, endpoints, query, options=options, history=self._shown(history, moment), codec_of=_codec_of
        )

    def _shown(self, history: RenderedHistory | None, moment: PageMoment) -> HistoryShown:
        if history is None:
            return HistoryShown(missing="This daemon has no store." if self._histories is None else _BUSY)
        read = when(history.read_at, moment.now, f"{age(history.read_at, moment.now)} ago")
        activity = HistoryShown().activity if moment.stranger else ACTIVITY
        return HistoryShown(charts=CHARTS, uptime=UPTIME, activity=activity, read=read)


def _sections(history: RenderedHistory) -> PageSections:
    return {CHARTS: history.charts, UPTIME: history.uptime, ACTIVITY: history.activity}


def _query(request: web.Request) -> ModelQuery:
    many: dict[str, list[str]] = {}
    for key, value in request.query.items():
        many.setdefault(key, []).append(value)
    try:
        return read_query(request.query, many)
    except ModelQueryError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


def _codec_of(endpoint: Endpoint) -> Probe:
    return codec(endpoint.api, endpoint.options)
