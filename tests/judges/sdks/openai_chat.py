"""OpenAI's SDK on Chat Completions; Azure's client too, and vLLM's and DeepSeek's reasoning as extra fields."""

from __future__ import annotations

from typing import Any

from openai import AzureOpenAI, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from tests.judges.sdks.answering import Answer, Question, answer, answer_all
from tests.judges.sdks.typed import problems


def ask(question: Question) -> Answer:
    """One streamed completion, or what the SDK's types say against a request body."""
    if "body" in question:
        return {"problems": problems(question["body"], CompletionCreateParamsStreaming)}
    if question["task"] == "reach":
        return {"models": [model.id for model in _client(question).models.list()]}
    state: Any = ChatCompletionStreamState()
    with _client(question).chat.completions.create(**_asked(question)) as stream:
        for chunk in stream:
            state.handle_chunk(chunk)
    completion = state.current_completion_snapshot  # the final one is not given out when the token limit ended it
    choice = completion.choices[0]
    message = choice.message
    return answer(
        text=(message.content or "") + (message.refusal or ""),
        thought=getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or "",
        calls=[(call.function.name, call.function.arguments) for call in message.tool_calls or ()],
        stop=choice.finish_reason,
        usage=_usage(completion.usage),
    )


def _client(question: Question) -> OpenAI:
    """OpenAI's; at Azure its client for dated versions, or the plain one for `/openai/v1`."""
    base_url, key = question["base_url"], question["api_key"]
    if question["api"] != "azure_openai":
        return OpenAI(base_url=base_url, api_key=key, max_retries=0)
    version = question["options"].get("api_version")
    if version is None:
        return OpenAI(base_url=f"{base_url}/openai/v1", api_key=key, max_retries=0)
    return AzureOpenAI(azure_endpoint=base_url, api_key=key, api_version=version, max_retries=0)


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question["model"],
        "messages": [{"role": "user", "content": question["text"]}],
        "max_tokens": question["max_tokens"],
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    form = question["form"]
    if question["task"] == "tool_call":
        function = {"name": form["name"], "description": form["description"], "parameters": form["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
        asked["tool_choice"] = {"type": "function", "function": {"name": form["name"]}}
    elif form:
        schema = {"name": form["name"], "schema": form["schema"], "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    return asked


def _usage(usage: Any) -> dict[str, int | None] | None:
    if usage is None:
        return None
    prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
    return {
        "prompt": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "reasoning": output.reasoning_tokens if output else None,
        "cached": prompt.cached_tokens if prompt else None,
    }


if __name__ == "__main__":
    answer_all(ask)
