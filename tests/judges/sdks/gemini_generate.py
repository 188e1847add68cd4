"""Google's Gen AI SDK on the Gemini API."""

from __future__ import annotations

from typing import Any

from google import genai
from google.genai import types

from tests.judges.sdks.answering import Answer, Question, answer, answer_all


def ask(question: Question) -> Answer:
    """One streamed answer; parts put together as they come."""
    client = _client(question)  # which closes its connections when it is garbage-collected
    if question["task"] == "reach":
        found = client.models.list(config={"page_size": 1000, "query_base": True})
        return {"models": [model.name.removeprefix("models/") for model in found]}
    text, thought, calls, stop, usage = "", "", [], None, None
    for chunk in client.models.generate_content_stream(**_asked(question)):
        usage = chunk.usage_metadata or usage
        for candidate in chunk.candidates or ():
            stop = candidate.finish_reason.value if candidate.finish_reason else stop
            for part in (candidate.content.parts if candidate.content else None) or ():
                if part.function_call:
                    calls.append((part.function_call.name, part.function_call.args or {}))
                elif part.thought:
                    thought += part.text or ""
                else:
                    text += part.text or ""
    return answer(text=text, thought=thought, calls=calls, stop=stop, usage=_usage(usage))


def _client(question: Question) -> Any:
    options = types.HttpOptions(base_url=question["base_url"], api_version="v1beta")
    return genai.Client(api_key=question["api_key"], http_options=options)


def _asked(question: Question) -> dict[str, Any]:
    config: dict[str, Any] = {"max_output_tokens": question["max_tokens"], "temperature": 0}
    form = question["form"]
    if question["task"] == "tool_call":
        function = types.FunctionDeclaration(
            name=form["name"], description=form["description"], parameters_json_schema=form["schema"]
        )
        config["tools"] = [types.Tool(function_declarations=[function])]
        calling = types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[form["name"]]
        )
        config["tool_config"] = types.ToolConfig(function_calling_config=calling)
        config["automatic_function_calling"] = types.AutomaticFunctionCallingConfig(disable=True)
    elif form:
        config |= {"response_mime_type": "application/json", "response_json_schema": form["schema"]}
    return {
        "model": question["model"],
        "contents": question["text"],
        "config": types.GenerateContentConfig(**config),
    }


def _usage(usage: Any) -> dict[str, int | None] | None:
    """Google counts thoughts beside the answer."""
    if usage is None:
        return None
    answered, thoughts = usage.candidates_token_count, usage.thoughts_token_count
    return {
        "prompt": usage.prompt_token_count,
        "output": None if answered is None and thoughts is None else (answered or 0) + (thoughts or 0),
        "reasoning": thoughts,
        "cached": usage.cached_content_token_count,
    }


if __name__ == "__main__":
    answer_all(ask)
