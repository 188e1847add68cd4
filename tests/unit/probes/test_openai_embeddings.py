"""OpenAI's embeddings: what is asked, and what is a number."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes._model import Done, Event, Frame, Request, Task, Usage, Vector
from probes.openai_embeddings import OpenAIEmbeddings
from tests.contract.exchanges import KEY, run_to

LARGEST = 1.7976931348623157e308
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**1000), 2**1000)
singles = st.floats(width=32)


def asked(codec: OpenAIEmbeddings, task: Task = Task.EMBEDDING) -> Request:
    run = run_to("openai_embeddings", task=task)
    return codec.request(run.endpoint, run.task, run.prompt)


def body_of(codec: OpenAIEmbeddings) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(asked(codec).body)
    return body


def read(answer: bytes) -> list[Event]:
    return list(OpenAIEmbeddings().read(Frame(data=answer, end=len(answer))))


def vector_of(written: str) -> list[Event]:
    return read(f'{{"data": [{{"embedding": {written}}}]}}'.encode())


# Asking


def test_it_asks_for_one_vector_in_plain_numbers_and_sends_no_token_limit() -> None:
    assert body_of(OpenAIEmbeddings()) == {"model": "tiny", "input": "[nonce] 1, 2, 3", "encoding_format": "float"}
    request = asked(OpenAIEmbeddings())
    assert (request.method, request.url) == ("POST", "https://acme.test/v1/embeddings")
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": f"Bearer {KEY}",
    }


def test_options_change_what_some_copies_refuse() -> None:
    assert body_of(OpenAIEmbeddings(encoding_format=None)).keys() == {"model", "input"}
    assert body_of(OpenAIEmbeddings(encoding_format="base64"))["encoding_format"] == "base64"
    assert body_of(OpenAIEmbeddings(send_dimensions=True))["dimensions"] == 4


def test_an_unknown_size_is_not_requested() -> None:
    run = run_to("openai_embeddings", task=Task.EMBEDDING)
    unknown = run_to("openai_embeddings", task=Task.REACH).prompt
    request = OpenAIEmbeddings(send_dimensions=True).request(run.endpoint, run.task, unknown)
    assert b"dimensions" not in request.body


@pytest.mark.parametrize(("path", "url"), [("/models", "/v1/models"), (None, "/v1/")])
def test_the_list_of_models_may_be_missing(path: str | None, url: str) -> None:
    codec = OpenAIEmbeddings(models_path=path)
    assert asked(codec, Task.REACH).url == f"https://acme.test{url}"
    assert codec.lists_models == (path is not None)
    assert codec.models(b'{"data": [{"id": "tiny"}]}') == {"tiny"}


# Reading


@given(st.lists(numbers, max_size=20))
def test_every_array_of_numbers_that_json_can_say_is_a_finite_vector(vector: list[float]) -> None:
    assert vector_of(json.dumps(vector)) == [Vector(size=len(vector), finite=True), Done()]


@given(st.lists(singles, max_size=20))
def test_packed_numbers_are_as_finite_as_the_least_of_them(vector: list[float]) -> None:
    packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    finite = all(abs(number) <= LARGEST for number in vector)
    assert vector_of(json.dumps(packed)) == [Vector(size=len(vector), finite=finite), Done()]


@pytest.mark.parametrize(
    ("numeral", "finite"),
    [
        ("1e308", True),
        ("1E+308", True),
        ("1e309", False),
        ("-1E309", False),
        ("1e-309", True),
        (f"0.{'9' * 500}", True),
        ("9" * 308, True),
        ("9" * 310, False),
        (f"{'9' * 310}.5", False),
        (f"{'9' * 305}.5e9", False),
        (f"{'9' * 305}e9", False),
    ],
)
def test_a_number_beyond_all_bounds_is_found_however_it_is_written(numeral: str, finite: bool) -> None:
    assert vector_of(f"[{numeral}, 2e-5]") == [Vector(size=2, finite=finite), Done()]


def test_only_the_first_vector_and_the_prompts_tokens_count() -> None:
    answer = {
        "data": [{"embedding": [0.5, 1]}, {"embedding": "not looked at"}],
        "usage": {"prompt_tokens": 8.0, "completion_tokens": 5, "total_tokens": 13},
    }
    assert read(json.dumps(answer).encode()) == [Vector(size=2, finite=True), Usage(prompt=8), Done()]
