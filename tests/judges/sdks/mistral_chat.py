"""Mistral's SDK on its chat completions."""

from __future__ import annotations

import json
from typing import Any

from mistralai.client import Mistral
from mistralai.client.models import ThinkChunk
from mistralai.client.types import UNSET

from tests.judges.sdks.answering import Answer, Question, answer, answer_all


def ask(question: Question) -> Answer:
    """One streamed completion; deltas put together as they come."""
    if question["task"] == "reach":
        with Mistral(server_url=question["base_url"], api_key=question["api_key"]) as client:
            return {"models": [name for model in client.models.list().data for name in (model.id, *model.aliases)]}
    text, thought, stop, usage = "", "", None, None
    calls: dict[int, list[str]] = {}
    with Mistral(server_url=question["base_url"], api_key=question["api_key"]) as client:
        for event in client.chat.stream(**_asked(question)):
            usage = event.data.usage or usage
            for choice in event.data.choices:
                stop = choice.finish_reason or stop
                more_text, more_thought = _read(choice.delta.content)
                text, thought = text + more_text, thought + more_thought
                for call in _given(choice.delta.tool_calls) or ():
                    so_far = calls.setdefault(call.index or 0, ["", ""])
                    so_far[0] += call.function.name
                    so_far[1] += _text_of(call.function.arguments)
    return answer(
        text=text,
        thought=thought,
        calls=[(name, arguments) for name, arguments in calls.values()],
        stop=stop,
        usage=_usage(usage),
    )


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question["model"],
        "messages": [{"role": "user", "content": question["text"]}],
        "max_tokens": question["max_tokens"],
        "temperature": 0,
    }
    form = question["form"]
    if question["task"] == "tool_call":
        function = {"name": form["name"], "description": form["description"], "parameters": form["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
        asked["tool_choice"] = "any"
    elif form:
        schema = {"name": form["name"], "schema": form["schema"], "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    return asked


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _read(content: Any) -> tuple[str, str]:
    """Text and thought of a delta: a string, or a list of parts."""
    content = _given(content) or ""
    if isinstance(content, str):
        return content, ""
    pieces = [piece for part in content if isinstance(part, ThinkChunk) for piece in part.thinking]
    thought = "".join(getattr(piece, "text", "") for piece in pieces)
    return "".join(getattr(part, "text", "") for part in content), thought


def _text_of(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _usage(usage: Any) -> dict[str, int | None] | None:
    if usage is None:
        return None
    details = getattr(usage, "prompt_tokens_details", None) or {}
    cached = details.get("cached_tokens") if isinstance(details, dict) else getattr(details, "cached_tokens", None)
    return {
        "prompt": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "reasoning": None,
        "cached": cached,
    }


if __name__ == "__main__":
    answer_all(ask)
