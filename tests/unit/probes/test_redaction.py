"""A sample contains no secret and no harmful text."""

from __future__ import annotations

from typing import Any

from probes._model import (
    ErrorClass,
    Fault,
    Secret,
)
from tests.contract.exchanges import KEY, run_to
from tests.unit.probes.streams import STOP, taken

ASKED = " (https://acme.test/v1/chat/completions)"
"""What every refusal ends in."""


def echoed(message: str, **endpoint: Any) -> str:
    body = b'{"error":{"message":' + f'"{message}"'.encode() + b"}}"
    detail = taken([(0.1, body)], status=400, run=run_to(**endpoint)).detail or ""
    assert detail.endswith(ASKED)
    return detail.removesuffix(ASKED)


def test_an_echoed_key_is_starred() -> None:
    assert echoed(f"bad key {KEY}, sorry") == "HTTP 400: bad key ***, sorry"


def test_no_half_of_a_key_is_left_by_the_cut() -> None:
    for padding in range(200):
        assert "sk-" not in echoed("x" * padding + KEY)


def test_values_of_configured_headers_are_starred() -> None:
    headers = (("X-Api-Key", Secret("other-secret")), ("X-Empty", Secret("")))
    assert echoed(f"{KEY} other-secret", headers=headers) == "HTTP 400: *** ***"


def test_the_credential_inside_a_header_is_starred_alone() -> None:
    headers = (("Authorization", Secret("Bearer sk-in-a-header")),)
    assert echoed("bad key sk-in-a-header", api_key=None, headers=headers) == "HTTP 400: bad key ***"
    assert echoed("Bearer of bad news", api_key=None, headers=headers) == "HTTP 400: Bearer of bad news"


def test_a_short_word_of_a_header_is_no_credential() -> None:
    headers = (("X-Note", Secret("of seven77 or eight888")),)
    assert echoed("eight888, not seven77", api_key=None, headers=headers) == "HTTP 400: ***, not seven77"


def test_a_secret_that_begins_with_another_is_starred_whole() -> None:
    headers = (("X-Prefix", Secret("sk-")), ("X-Longer", Secret(KEY + "-and-more")))
    assert echoed(f"{KEY}-and-more {KEY} sk-", headers=headers) == "HTTP 400: *** *** ***"


def test_a_key_in_an_answer_is_starred_before_the_answer_is_cut() -> None:
    for padding in range(0, 70, 3):
        text = f'data: {{"choices":[{{"delta":{{"content":"{"x" * padding}{KEY}"}}}}]}}\n\n'.encode()
        seen = taken([(0.1, text + STOP)])
        assert seen.error is ErrorClass.WRONG_ANSWER
        assert "sk-" not in (seen.detail or "")


def test_a_key_in_a_content_type_is_starred() -> None:
    seen = taken([(0.1, b"x")], headers={"content-type": f"text/{KEY}"})
    assert seen.detail == "not a stream of events: content type text/***"


def test_a_long_detail_says_that_it_was_cut() -> None:
    detail = echoed("x" * 500)
    assert (len(detail + ASKED), detail[-1]) == (200, "…")


def test_a_fault_without_readable_words_says_so() -> None:
    for words in (None, "", "\a", "数字"):
        assert taken(fault=Fault(error=ErrorClass.TLS, detail=words)).detail == "the message has no printable text"


def test_a_detail_is_harmless_wherever_it_comes_from() -> None:
    seen = taken(fault=Fault(error=ErrorClass.TLS, detail="\x1b]0;title\x07red\r\nline"))
    assert seen.detail == "]0;title red line"
