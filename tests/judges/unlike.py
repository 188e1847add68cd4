"""Where a vendor's SDK reads a recorded answer otherwise than our codec does, and why."""

from __future__ import annotations

from collections.abc import Mapping

from probes._model import ErrorClass

UNREAD: Mapping[str, str] = {
    "anthropic_messages/usage_missing": "the SDK counts on the usage that Anthropic always sends",
    "azure_openai/asynchronous_filter": "the filter's findings come in a choice without a delta",
    "ollama_chat/blank_lines": "a blank line is no JSON to the SDK",
    "openai_chat/keep_alives_first": "a field `retry` alone is an event without data to the SDK, and no JSON",
    "openai_chat/other_choices": "a copy's choices come with an index of null",
    "openai_chat/tools_whole": "a copy's tool call comes without an index",
}
"""Successes that the SDK cannot read, though they are ones."""

UNLIKE: Mapping[str, Mapping[str, str]] = {
    "ollama_chat/usage_odd": {"usage": "a count below nothing is a count to the SDK; here it is not known"},
    "openai_embeddings/usage_odd": {"usage": "so is a count with a fraction"},
}
"""Successes of which the SDK reads some parts otherwise."""

LET_PASS: Mapping[ErrorClass, str] = {
    ErrorClass.TRUNCATED: "an SDK takes the end of the file for the end of the answer",
    ErrorClass.EMPTY: "an answer without content is one to an SDK",
    ErrorClass.BAD_REQUEST: "so is one that hidden thoughts left no room for",
    ErrorClass.MALFORMED: "an SDK does not check the types of what it reads",
    ErrorClass.STREAM_ERROR: "a finish reason is a word to an SDK, `error` like any other",
    ErrorClass.CONTENT_FILTER: "a finish reason is a word to an SDK",
    ErrorClass.OVERLOADED: "the error of a last event (Responses, Cohere) is a field like others to an SDK",
    ErrorClass.WRONG_ANSWER: "an SDK does not know what was to be answered",
}
"""Failures with a status of 200 that an SDK hands to its caller as answers."""
