"""How an SDK's script is asked and answers: a JSON line in, a JSON line out, until stdin ends.

    python -m tests.judges.sdks.openai_chat

runs with the judges' interpreter, without Providerwatch. An answer contains the data of the SDK's own objects
(text, thought, calls, stop, usage, vector), or the exception that the SDK raised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Question: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]


def answer_all(ask: Callable[[Question], Answer]) -> None:
    """Answer line by line what `ask` makes of each question."""
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = ask(question)
        except Exception as error:  # noqa: BLE001  # what an SDK raises is what is wanted of it
            answer = {"raised": _raised(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def answer(  # what an SDK does not tell stays out
    *,
    text: str = "",
    thought: str = "",
    calls: list[tuple[str | None, Any]] | None = None,
    stop: str | None = None,
    usage: Mapping[str, int | None] | None = None,
    **more: Any,
) -> Answer:
    """An SDK's reading; `calls` are names and arguments, as JSON text or as its value."""
    told = [
        {"name": name, "arguments": json.loads(given or "null") if isinstance(given, str) else given}
        for name, given in calls or ()
    ]
    return {"text": text, "thought": thought, "calls": told, "stop": stop, "usage": usage, **more}


def _raised(error: Exception) -> dict[str, Any]:
    """The exception's class, the HTTP status that it holds, and its words."""
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None) or getattr(error, "code", None)
    return {
        "kind": type(error).__name__,
        "status": status if isinstance(status, int) else None,
        "words": str(error)[:300],
    }
