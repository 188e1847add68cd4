"""A provider with right answers to every task, in three wire APIs: OpenAI's chat and embeddings, and Ollama's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ARGUMENTS = '{"first": 1, "second": 2, "third": 3}'
SIZE = 1536
GAP_S = 0.03
"""Between two pieces of a stream, so that a busy machine reads them apart."""


@asynccontextmanager
async def serving_all_tasks() -> AsyncIterator[str]:
    """Serve until left; the address, without a path."""
    application = web.Application()
    application.router.add_get("/v1/models", _models)
    application.router.add_post("/v1/chat/completions", _chat)
    application.router.add_post("/v1/embeddings", _embeddings)
    application.router.add_post("/api/chat", _ollama)
    application.router.add_post("/poor/chat/completions", _unpaid)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "tiny", "object": "model"}]})


async def _unpaid(_: web.Request) -> web.Response:
    return web.json_response({"error": {"message": "no credit left"}}, status=402)


async def _embeddings(_: web.Request) -> web.Response:
    vector = {"object": "embedding", "index": 0, "embedding": [0.25] * SIZE}
    return web.json_response({"object": "list", "data": [vector], "usage": {"prompt_tokens": 99, "total_tokens": 99}})


async def _chat(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if "tools" in asked:
        name = asked["tools"][0]["function"]["name"]
        halves = (ARGUMENTS[:9], ARGUMENTS[9:])
        deltas += [
            {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": ""}}]},
            *({"tool_calls": [{"index": 0, "function": {"arguments": half}}]} for half in halves),
        ]
    else:
        words = (ARGUMENTS[:9], ARGUMENTS[9:]) if "response_format" in asked else ("1, 2", ", 3")
        deltas += [{"content": word} for word in words]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if "tools" in asked else "stop"})
    lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
    return await _streamed(request, "text/event-stream", [*lines, "data: [DONE]\n\n"])


async def _ollama(request: web.Request) -> web.StreamResponse:
    words = [{"message": {"role": "assistant", "content": word}, "done": False} for word in ("1, 2", ", 3")]
    end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    counts = {"prompt_eval_count": 40, "eval_count": 7, "total_duration": 5_000_000}
    lines = [json.dumps({"model": "tiny", **part}) + "\n" for part in (*words, {**end, **counts})]
    return await _streamed(request, "application/x-ndjson", lines)


async def _streamed(request: web.Request, kind: str, pieces: list[str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece.encode())
        await asyncio.sleep(GAP_S)
    await response.write_eof()
    return response
