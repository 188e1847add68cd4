"""Proxies, names of models as providers write them, and text that was JSON."""

from __future__ import annotations

import json

import pytest

from monitor.config import Config, unused_proxy
from probes._model import Secret
from probes._proxy import proxy_of, secrets_of, unused_variable
from tests.unit.config.conftest import Lines, Load


def config(load_text: Load, *, top: str = "", far: str = "", near: str = "", model: str = "m") -> Config:
    return load_text(
        f"""
{top}
providers:
  far: {{api: openai_chat, base_url: "https://api.far.test/v1"{far}}}
  near: {{api: openai_chat, base_url: "http://127.0.0.1:8000/v1"{near}}}
models:
  a/m:
    endpoints:
      - {{provider: far, model: {model}}}
      - {{provider: near, model: {model}}}
"""
    )


def proxies(loaded: Config) -> list[str | None]:
    return [spec.endpoint.proxy.reveal() if spec.endpoint.proxy else None for spec in loaded.endpoints]


def test_without_a_word_nothing_is_said_of_a_proxy(load_text: Load) -> None:
    assert proxies(config(load_text)) == [None, None]


def test_a_proxy_for_all_is_for_all_but_servers_on_this_machine(load_text: Load) -> None:
    assert proxies(config(load_text, top="proxy: http://proxy.corp:3128/")) == ["http://proxy.corp:3128", "direct"]
    assert proxies(config(load_text, top="proxy: direct")) == ["direct", "direct"]


def test_a_providers_own_proxy_wins(load_text: Load) -> None:
    loaded = config(load_text, top="proxy: http://a:1", far=", proxy: direct", near=', proxy: "http://b:2"')
    assert proxies(loaded) == ["direct", "http://b:2"]


def test_a_proxys_password_is_a_secret(load_text: Load) -> None:
    loaded = config(load_text, top="proxy: http://me:pass%20word@[::1]:3128")
    assert "pass" not in repr(loaded)
    written = loaded.endpoints[0].endpoint.proxy
    proxy = proxy_of(written)
    assert proxy is not None
    assert (proxy.url, proxy.host, proxy.port, proxy.peer) == ("http://[::1]:3128", "::1", 3128, "[::1]:3128")
    assert proxy.authorization == "Basic bWU6cGFzcyB3b3Jk"
    assert secrets_of(written) == ("me", "pass word", "bWU6cGFzcyB3b3Jk")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("socks5://proxy:1080", "is not the address of an HTTP proxy (SOCKS is not supported)"),
        ("proxy:3128", "is not the address of an HTTP proxy"),
        ("http://", "has no usable host and port"),
        ("http://proxy:0", "has no usable host and port"),
        ("http://proxy:99999", "is not the address of a proxy"),
        ("http://user:s3/cret@proxy:1", "is not the address of a proxy"),
        ("http://proxy:1/path", "must not contain a path"),
        ("http://üser@proxy:1", "has a user or password with characters that are not ASCII"),
    ],
)
def test_an_invalid_proxy_address_is_reported_without_showing_it(written: str, why: str, lines: Lines) -> None:
    [line] = lines(
        f"proxy: '{written}'\nmodels: {{a/b: {{endpoints: [{{provider: acme, model: m}}]}}}}\n"
        "providers: {acme: {api: openai_chat, base_url: https://acme.test/v1}}\n"
    )
    assert f"proxy: {why}" in line
    assert "cret" not in line


def test_a_proxy_variable_is_reported_unless_the_file_sets_a_proxy(load_text: Load) -> None:
    env = {"HTTPS_PROXY": "http://secret:word@proxy:1"}
    said = unused_proxy(config(load_text), env)
    assert said is not None
    assert said.startswith("the environment variable HTTPS_PROXY is ignored; write `proxy: ")
    assert "word" not in said
    assert unused_proxy(config(load_text), {}) is None
    assert unused_proxy(config(load_text), {"HTTPS_PROXY": ""}) is None
    assert unused_proxy(config(load_text, top="proxy: direct"), env) is None
    assert unused_proxy(config(load_text, near=", proxy: direct"), env) is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["HTTP_PROXY", "HTTPS_PROXY"], "HTTPS_PROXY"),
        (["http_proxy", "ALL_PROXY"], "ALL_PROXY"),
        (["http_proxy"], "http_proxy"),
        (["NO_PROXY"], None),
    ],
)
def test_the_variable_of_the_scheme_is_named_first(names: list[str], found: str | None) -> None:
    assert unused_variable(dict.fromkeys(names, "http://proxy:1"), "https") == found


def test_a_server_on_this_machine_needs_no_word_of_a_proxy(load_text: Load) -> None:
    near = (
        "models: {a/m: {endpoints: [{provider: near, model: m}]}}\n"
        "providers: {near: {api: openai_chat, base_url: 'http://localhost:8000/v1'}}\n"
    )
    assert unused_proxy(load_text(near), {"HTTPS_PROXY": "http://proxy:1"}) is None


def test_a_proxy_behind_tls_and_one_without_a_port_are_read() -> None:
    behind, plain = proxy_of(Secret("https://me@proxy")), proxy_of(Secret("http://proxy"))
    assert behind is not None
    assert plain is not None
    assert (behind.port, behind.is_plain, behind.authorization) == (443, False, "Basic bWU6")
    assert (plain.port, plain.is_plain, plain.authorization) == (80, True, None)
    assert secrets_of(Secret("http://proxy")) == secrets_of(None) == ()


def test_a_providers_name_of_a_model_may_hold_spaces_and_its_id_holds_none(load_text: Load) -> None:
    [far, near] = config(load_text, model="My own  model (8B)").endpoints
    assert far.endpoint.model == "My own  model (8B)"
    assert (far.endpoint.id, near.endpoint.id) == ("far:My-own-model-(8B)", "near:My-own-model-(8B)")


@pytest.mark.parametrize("name", ["' m'", "'m '", "' '", '"a\\nb"'])
def test_a_name_of_a_model_has_no_spaces_around_it_and_is_one_line(name: str, lines: Lines) -> None:
    text = f"models: {{a/b: {{endpoints: [{{provider: acme, model: {name}}}]}}}}\n"
    [line] = lines(text + "providers: {acme: {api: openai_chat, base_url: https://acme.test/v1}}\n")
    assert ".model: " in line


def test_two_names_that_make_one_id_are_reported(lines: Lines) -> None:
    both = "[{provider: acme, model: a b}, {provider: acme, model: a-b}]"
    [line] = lines(
        f"models: {{a/b: {{endpoints: {both}}}}}\n"
        "providers: {acme: {api: openai_chat, base_url: https://acme.test/v1}}\n"
    )
    assert "acme:a-b" in line
    assert "already taken" in line


@pytest.mark.parametrize("text", ["🙂", "a 🏳️‍🌈 b", "𝔘nicode", "é", "😀😀"])
def test_a_file_written_as_json_holds_any_character(text: str, load_text: Load) -> None:
    document = {
        "providers": {"acme": {"api": "openai_chat", "base_url": "https://acme.test/v1", "name": text}},
        "models": {"a/b": {"name": text, "endpoints": [{"provider": "acme", "model": text, "labels": {"k": text}}]}},
    }
    [spec] = load_text(json.dumps(document)).endpoints
    assert (spec.endpoint.model, spec.model_name, spec.labels["k"]) == (text, text, text)


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"x\ud83dx"])
def test_half_a_character_is_reported_with_its_place(half: str, lines: Lines) -> None:
    assert any(line.startswith("pw.yaml:1:10: vantage: must not contain ") for line in lines(f'vantage: "{half}"\n'))
