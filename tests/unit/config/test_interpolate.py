"""`${…}` stands for text from outside of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.config._source import parse
from probes._model import Secret

FILE = """\
providers:
  groq: {api: openai_chat, base_url: https://api.groq.com, api_key: VALUE}
models:
  meta/llama: {endpoints: [{provider: groq, model: llama}]}
"""


@pytest.fixture
def key(load_text: Callable[..., Config]) -> Callable[..., str]:
    """The api key that a value in the file becomes."""

    def key_of(value: str, **env: str) -> str:
        api_key = load_text(FILE.replace("VALUE", f'"{value}"'), env).endpoints[0].endpoint.api_key
        assert api_key is not None
        return api_key.reveal()

    return key_of


@pytest.fixture
def refusal(lines: Callable[..., list[str]]) -> Callable[..., str]:
    """What is said about a value in the file."""

    def refusal_of(value: str, **env: str) -> str:
        [line] = lines(FILE.replace("VALUE", f'"{value}"'), env)
        return line.removeprefix("pw.yaml:2:69: providers.groq.api_key: ")

    return refusal_of


def test_a_variable_is_put_in(key: Callable[..., str]) -> None:
    assert key("${env:KEY}", KEY="abc") == "abc"


def test_references_may_stand_in_the_middle(key: Callable[..., str]) -> None:
    assert key("a-${env:X}-b-${env:Y}", X="1", Y="2") == "a-1-b-2"


def test_a_doubled_dollar_writes_a_plain_one(key: Callable[..., str]) -> None:
    assert key("$${env:X}$$${env:X}$", X="1") == "${env:X}$${env:X}$"
    assert key("$1$$") == "$1$$"


def test_what_is_put_in_is_not_looked_at_again(key: Callable[..., str]) -> None:
    assert key("${env:X}", X="${env:Y}") == "${env:Y}"


def test_a_file_is_put_in_without_the_line_breaks_at_its_end(key: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"abc\r\n\n")
    assert key(f"${{file:{tmp_path}/key}}") == "abc"


def test_a_credential_of_systemd_is_put_in(key: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "key_groq").write_text("abc\n")
    assert key("${credential:key_groq}", CREDENTIALS_DIRECTORY=str(tmp_path)) == "abc"


def test_text_without_references_is_not_secret(refusal: Callable[..., str], lines: Callable[..., list[str]]) -> None:
    assert lines(FILE.replace("VALUE", "x") + "vantage: a $${b}") == [
        "pw.yaml:5:10: vantage: 'a ${b}' must not contain spaces"
    ]


def test_references_are_followed_in_lists_too(load_text: Callable[..., Config]) -> None:
    text = FILE.replace("VALUE", "x") + 'probes: {chat: {task: "${env:T}"}}'
    text = text.replace("model: llama", 'model: llama, probes: ["${env:T}"]')
    assert load_text(text, {"T": "chat"}).endpoints[0].probes == ("chat",)


def test_a_reference_needs_no_quotes_inside_of_brackets(load_text: Callable[..., Config]) -> None:
    text = FILE.replace("VALUE", "a-${env:A}-$${env:B}").replace(
        "model: llama", "probes: [${env:T}], model: m-${env:A}"
    )
    endpoint = load_text(text, {"A": "1", "T": "chat"}).endpoints[0]
    assert endpoint.endpoint.api_key == Secret("a-1-${env:B}")
    assert endpoint.endpoint.model == "m-1"
    assert endpoint.probes == ("chat",)


def test_private_characters_of_the_file_stay_as_they_are() -> None:
    assert parse("key: '\ue000\ue001 ${env:A}'", "f").data == {"key": "\ue000\ue001 ${env:A}"}


def test_a_missing_credential_is_reported(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert refusal("${credential:key_groq}", CREDENTIALS_DIRECTORY=str(tmp_path)) == (
        "credential 'key_groq' cannot be read: no such file or directory; correct the path or the file"
    )


CONTENTS = [
    (b"", "is empty; write the value into it"),
    (b"\n", "is empty; write the value into it"),
    (b"\xff", "is not UTF-8 text; save it as UTF-8"),
    (b"a" * 65537, "is too long: at most 65536 bytes are allowed; correct the path or the file"),
]


@pytest.mark.parametrize(("content", "reason"), CONTENTS)
def test_a_file_without_a_value_is_reported(
    content: bytes, reason: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(content)
    assert refusal("${credential:key}", CREDENTIALS_DIRECTORY=str(tmp_path)) == f"credential 'key' {reason}"


MALFORMED = [
    "${",
    "${}",
    "${KEY}",
    "${env:}",
    "${env:KEY",
    "${env:a b}",
    "${env:1A}",
    "${vault:a}",
    "${file:key}",
    "${credential:../key}",
    "${credential:.key}",
    "${env:{KEY}}",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_reference_that_cannot_be_resolved_is_reported(value: str, refusal: Callable[..., str]) -> None:
    assert refusal(value, KEY="abc").startswith("`${` does not begin a valid reference; write ${env:NAME}")


BAD_KEYS = ["two words", "line\nbreak", "schlüssel", "tab\t", "\x7f", "\udcff"]


@pytest.mark.parametrize("value", BAD_KEYS)
def test_a_key_that_would_break_a_header_is_refused_without_being_shown(
    value: str, refusal: Callable[..., str]
) -> None:
    expected = "must be ASCII characters without spaces or line breaks; check for a stray one"
    assert refusal("${env:KEY}", KEY=value) == expected


def test_a_key_of_spaces_is_empty(refusal: Callable[..., str]) -> None:
    assert refusal("${env:KEY}", KEY=" ") == "is empty; write a value, or leave the key out"
