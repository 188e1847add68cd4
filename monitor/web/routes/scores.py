"""`/v1/scores`: the scores document, complete or filtered, and its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aiohttp import web

from monitor.domain.status import Status
from monitor.scoreboard.schema import EndpointScore, ScoresDocument, scores_schema
from monitor.scoreboard.snapshot import RowFilter
from monitor.web.context import Context
from monitor.web.endpoint_id import ID, known_row
from monitor.web.made_once import MadeOnce
from monitor.web.response_cache import ResponseCache
from monitor.web.responses import answer, ready
from monitor.web.route import UNCHANGED, UNKNOWN_ID, Answer, Route, choice, number, text

MODEL = text("model", "Only endpoints of this model, `author/slug`.", example="meta-llama/llama-3.1-8b-instruct")
PROVIDER = text("provider", "Only endpoints of this provider.", example="groq")
STATUS = choice("status", "Only endpoints with this status.", Status, example="up")
MIN_SCORE = number(
    "min_score",
    "Only endpoints with at least this score; endpoints without a score pass.",
    low=0,
    high=1,
    example="0.9",
)
SCHEMA_JSON = "application/schema+json"


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""
    handlers = _ScoresHandlers(context)
    return (
        Route(
            path="/v1/scores",
            handler=handlers.scores,
            parameters=[MODEL, PROVIDER, STATUS, MIN_SCORE],
            answers=[Answer(about="The scores document.", json_type=ScoresDocument), UNCHANGED],
        ),
        Route(
            path="/v1/scores/{id}",
            handler=handlers.score,
            parameters=[ID],
            answers=[Answer(about="The endpoint's row.", json_type=EndpointScore), UNCHANGED, UNKNOWN_ID],
        ),
        Route(
            path="/v1/scores.schema.json",
            handler=handlers.schema,
            answers=[Answer(about="The JSON Schema of the scores document.", content_type=SCHEMA_JSON)],
        ),
    )


class _ScoresHandlers:
    """The handlers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cache = ResponseCache()
        self._schema = MadeOnce(lambda: ready(json.dumps(scores_schema(), separators=(",", ":")).encode(), SCHEMA_JSON))

    async def scores(self, request: web.Request) -> web.StreamResponse:
        """The scores document, complete or filtered."""
        snapshot = await self._context.newest()
        if "?" not in request.raw_path:
            return answer(request, self._cache.whole(snapshot))
        wanted = RowFilter(
            model=MODEL.read(request),
            provider=PROVIDER.read(request),
            status=STATUS.read(request),
            min_score=MIN_SCORE.read(request),
        )
        return answer(request, self._cache.selected(snapshot, wanted))

    async def score(self, request: web.Request) -> web.StreamResponse:
        """One endpoint's row of the scores document."""
        return answer(request, self._cache.row(known_row(self._context, request)))

    async def schema(self, request: web.Request) -> web.StreamResponse:
        """The JSON Schema of the scores document."""
        return answer(request, await self._schema.document())
