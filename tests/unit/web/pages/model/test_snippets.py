"""Tests of sample code: what it asks, and that no name can change what it does."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace

import pytest

from monitor.web.pages.model.requests import (
    QUESTION,
    Variable,
    extra_headers,
    is_signed,
    key_variable,
    sample_requests,
)
from monitor.web.pages.model.snippets import Snippet, SnippetGroup, endpoint_snippets, model_snippets
from probes._loader import available, codec
from probes._model import Endpoint, Secret
from tests.support.board_values import make_spec
from tests.unit.charts.drawn import HOSTILE

KEY = "sk-secret-key"
ENDPOINT = Endpoint(
    id="groq:llama",
    provider="groq",
    model="llama-3.1-8b",
    api="openai_chat",
    base_url="https://api.groq.com/openai/v1/",
    api_key=Secret(KEY),
    headers=(("X-Team", Secret("hidden-team")),),
)


def snippets_of(endpoint: Endpoint, *, is_public: bool = False) -> tuple[SnippetGroup, ...]:
    return endpoint_snippets(endpoint, codec(endpoint.api, endpoint.options), is_public=is_public)


def flat(groups: Iterable[SnippetGroup]) -> list[Snippet]:
    return [snippet for group in groups for snippet in group.snippets]


@pytest.mark.parametrize("api", available())
@pytest.mark.parametrize("is_public", [False, True])
def test_no_secret_and_on_public_pages_no_host_is_in_the_code(api: str, is_public: bool) -> None:
    endpoint = replace(ENDPOINT, api=api)
    for snippet in [
        *flat(snippets_of(endpoint, is_public=is_public)),
        *flat(model_snippets("a/m", [replace(make_spec(), endpoint=endpoint)], is_public=is_public)),
    ]:
        assert KEY not in snippet.code
        assert "hidden-team" not in snippet.code
        assert "invalid" not in snippet.code
        assert ("groq.com" in snippet.code) <= (not is_public)


@pytest.mark.parametrize("api", available())
def test_every_api_has_code_in_three_languages_that_sends_the_key_and_the_configured_headers(api: str) -> None:
    groups = snippets_of(replace(ENDPOINT, api=api))
    assert [group.heading for group in groups] == ["curl", "Python", "TypeScript"]
    for snippet in flat(groups):
        assert "GROQ_API_KEY" in snippet.code
        assert "X_TEAM" in snippet.code


@pytest.mark.parametrize("api", sorted({*available()} - {"openai_embeddings", "bedrock_converse"}))
def test_chat_apis_have_code_for_a_whole_answer_and_for_a_stream(api: str) -> None:
    for group in snippets_of(replace(ENDPOINT, api=api)):
        assert [snippet.title for snippet in group.snippets] == ["Whole answer", "Stream"]


@pytest.mark.parametrize("api", ["openai_embeddings", "bedrock_converse"])
def test_apis_whose_stream_is_no_text_have_code_for_a_whole_answer_alone(api: str) -> None:
    assert [request.streams for request in sample_requests(ENDPOINT, codec(api, {}), is_public=False)] == [False]


def test_a_whole_answer_of_gemini_and_bedrock_has_a_path_of_its_own() -> None:
    for api, end in (("gemini_generate", ":generateContent"), ("bedrock_converse", "/converse")):
        first = next(sample_requests(ENDPOINT, codec(api, {}), is_public=False))
        assert str(first.url[-1]).endswith(end)


def test_a_whole_answer_is_asked_without_the_fields_of_a_stream() -> None:
    whole, stream = sample_requests(ENDPOINT, codec("openai_chat", {}), is_public=False)
    assert not {"stream", "stream_options"} & {*whole.body}
    assert stream.body["stream"] is True
    assert whole.body["messages"] == [{"role": "user", "content": QUESTION}]


def test_an_endpoint_without_a_key_needs_no_variable() -> None:
    bare = replace(ENDPOINT, api_key=None, headers=())
    for snippet in flat(snippets_of(bare)):
        assert "API_KEY" not in snippet.code
    litellm = model_snippets("a/m", [replace(make_spec(), endpoint=bare)], is_public=False)[0]
    assert '"api_key": "none"' in litellm.snippets[0].code


@pytest.mark.parametrize("api", available())
@pytest.mark.parametrize("model", [*HOSTILE, 'it\'s $(HOME) `id` \\ "x"', "a\nb", "\N{GRINNING FACE}"])
def test_no_name_changes_what_the_code_does(api: str, model: str) -> None:
    endpoint = replace(ENDPOINT, api=api, model=model, id=f"groq:{model}", provider=model)
    for snippet in flat(snippets_of(endpoint)):
        check(snippet, api)
    for snippet in flat(model_snippets(model, [replace(make_spec(), endpoint=endpoint)], is_public=False)):
        check(snippet, api)


def test_lines_are_those_of_the_code() -> None:
    for snippet in flat(snippets_of(ENDPOINT)):
        assert "\n".join(snippet.lines) == snippet.code


def check(snippet: Snippet, api: str) -> None:
    """The code is one command, or a program; whatever the name is, it is inside a string."""
    if snippet.language == "python":
        tree = ast.parse(snippet.code.encode(errors="backslashreplace"))
        assert {type(node) for node in tree.body} <= {
            ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.For, ast.With, ast.AsyncFunctionDef
        }  # fmt: skip
    if snippet.language == "bash":
        words = shlex.split(snippet.code)
        assert words[0] == "curl"
        assert len([word for word in words if word == "-d"]) == 1
        assert json.loads(words[words.index("-d") + 1])


def test_the_python_code_names_the_model_as_it_is() -> None:
    for model in ("\N{GRINNING FACE} '\"\\", "a\nb", "ספק"):
        code = flat(snippets_of(replace(ENDPOINT, model=model)))[2].code
        strings = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
        assert model in strings


def test_names_of_variables_are_such_that_a_shell_takes_them() -> None:
    names = {key_variable(replace(ENDPOINT, provider=provider)) for provider in ("my-vllm", "01.ai", "ספק")}
    assert names == {"MY_VLLM_API_KEY", "_01_AI_API_KEY", "API_KEY"}
    assert extra_headers(replace(ENDPOINT, headers=(("—", Secret("x")),))) == {"—": (Variable("VALUE"),)}


def test_signed_requests_are_recognised() -> None:
    signed = replace(ENDPOINT, api="bedrock_converse", api_key=Secret("AKIA:secret"))
    assert is_signed(signed, codec("bedrock_converse", {}))
    assert not is_signed(replace(signed, api_key=Secret("bearer")), codec("bedrock_converse", {}))
    assert not is_signed(replace(signed, api_key=None), codec("bedrock_converse", {}))
    assert not is_signed(replace(signed, api="openai_chat"), codec("openai_chat", {}))


def test_litellm_gets_the_endpoints_of_its_api_and_the_rest_is_counted() -> None:
    specs = [
        replace(make_spec(), endpoint=ENDPOINT),
        replace(make_spec(), endpoint=replace(ENDPOINT, id="b:m", api="anthropic_messages")),
    ]
    litellm, ranking = model_snippets("a/m", specs, is_public=False)
    code = litellm.snippets[0].code
    assert '"providerwatch": "groq:llama"' in code
    assert "b:m" not in code
    assert "# 1 more with other APIs" in code
    assert [snippet.language for snippet in ranking.snippets] == ["bash", "python"]


def test_without_an_endpoint_for_litellm_the_ranking_stands_alone() -> None:
    spec = replace(make_spec(), endpoint=replace(ENDPOINT, api="anthropic_messages"))
    assert [group.heading for group in model_snippets("a/m", [spec], is_public=False)] == ["This monitor's ranking"]
