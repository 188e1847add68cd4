"""The request of an endpoint's sample code: that of its codec, with another prompt and without secrets. Pure.

Keys, header values and, on public pages, the base URL stand for environment variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from probes._model import Endpoint, Probe, Prompt, Secret, Task

QUESTION: Final = "Hello"
_MOST_TOKENS: Final = 256
_BASE: Final = "https://base-url.invalid"
_WRITTEN: Final = frozenset({"accept", "content-length", "host"})
"""Headers that every client sends by itself."""
_WHOLE_PATHS: Final = (
    (":streamGenerateContent?alt=sse", ":generateContent"),
    ("/converse-stream", "/converse"),
)
"""Of APIs that stream at another path: its end, and that for a whole answer."""
_BINARY: Final = "/converse-stream"
"""Its stream is no text that a few lines of code could show."""

Part: TypeAlias = "str | Variable"


@dataclass(frozen=True, slots=True)
class Variable:
    """The name of an environment variable."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """A request; texts are sequences of literal parts and variables."""

    url: tuple[Part, ...]
    headers: Mapping[str, tuple[Part, ...]]
    body: Mapping[str, Any]
    streams: bool


def key_variable(endpoint: Endpoint) -> str:
    """The environment variable with the key: `GROQ_API_KEY`."""
    return _variable(endpoint.provider, "API_KEY")


def base_url(endpoint: Endpoint, *, is_public: bool) -> tuple[Part, ...]:
    """Where the endpoint is. A stranger gets a variable, since an internal host may be in it."""
    return (Variable(_variable(endpoint.provider, "BASE_URL")),) if is_public else (endpoint.base_url.rstrip("/"),)


def extra_headers(endpoint: Endpoint) -> Mapping[str, tuple[Part, ...]]:
    """The configured headers with variables instead of their values, which may be secret."""
    return {name: (Variable(_variable(name)),) for name, _ in endpoint.headers}


def is_signed(endpoint: Endpoint, codec: Probe) -> bool:
    """Whether requests carry a signature instead of the key, as AWS wants it: no few lines of code can make one."""
    signs = type(codec).sign is not Probe.sign
    return signs and endpoint.api_key is not None and ":" in endpoint.api_key.reveal()


def sample_requests(endpoint: Endpoint, codec: Probe, *, is_public: bool) -> Iterator[SampleRequest]:
    """The request for a whole answer, and that for a stream where the API has one that is text."""
    given = _codec_request(endpoint, codec, is_public=is_public)
    if given.body.get("stream") is True:
        yield replace(given, body={name: value for name, value in given.body.items() if name not in _STREAMING})
        yield replace(given, streams=True)
        return
    *before, last = given.url
    path = str(last)
    for streaming, whole in _WHOLE_PATHS:
        if path.endswith(streaming):
            yield replace(given, url=(*before, path.removesuffix(streaming) + whole))
            if streaming != _BINARY:
                yield replace(given, streams=True)
            return
    yield given


_STREAMING: Final = frozenset({"stream", "stream_options"})


def _codec_request(endpoint: Endpoint, codec: Probe, *, is_public: bool) -> SampleRequest:
    """The codec's request. Its text is taken apart at marks, which stand where key and base URL belong."""
    marked = replace(
        endpoint,
        api_key=None if endpoint.api_key is None else Secret(_KEY),
        base_url=_BASE if is_public else endpoint.base_url,
    )
    task = Task.CHAT if Task.CHAT in codec.tasks else Task.EMBEDDING
    asked = codec.request(marked, task, Prompt(text=QUESTION, max_tokens=_MOST_TOKENS))
    marks = {_KEY: Variable(key_variable(endpoint)), _BASE: Variable(_variable(endpoint.provider, "BASE_URL"))}
    headers = {name: _parts(value, marks) for name, value in asked.headers if name.lower() not in _WRITTEN}
    return SampleRequest(
        url=_parts(asked.url, marks),
        headers={**headers, **extra_headers(endpoint)},
        body=json.loads(asked.body),
        streams=False,
    )


_KEY: Final = "key-of-the-endpoint"


def _parts(text: str, marks: Mapping[str, Variable]) -> tuple[Part, ...]:
    pieces = re.split(f"({'|'.join(map(re.escape, marks))})", text)
    return tuple(marks.get(piece, piece) for piece in pieces if piece)


def _variable(*names: str) -> str:
    """An environment variable's name: capital ASCII letters, digits and underscores, no digit first."""
    words = [re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") for name in names]
    joined = "_".join(word for word in words if word) or "VALUE"
    return f"_{joined}" if joined[0].isdecimal() else joined
