# ruff: noqa: E501  # a table is read by its lines
"""Router settings in the file: `router_ids`, published files, HAProxy's agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.common import extensions
from monitor.config import Config, ConfigError, Listen, MetricsDetail, load
from monitor.routing.formats.envoy_eds import EnvoyEdsFormat
from tests.support.router_files import file_of

BASE = """\
providers:
  near: {api: openai_chat, base_url: http://127.0.0.1:1/v1}
models:
  meta/llama:
    endpoints:
      - {provider: near, model: a, router_ids: {haproxy: be/a, envoy: "x/10.0.0.1:80", traefik: s/a, vllm: "m@http://h", other: "as you like"}}
      - {provider: near, model: b, router_ids: {envoy: "y/[::1]:80"}}
"""


def loaded(tmp_path: Path, text: str, base: str = BASE) -> Config:
    path = tmp_path / "f.yaml"
    path.write_text(base + text)
    return load(path, {"SET": "elsewhere"}, extensions())


def problems(tmp_path: Path, text: str, base: str = BASE) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, text, base)
    return [line.removeprefix(f"{tmp_path}/f.yaml:") for line in str(raised.value).splitlines()]


def named(names: str) -> str:
    """A file whose second endpoint has these names."""
    return BASE.replace('{envoy: "y/[::1]:80"}', names)


def test_every_shape_and_the_agent_are_read(tmp_path: Path) -> None:
    files = """\
publish:
  haproxy_agent: "[::1]:8781"
  files:
    - {format: haproxy-map, path: a}
    - {format: envoy-eds, path: b, cluster: x}
    - {format: envoy-eds, path: c, cluster: y}
    - {format: traefik, path: d}
    - {format: vllm, path: e, options: {routing_logic: session, session_key: x-user}}
"""
    config = loaded(tmp_path, files)
    assert config.haproxy_agent == Listen(host="::1", port=8781)
    assert config.publish_files == (
        file_of("haproxy-map", tmp_path / "a"),
        file_of("envoy-eds", tmp_path / "b", cluster="x"),
        file_of("envoy-eds", tmp_path / "c", cluster="y"),
        file_of("traefik", tmp_path / "d"),
        file_of("vllm", tmp_path / "e", options={"routing_logic": "session", "session_key": "x-user"}),
    )


def test_one_cluster_need_not_be_named(tmp_path: Path) -> None:
    (file,) = loaded(tmp_path, "publish: {files: [{format: envoy-eds, path: a}]}", named("{}")).publish_files
    assert isinstance(file, EnvoyEdsFormat)
    assert file.cluster is None


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("{haproxy: srv}", "router_ids.haproxy: 'srv' is not HAProxy's BACKEND/SERVER; write for example be/srv1"),
        ('{envoy: "c/host:80"}', "router_ids.envoy: 'c/host:80' is not Envoy's CLUSTER/IP:PORT (host names are not allowed); write for example llama/10.0.0.1:8000"),
        ("{traefik: llama}", "router_ids.traefik: 'llama' is not Traefik's SERVICE/CHILD; write for example llama/groq@file"),
        ('{vllm: "http://h"}', "router_ids.vllm: 'http://h' is not MODEL@URL for vLLM's router; write for example meta-llama/Llama-3.2-1B@http://10.0.0.1:8000"),
        ("{haproxy: '${env:SET}'}", "router_ids.haproxy: *** is not HAProxy's BACKEND/SERVER; write for example be/srv1"),
        ("{haproxy: 1}", "router_ids.haproxy: must be text; put it in quotes"),
        ("{haproxy: ''}", "router_ids.haproxy: is empty; write a value, or leave the key out"),
        ("{haproxy: '${env:UNSET}'}", "router_ids.haproxy: environment variable 'UNSET' is not set"),
    ],
)  # fmt: skip
def test_a_router_id_that_its_router_does_not_accept_is_reported(tmp_path: Path, names: str, told: str) -> None:
    (line,) = problems(tmp_path, "", named(names))
    assert line.startswith("7:")
    assert told in line


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("litelm", "litellm"),
        ("LiteLLM", "litellm"),
        ("lite_llm", "litellm"),
        ("litellm-proxy", "litellm"),
        ("ha-proxy", "haproxy"),
        ("haprxy", "haproxy"),
        ("envoi", "envoy"),
        ("traefic", "traefik"),
        ("vLLM", "vllm"),
    ],
)
def test_the_misspelt_name_of_a_router_is_refused_with_the_one_that_was_meant(
    tmp_path: Path, written: str, meant: str
) -> None:
    (line,) = problems(tmp_path, "", named(f"{{{written}: dep-1}}"))
    place = f"7:49: models.meta/llama.endpoints[1].router_ids.{written}: '{written}' is not a known router"
    assert line.startswith(place)
    assert line.endswith(f"(did you mean '{meant}'?)")


@pytest.mark.parametrize("own", ["mine", "other", "kong", "portkey", "gateway-eu", "bifrost"])
def test_a_router_of_ones_own_may_be_called_anything_else(tmp_path: Path, own: str) -> None:
    assert loaded(tmp_path, "", named(f"{{{own}: dep-1}}")).endpoints[1].router_ids == {own: "dep-1"}


@pytest.mark.parametrize(
    ("publish", "told"),
    [
        ("{files: [{format: envoy-eds, path: a}]}", "8:28: publish.files[0].format: contains only one cluster; choose one of 'x', 'y' with `cluster:`, and add a file for each further cluster"),
        ("{files: [{format: envoy-eds, path: a, cluster: z}]}", "8:57: publish.files[0].cluster: 'z' is not a cluster of any `router_ids`"),
        ("{files: [{format: traefik, path: a, cluster: x}]}", "8:55: publish.files[0].cluster: is for the format envoy-eds only; remove it"),
        ("{files: [{format: traefik, path: a, options: {routing_logic: x}}]}", "8:55: publish.files[0].options: is for the format vllm only; remove it"),
        ("{files: [{format: vllm, path: a, options: {routing_logik: x}}]}", "8:53: publish.files[0].options.routing_logik: unknown key (did you mean 'routing_logic'?)"),
        ("{files: [{format: vllm, path: a, options: {session_key: 1}}]}", "8:66: publish.files[0].options.session_key: must be text; put it in quotes"),
        ("{metrics: ful}", "8:20: publish.metrics: 'ful' is not known; write basic or full (did you mean 'full'?)"),
        ("{haproxy_agent: 8781}", "8:26: publish.haproxy_agent: 8781 is not host:port; write for example 127.0.0.1:8781 or [::1]:8781"),
        ("{haproxy_agent: 'nonsense'}", "8:26: publish.haproxy_agent: 'nonsense' is not host:port; write for example 127.0.0.1:8781 or [::1]:8781"),
        ("{haproxy_agent: '${env:UNSET}'}", "8:26: publish.haproxy_agent: environment variable 'UNSET' is not set"),
        ("{haproxy_agent: '0.0.0.0:8781'}", "8:26: publish.haproxy_agent: '0.0.0.0:8781' can be reached from other machines, and HAProxy sends no token; add `public: true`"),
    ],
)  # fmt: skip
def test_invalid_router_settings_are_reported(tmp_path: Path, publish: str, told: str) -> None:
    (line,) = problems(tmp_path, f"publish: {publish}\n")
    assert line.startswith(told)


@pytest.mark.parametrize(("file_format", "router"), [("envoy-eds", "envoy"), ("traefik", "traefik"), ("vllm", "vllm")])
def test_a_format_needs_names(tmp_path: Path, file_format: str, router: str) -> None:
    base = "\n".join(line.partition(", router_ids")[0] + "}" * (", router_ids" in line) for line in BASE.splitlines())
    (line,) = problems(tmp_path, f"\npublish: {{files: [{{format: {file_format}, path: a}}]}}\n", base)
    assert line == f"8:28: publish.files[0].format: '{file_format}' needs `router_ids: {{{router}: …}}` of an endpoint"


def test_an_agent_for_other_machines_is_a_decision(tmp_path: Path) -> None:
    config = loaded(tmp_path, "public: true\npublish: {haproxy_agent: '0.0.0.0:8781'}\n")
    assert config.haproxy_agent == Listen(host="0.0.0.0", port=8781)


@pytest.mark.parametrize("detail", MetricsDetail)
def test_metrics_are_basic_unless_full_ones_are_asked_for(tmp_path: Path, detail: MetricsDetail) -> None:
    assert loaded(tmp_path, "").metrics is MetricsDetail.BASIC
    assert loaded(tmp_path, f"publish: {{metrics: {detail}}}\n").metrics is detail


def test_clusters_from_outside_of_the_file_are_not_shown(tmp_path: Path) -> None:
    base = named('{envoy: "${env:SET}/10.0.0.1:80"}')
    (line,) = problems(tmp_path, "publish: {files: [{format: envoy-eds, path: a}]}", base)
    assert "contains only one cluster; choose one with `cluster:`, and add a file for each further cluster" in line
    (line,) = problems(tmp_path, "publish: {files: [{format: envoy-eds, path: a, cluster: elsewher}]}", base)
    assert line.endswith("'elsewher' is not a cluster of any `router_ids`")
