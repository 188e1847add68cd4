"""Ollama's SDK on its own chat API."""

from __future__ import annotations

from typing import Any

from ollama import Client

from tests.judges.sdks.answering import Answer, Question, answer, answer_all


def ask(question: Question) -> Answer:
    """One streamed message; parts put together as they come."""
    text, thought, stop, usage = "", "", None, None
    calls = []
    headers = {"Authorization": f"Bearer {question['api_key']}"}
    with Client(host=question["base_url"], headers=headers) as client:
        if question["task"] == "reach":
            return {"models": [model.model for model in client.list().models]}
        for part in client.chat(**_asked(question)):
            text, thought = text + (part.message.content or ""), thought + (part.message.thinking or "")
            calls += [(call.function.name, dict(call.function.arguments)) for call in part.message.tool_calls or ()]
            if part.done:
                stop = part.done_reason
                usage = {"prompt": part.prompt_eval_count, "output": part.eval_count, "reasoning": None, "cached": None}
    return answer(text=text, thought=thought, calls=calls, stop=stop, usage=usage)


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question["model"],
        "messages": [{"role": "user", "content": question["text"]}],
        "options": {"num_predict": question["max_tokens"], "temperature": 0},
        "stream": True,
    }
    form = question["form"]
    if question["task"] == "tool_call":
        function = {"name": form["name"], "description": form["description"], "parameters": form["schema"]}
        asked["tools"] = [{"type": "function", "function": function}]
    elif form:
        asked["format"] = form["schema"]
    return asked


if __name__ == "__main__":
    answer_all(ask)
