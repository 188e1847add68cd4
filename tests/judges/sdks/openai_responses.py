"""OpenAI's SDK on the Responses API."""

from __future__ import annotations

from typing import Any

from openai import OpenAI
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from tests.judges.sdks.answering import Answer, Question, answer, answer_all
from tests.judges.sdks.typed import problems

_LAST = ("response.completed", "response.incomplete", "response.failed")


def ask(question: Question) -> Answer:
    """One streamed response, told from its deltas and its last event; or what the types say against a request body."""
    if "body" in question:
        return {"problems": problems(question["body"], ResponseCreateParamsStreaming)}
    client = OpenAI(base_url=question["base_url"], api_key=question["api_key"], max_retries=0)
    if question["task"] == "reach":
        return {"models": [model.id for model in client.models.list()]}
    texts: dict[str, str] = {}
    calls: dict[int, tuple[str | None, str]] = {}
    last: Any = None
    with client.responses.create(**_asked(question)) as stream:
        for event in stream:
            match event.type:
                case "response.output_item.added" if event.item.type == "function_call":
                    calls[event.output_index] = (event.item.name, "")
                case "response.function_call_arguments.done":
                    calls[event.output_index] = (calls[event.output_index][0], event.arguments)
                case kind if kind.endswith(".delta"):
                    texts[kind] = texts.get(kind, "") + str(event.delta)
                case kind if kind in _LAST:
                    last = event.response
    return answer(
        text=texts.get("response.output_text.delta", "") + texts.get("response.refusal.delta", ""),
        thought=texts.get("response.reasoning_summary_text.delta", "") + texts.get("response.reasoning_text.delta", ""),
        calls=list(calls.values()),
        stop=last and (last.incomplete_details.reason if last.incomplete_details else last.status),
        usage=last and _usage(last.usage),
    )


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question["model"],
        "input": question["text"],
        "max_output_tokens": question["max_tokens"],
        "temperature": 0,
        "stream": True,
        "store": False,
    }
    form = question["form"]
    if question["task"] == "tool_call":
        tool = {"name": form["name"], "description": form["description"], "parameters": form["schema"], "strict": True}
        asked["tools"] = [{"type": "function", **tool}]
        asked["tool_choice"] = {"type": "function", "name": form["name"]}
    elif form:
        shape = {"type": "json_schema", "name": form["name"], "schema": form["schema"], "strict": True}
        asked["text"] = {"format": shape}
    return asked


def _usage(usage: Any) -> dict[str, int | None] | None:
    if usage is None:
        return None
    prompt, output = usage.input_tokens_details, usage.output_tokens_details
    return {
        "prompt": usage.input_tokens,
        "output": usage.output_tokens,
        "reasoning": output.reasoning_tokens if output else None,
        "cached": prompt.cached_tokens if prompt else None,
    }


if __name__ == "__main__":
    answer_all(ask)
