"""OpenAI's Embeddings API and compatible APIs: Mistral, vLLM, Text Embeddings Inference, Ollama and others."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes import _chat, _errors, _json
from probes._model import (
    Done,
    Endpoint,
    Event,
    Fault,
    Frame,
    Framing,
    Headers,
    MalformedError,
    Probe,
    Prompt,
    Request,
    Task,
    Usage,
    Vector,
)

_FLOAT_BYTES = 4
_SURELY_FINITE_BYTES = 300
"""A number without an exponent and of at most this length is always finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIEmbeddings(Probe):
    """`POST {base_url}/embeddings`, answered by one JSON text."""

    framing = Framing.WHOLE
    tasks = frozenset({Task.EMBEDDING, Task.REACH})

    send_dimensions: bool = False
    """Request vectors of the expected size, for models that can shorten them. Other models reject it."""
    encoding_format: str | None = "float"
    """`float`, or `base64`, which has a quarter of the size; None: omitted, for servers that do not support it."""
    models_path: str | None = "/models"
    """The path of the list of models; None for servers without a list: `reach` then requests the base URL."""

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request for the vector of `prompt`; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(base_url + (self.models_path or "/"), *headers)
        body: dict[str, object] = {"model": endpoint.model, "input": prompt.text}
        if self.encoding_format is not None:
            body["encoding_format"] = self.encoding_format
        if self.send_dimensions and prompt.dimensions is not None:
            body["dimensions"] = prompt.dimensions
        return _chat.post(f"{base_url}/embeddings", body, *headers, accept=self.framing.value)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield the first vector of `{"data": [{"embedding": …}], "usage": …}`, or an error with status 200."""
        answer = _json.as_object(_json.decode_numerals(frame.data))
        fault = _fault(answer, frame.data)
        if fault is not None:
            yield fault
            return
        if "data" not in answer:
            raise MalformedError("neither 'data' nor 'error' in the answer")
        for item in _json.get_list(answer, "data")[:1]:
            yield _vector(_json.as_object(item).get("embedding"))
        usage = answer.get("usage")
        if isinstance(usage, dict):
            yield _usage(usage)
        yield Done()

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        return _chat.model_ids(body)


def _fault(answer: Mapping[str, object], data: bytes) -> Fault | None:
    """The error in an answer. Only a suspicious answer is decoded again, with its numbers."""
    suspect = "error" in answer or "data" not in answer
    return _errors.fault_in(_json.as_object(_json.decode(data)) if suspect else answer)


def _usage(usage: Mapping[str, object]) -> Usage:
    """The tokens of the prompt. Other counts are ignored, since an embedding has no output tokens."""
    count = usage.get("prompt_tokens")
    value = float(count) if isinstance(count, bytes) else count
    return Usage(prompt=_json.get_count({"prompt_tokens": value}, "prompt_tokens"))


def _vector(embedding: object) -> Vector:
    """An array of numbers, or base64 of 32-bit floats in little-endian order."""
    if isinstance(embedding, str):
        return _packed_vector(embedding)
    if not isinstance(embedding, list) or not set(map(type, embedding)) <= {int, bytes}:
        raise MalformedError("'embedding' must be an array of numbers, or base64")
    numerals = [value if isinstance(value, bytes) else b"%d" % value for value in embedding]
    return Vector(size=len(numerals), finite=_are_finite(numerals))


def _are_finite(numerals: list[bytes]) -> bool:
    """Whether all numbers are finite. They are converted only if one may be infinite, since conversion is slow."""
    text = b" ".join(numerals).lower()
    small = text.count(b"e") == text.count(b"e-")
    if small and max(map(len, numerals), default=0) <= _SURELY_FINITE_BYTES:
        return True
    return all(math.isfinite(float(numeral)) for numeral in numerals)


def _packed_vector(text: str) -> Vector:
    try:
        packed = base64.b64decode(text, validate=True)
    except ValueError:
        raise MalformedError("'embedding' is neither an array nor base64") from None
    size, rest = divmod(len(packed), _FLOAT_BYTES)
    if rest:
        raise MalformedError(f"'embedding' holds {len(packed)} bytes, which are no whole number of floats")
    return Vector(size=size, finite=all(map(math.isfinite, struct.unpack(f"<{size}f", packed))))
