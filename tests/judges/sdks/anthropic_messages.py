"""Anthropic's SDK on the Messages API."""

from __future__ import annotations

from typing import Any

from anthropic import Anthropic, omit
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from tests.judges.sdks.answering import Answer, Question, answer, answer_all
from tests.judges.sdks.typed import problems


def ask(question: Question) -> Answer:
    """One streamed message as the SDK puts it together; or what its types say against a request body."""
    if "body" in question:
        return {"problems": problems(question["body"], MessageCreateParamsStreaming)}
    if question["task"] == "reach":
        return {"models": [model.id for model in _client(question).models.list(limit=1000)]}
    with _client(question).messages.stream(**_asked(question)) as stream:
        message: Any = stream.get_final_message()
    return answer(
        text="".join(block.text for block in message.content if block.type == "text"),
        thought="".join(block.thinking for block in message.content if block.type == "thinking"),
        calls=[(block.name, block.input) for block in message.content if block.type == "tool_use"],
        stop=message.stop_reason,
        usage=_usage(message.usage),
    )


def _client(question: Question) -> Anthropic:
    """As Anthropic's customers have it; or with the header and the version of before October 2026."""
    base_url, key = question["base_url"], question["api_key"]
    if question["options"].get("auth") != "x-api-key":
        return Anthropic(base_url=base_url, api_key=key, max_retries=0)
    older = {"x-api-key": key, "anthropic-version": question["options"]["version"], "Authorization": omit}
    return Anthropic(base_url=base_url, api_key=key, max_retries=0, default_headers=older)


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question["model"],
        "messages": [{"role": "user", "content": question["text"]}],
        "max_tokens": question["max_tokens"],
    }
    if question["options"].get("temperature") is not None:  # copies take one, and the SDK no longer knows it
        asked["extra_body"] = {"temperature": question["options"]["temperature"]}
    form = question["form"]
    if question["task"] == "tool_call":
        asked["tools"] = [{"name": form["name"], "description": form["description"], "input_schema": form["schema"]}]
        asked["tool_choice"] = {"type": "tool", "name": form["name"]}
    elif form:
        asked["output_config"] = {"format": {"type": "json_schema", "schema": form["schema"]}}
    return asked


def _usage(usage: Any) -> dict[str, int | None]:
    """Anthropic's input tokens are those that the cache had no part in."""
    cached = usage.cache_read_input_tokens
    details = usage.output_tokens_details
    return {
        "prompt": usage.input_tokens + (usage.cache_creation_input_tokens or 0) + (cached or 0),
        "output": usage.output_tokens,
        "reasoning": details.thinking_tokens if details else None,
        "cached": cached,
    }


if __name__ == "__main__":
    answer_all(ask)
