"""AWS' SDK on Bedrock's ConverseStream."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.judges.sdks.answering import Answer, Question, answer, answer_all


class RaisedError(Exception):
    """What AWS' SDK raised, with the HTTP status where answering looks for it."""

    def __init__(self, kind: str, status: int | None, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.status_code = status


def ask(question: Question) -> Answer:
    """One streamed message; deltas put together as they come."""
    try:
        return _ask(question)
    except ClientError as error:  # EventStreamError is one too
        told: Any = error.response
        status = None if isinstance(error, EventStreamError) else told["ResponseMetadata"]["HTTPStatusCode"]
        raise RaisedError(told["Error"]["Code"], status, str(error)) from None


def _ask(question: Question) -> Answer:
    text, thought, stop, usage = "", "", None, None
    calls: dict[int, list[str]] = {}
    for event in _client(question).converse_stream(**_asked(question))["stream"]:
        match event:
            case {"contentBlockStart": {"contentBlockIndex": index, "start": {"toolUse": use}}}:
                calls[index] = [use["name"], ""]
            case {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}:
                text += delta.get("text", "")
                thought += delta.get("reasoningContent", {}).get("text", "")
                if "toolUse" in delta:
                    calls[index][1] += delta["toolUse"].get("input", "")
            case {"messageStop": {"stopReason": reason}}:
                stop = reason
            case {"metadata": {"usage": usage}}:
                pass
    return answer(
        text=text,
        thought=thought,
        calls=[(name, arguments) for name, arguments in calls.values()],
        stop=stop,
        usage=_usage(usage),
    )


def _client(question: Question) -> Any:
    """With an access key: boto3 sends API keys of Bedrock over TLS alone."""
    owner, secret = question["api_key"].split(":")
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=question["base_url"],
        aws_access_key_id=owner,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def _asked(question: Question) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "modelId": question["model"],
        "messages": [{"role": "user", "content": [{"text": question["text"]}]}],
        "inferenceConfig": {"maxTokens": question["max_tokens"], "temperature": 0},
    }
    form = question["form"]
    if question["task"] == "tool_call":
        schema = {"json": form["schema"]}
        tool = {"name": form["name"], "description": form["description"], "inputSchema": schema}
        asked["toolConfig"] = {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": form["name"]}}}
    elif form:
        schema = {"name": form["name"], "description": form["description"], "schema": json.dumps(form["schema"])}
        asked["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    return asked


def _usage(usage: Any) -> dict[str, int | None] | None:
    """AWS' input tokens are those that the cache had no part in."""
    if usage is None:
        return None
    cached = usage.get("cacheReadInputTokens")
    return {
        "prompt": usage["inputTokens"] + (cached or 0) + usage.get("cacheWriteInputTokens", 0),
        "output": usage["outputTokens"],
        "reasoning": None,
        "cached": cached,
    }


if __name__ == "__main__":
    answer_all(ask)
