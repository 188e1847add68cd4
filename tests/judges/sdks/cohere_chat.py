"""Cohere's SDK on version 2 of its Chat API."""

from __future__ import annotations

from typing import Any

from cohere import ClientV2
from cohere.core.request_options import RequestOptions

from tests.judges.sdks.answering import Answer, Question, answer, answer_all


def ask(question: Question) -> Answer:
    """One streamed message; deltas put together as they come. What the model plans counts as thought."""
    client = ClientV2(base_url=question["base_url"], api_key=question["api_key"])
    if question["task"] == "reach":
        return {"models": [model.name for model in client.models.list(page_size=1000).models]}
    text, thought, stop, usage, error = "", "", None, None, None
    calls: dict[int, list[str]] = {}
    for event in client.chat_stream(**_asked(question), request_options=RequestOptions(max_retries=0)):
        delta: Any = getattr(event, "delta", None)
        match event.type:
            case "content-start" | "content-delta":
                content = delta.message.content
                text, thought = text + (content.text or ""), thought + (content.thinking or "")
            case "tool-plan-delta":
                thought += delta.message.tool_plan or ""
            case "tool-call-start":
                function = delta.message.tool_calls.function
                calls[event.index] = [function.name, function.arguments or ""]
            case "tool-call-delta":
                calls[event.index][1] += delta.message.tool_calls.function.arguments or ""
            case "message-end":
                stop, usage, error = delta.finish_reason, delta.usage, delta.error
    return answer(
        text=text,
        thought=thought,
        calls=[(name, arguments) for name, arguments in calls.values()],
        stop=stop,
        usage=_usage(usage),
        error=error,
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
        asked |= {"tool_choice": "REQUIRED", "strict_tools": True}
    elif form:
        asked["response_format"] = {"type": "json_object", "json_schema": form["schema"]}
    return asked


def _usage(usage: Any) -> dict[str, int | None] | None:
    tokens = usage and (usage.tokens or usage.billed_units)
    if not tokens:
        return None
    counts = {"prompt": tokens.input_tokens, "output": tokens.output_tokens, "cached": usage.cached_tokens}
    return {"reasoning": None, **{name: None if count is None else int(count) for name, count in counts.items()}}


if __name__ == "__main__":
    answer_all(ask)
