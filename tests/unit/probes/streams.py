"""Example streams of OpenAI's chat API, and their samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from probes._model import Run, Sample
from probes._sample import sample
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import exchange_of, run_to

CODEC = OpenAIChat()
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
ONE = b'data: {"choices":[{"index":0,"delta":{"content":"1, 2"}}]}\n\n'
TWO = b'data: {"choices":[{"index":0,"delta":{"content":", 3"}}]}\n\n'
WRONG = b'data: {"choices":[{"index":0,"delta":{"content":"Paris, of course. Shall I tell you more about it?"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LENGTH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":8}}\n\n'
DONE = b"data: [DONE]\n\n"
GOOD = [(0.1, ROLE), (0.2, ONE), (0.3, TWO), (0.4, STOP), (0.5, USAGE), (0.6, DONE)]


def taken(pieces: Iterable[tuple[float, bytes]] = (), *, run: Run | None = None, **fields: Any) -> Sample:
    """The sample of an answer whose pieces came so many seconds after the request; `fields` of its exchange."""
    return sample(run or run_to(), CODEC, exchange_of(pieces, **fields))
