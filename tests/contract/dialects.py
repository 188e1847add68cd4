"""Small example answers of every wire API that streams text: the same answer in the form of each API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from probes._loader import codec, codec_class
from probes._model import Framing, Sample, Task
from probes._sample import sample
from tests.contract.aws import aws_event
from tests.contract.exchanges import cut, exchange_of, run_to

Message = tuple[str | None, Mapping[str, object] | bytes]
"""An event's name, where the framing has one, and its JSON."""
RIGHT = ("1, 2", ", 3")
"""The pieces of a right answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The form of one API for the common answer."""

    piece: Callable[[object], Message]
    """A piece of the answer, whatever stands in its place."""
    end: Callable[[object, object], list[Message]]
    """The end, by its reason and with its usage."""
    stop: str
    """The reason of a good end."""
    usage: Mapping[str, object]
    """Of 12 tokens asked and 7 answered."""
    proof: list[Message]
    """What comes after the reason and proves the end too."""


def _chat_piece(text: object) -> Message:
    return None, {"choices": [{"index": 0, "delta": {"content": text}}]}


def _chat_end(reason: object, usage: object) -> list[Message]:
    return [
        (None, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
        (None, {"choices": [], "usage": usage}),
    ]


def _responses_end(reason: object, usage: object) -> list[Message]:
    if reason == "completed":
        return [(None, {"type": "response.completed", "response": {"usage": usage}})]
    details = {"reason": reason}
    return [(None, {"type": "response.incomplete", "response": {"incomplete_details": details, "usage": usage}})]


def _anthropic_piece(text: object) -> Message:
    return "content_block_delta", {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}


def _anthropic_end(reason: object, usage: object) -> list[Message]:
    start = {"type": "message_start", "message": {"usage": usage}}
    return [
        ("message_start", start),
        ("message_delta", {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}),
    ]


def _gemini_piece(text: object) -> Message:
    return None, {"candidates": [{"content": {"parts": [{"text": text}]}}]}


def _gemini_end(reason: object, usage: object) -> list[Message]:
    return [(None, {"candidates": [{"finishReason": reason}], "usageMetadata": usage})]


def _bedrock_end(reason: object, usage: object) -> list[Message]:
    return [("messageStop", {"stopReason": reason}), ("metadata", {"usage": usage})]


def _cohere_piece(text: object) -> Message:
    return "content-delta", {"type": "content-delta", "delta": {"message": {"content": {"text": text}}}}


def _cohere_end(reason: object, usage: object) -> list[Message]:
    return [("message-end", {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})]


def _ollama_end(reason: object, usage: object) -> list[Message]:
    counts = usage if isinstance(usage, dict) else {"eval_count": usage, "prompt_eval_count": usage}
    return [(None, {"message": {"content": ""}, "done": True, "done_reason": reason, **counts})]


_CHAT = Dialect(
    piece=_chat_piece,
    end=_chat_end,
    stop="stop",
    usage={"prompt_tokens": 12, "completion_tokens": 7},
    proof=[(None, b"[DONE]")],
)
DIALECTS: Mapping[str, Dialect] = {
    "openai_chat": _CHAT,
    "azure_openai": _CHAT,
    "mistral_chat": _CHAT,
    "openai_responses": Dialect(
        piece=lambda text: (None, {"type": "response.output_text.delta", "delta": text}),
        end=_responses_end,
        stop="completed",
        usage={"input_tokens": 12, "output_tokens": 7},
        proof=[],
    ),
    "anthropic_messages": Dialect(
        piece=_anthropic_piece,
        end=_anthropic_end,
        stop="end_turn",
        usage={"input_tokens": 12, "output_tokens": 7},
        proof=[("message_stop", {"type": "message_stop"})],
    ),
    "gemini_generate": Dialect(
        piece=_gemini_piece,
        end=_gemini_end,
        stop="STOP",
        usage={"promptTokenCount": 12, "candidatesTokenCount": 7},
        proof=[],
    ),
    "bedrock_converse": Dialect(
        piece=lambda text: ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}),
        end=_bedrock_end,
        stop="end_turn",
        usage={"inputTokens": 12, "outputTokens": 7},
        proof=[],
    ),
    "cohere_chat": Dialect(
        piece=_cohere_piece,
        end=_cohere_end,
        stop="COMPLETE",
        usage={"tokens": {"input_tokens": 12, "output_tokens": 7}},
        proof=[],
    ),
    "ollama_chat": Dialect(
        piece=lambda text: (None, {"message": {"content": text}, "done": False}),
        end=_ollama_end,
        stop="stop",
        usage={"prompt_eval_count": 12, "eval_count": 7},
        proof=[],
    ),
}
EMBEDDING: Mapping[str, object] = {"data": [{"embedding": [1, 2, 3, 4]}], "usage": {"prompt_tokens": 12}}
"""The whole of an answer to `embedding`."""


def messages(
    api: str, *, pieces: Iterable[object] = RIGHT, reason: object = None, usage: object = None, proof: bool = True
) -> list[Message]:
    """A whole answer, by default with a normal finish reason and usage."""
    dialect = DIALECTS[api]
    told = dialect.usage if usage is None else usage
    end = dialect.end(dialect.stop if reason is None else reason, told)
    return [*map(dialect.piece, pieces), *end, *(dialect.proof if proof else [])]


def beginning(api: str) -> list[Message]:
    """An answer without its end."""
    return [DIALECTS[api].piece(piece) for piece in RIGHT]


def stream(api: str, told: Iterable[Message]) -> bytes:
    """Messages as the API frames them."""
    return b"".join(framed(api, message) for message in told)


def framed(api: str, message: Message) -> bytes:
    """One message as the API frames it."""
    name, content = message
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    match codec_class(api).framing:
        case Framing.SSE:
            return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"
        case Framing.JSON_LINES:
            return data + b"\n"
        case Framing.AWS_EVENT_STREAM:
            return aws_event(name or "unknown", data)
        case Framing.WHOLE:
            return data


def with_field(told: Iterable[Message], name: str, value: object) -> list[Message]:
    """Messages with one more field at the top of each."""
    return [(event, {**content, name: value} if not isinstance(content, bytes) else content) for event, content in told]


def judged(api: str, body: bytes, task: Task | None = None, **fields: Any) -> Sample:
    """The sample of an answer, the same however its bytes were cut."""
    run = run_to(api, task=task or min(codec_class(api).tasks - {Task.REACH}))
    asker, sizes = codec(api, {}), (7, 10_000)
    taken = [sample(run, asker, exchange_of(cut(body, size), **fields)) for size in sizes]
    assert len({(one.error, one.detail, one.answer_ok, one.prompt_tokens, one.output_tokens) for one in taken}) == 1
    return taken[0]
