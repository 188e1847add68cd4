"""A LiteLLM configuration is converted to a valid one: models, addresses, variables, ids, and no key."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from monitor.config import Config, ConfigError, EndpointSpec, catalogue, load
from monitor.config.litellm_file import read_litellm
from monitor.discovery.from_litellm import ConversionRequest, FromLitellm, from_litellm

AT = datetime(2026, 11, 22, tzinfo=UTC)
SECRET = "sk-proj-s3cret0123456789"
ENV = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "y"}

REAL = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_key: "os.environ/AZURE_API_KEY_EU"
      api_version: "2024-10-21"
      rpm: 6
    model_info: {id: azure-eu, base_model: azure/gpt-4o}
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-us
      api_base: https://my-endpoint-us.openai.azure.com/openai/deployments/gpt-4o-us
      api_key: os.environ/AZURE_API_KEY_US
      api_version: "2023-07-01-preview"
    model_info: {id: azure-us}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: reasoner
    litellm_params: {model: azure/my-deployment, api_base: os.environ/AZURE_API_BASE, api_key: os.environ/AZURE_API_KEY}
    model_info: {id: 7, base_model: azure/o3-mini}
  - model_name: claude
    litellm_params:
      model: bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0
      aws_region_name: us-west-2
      aws_access_key_id: os.environ/K1
      aws_secret_access_key: os.environ/K2
    model_info: {id: aws}
  - model_name: claude
    litellm_params: {model: anthropic/claude-3-5-sonnet-20241022, api_key: os.environ/ANTHROPIC_API_KEY}
    model_info: {id: anth}
  - model_name: llama 3 (all)
    litellm_params: {model: openai/meta-llama/Llama-3.1-8B, api_base: "http://10.0.0.1:8000/v1", api_key: none}
    model_info: {id: near}
  - model_name: llama 3 (all)
    litellm_params: {model: hosted_vllm/llama, api_base: "http://10.0.0.2:8000/v1/"}
    model_info: {id: far, input_cost_per_token: 0.00000002, output_cost_per_token: 4e-8}
  - model_name: llama 3 (all)
    litellm_params: {model: groq/llama-3.1-8b-instant, api_key: os.environ/GROQ_API_KEY}
    model_info: {id: groq-1}
  - model_name: llama 3 (all)
    litellm_params: {model: groq/llama-3.1-8b-instant, api_key: os.environ/GROQ_API_KEY_2}
    model_info: {id: groq-2}
  - model_name: local
    litellm_params: {model: "ollama_chat/llama3.2:1b", api_base: "http://localhost:11434"}
    model_info: {id: here}
  - model_name: vectors
    litellm_params: {model: text-embedding-3-small, api_key: os.environ/OPENAI_API_KEY}
    model_info: {id: emb, mode: embedding}
general_settings: {master_key: sk-1234}
"""


def made(text: str, env: dict[str, str] | None = None) -> FromLitellm:
    found = read_litellm(text, "config.yaml", catalogue())
    return from_litellm(
        found, catalogue(), ConversionRequest(source=Path("config.yaml"), output=Path("pw.yaml"), at=AT, env=env or {})
    )


def loaded(folder: Path, text: str) -> Config:
    """What our loader makes of it, with every variable set that it names."""
    ours = made(text).text
    assert ours is not None
    assert SECRET not in ours
    env = dict.fromkeys(re.findall(r"[^$]\$\{env:(\w+)", ours), "k3y")
    env |= {name: "https://host.example.com" for name in env if name.endswith("_BASE")}
    env |= {name: "eu-west-1" for name in env if "REGION" in name}
    file = folder / "pw.yaml"
    file.write_text(ours.replace("store: sqlite:", f"store: sqlite:///{folder}/"), encoding="utf-8")
    return load(file, {**ENV, **env}, at=AT)


def one(folder: Path, params: str, info: str = "{id: x}") -> EndpointSpec:
    """The endpoint that one deployment becomes."""
    (found,) = loaded(folder, deployment(params, info)).endpoints
    return found


def deployment(params: str, info: str = "{id: x}") -> str:
    return f"model_list: [{{model_name: m, litellm_params: {params}, model_info: {info}}}]"


def why(params: str, info: str = "{id: x}") -> str:
    """Why a deployment is left out."""
    found = made(deployment(params, info))
    assert found.text is None
    return found.report.splitlines()[1]


def test_a_token_of_entra_is_sent_as_a_bearers() -> None:
    found = made(deployment("{model: azure/d, api_base: https://x.openai.azure.com, azure_ad_token: os.environ/ENTRA}"))
    assert found.text is not None
    assert '"auth": "bearer"' in found.text
    assert "${env:ENTRA}" in found.text


def test_a_file_of_many_providers_loads_as_it_stands(tmp_path: Path) -> None:
    config = loaded(tmp_path, REAL)
    assert [warning.message for warning in config.warnings] == []
    found = {spec.router_ids.get("litellm"): spec for spec in config.endpoints}
    assert {name: (spec.model, spec.endpoint.api, spec.endpoint.model) for name, spec in found.items()} == {
        "azure-eu": ("gpt-4o", "azure_openai", "gpt-4o-eu"),
        "azure-us": ("gpt-4o", "azure_openai", "gpt-4o-us"),
        None: ("gpt-4o", "openai_chat", "gpt-4o"),
        "7": ("reasoner", "azure_openai", "my-deployment"),
        "aws": ("claude", "bedrock_converse", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
        "anth": ("claude", "anthropic_messages", "claude-3-5-sonnet-20241022"),
        "near": ("llama-3-(all)", "openai_chat", "meta-llama/Llama-3.1-8B"),
        "far": ("llama-3-(all)", "openai_chat", "llama"),
        "groq-1": ("llama-3-(all)", "openai_chat", "llama-3.1-8b-instant"),
        "groq-2": ("llama-3-(all)", "openai_chat", "llama-3.1-8b-instant"),
        "here": ("local", "ollama_chat", "llama3.2:1b"),
        "emb": ("vectors", "openai_embeddings", "text-embedding-3-small"),
    }
    addresses = {name: spec.endpoint.base_url for name, spec in found.items()}
    assert addresses["azure-eu"] == "https://my-endpoint-europe.openai.azure.com"
    assert addresses["azure-us"] == "https://my-endpoint-us.openai.azure.com"
    assert addresses["7"] == "https://host.example.com"
    assert addresses["aws"] == "https://bedrock-runtime.us-west-2.amazonaws.com"
    assert addresses["far"] == "http://10.0.0.2:8000/v1"
    assert addresses["groq-2"] == addresses["groq-1"] == "https://api.groq.com/openai/v1"
    options = {name: spec.endpoint.options for name, spec in found.items()}
    assert options["azure-eu"] == {"api_version": "2024-10-21"}
    assert options["azure-us"] == {"api_version": "2023-07-01-preview", "include_usage": False}
    assert options["7"]["max_tokens_field"] == "max_completion_tokens", "what o3-mini needs, under any name"
    assert found["aws"].endpoint.api_key is not None
    assert found["aws"].endpoint.api_key.reveal() == "k3y:k3y"
    assert found["near"].endpoint.api_key is None
    pricing = found["far"].endpoint.pricing
    assert pricing is not None
    assert (pricing.prompt, pricing.completion) == (0.02, 0.04)


def test_variables_stay_by_name_and_unset_ones_are_reported() -> None:
    found = made(REAL, {"GROQ_API_KEY": "set"})
    assert found.text is not None
    for name in ("AZURE_API_KEY_EU", "AZURE_API_BASE", "K1", "GROQ_API_KEY_2"):
        assert f"${{env:{name}}}" in found.text
    (line,) = (line for line in found.report.splitlines() if line.startswith("Set in the environment: "))
    assert "AZURE_API_KEY_EU" in line
    assert "GROQ_API_KEY," not in line


@pytest.mark.parametrize(
    ("params", "variable"),
    [
        (f"{{model: openai/gpt-4o, api_key: {SECRET}}}", "OPENAI_API_KEY"),
        (f"{{model: groq/llama, api_key: {SECRET}}}", "GROQ_API_KEY"),
        (f"{{model: openai/x, api_base: 'https://llm.example.com/v1', api_key: {SECRET}}}", "LLM_EXAMPLE_COM_API_KEY"),
        (f"{{model: openai/x, api_base: 'http://10.0.0.1/v1', api_key: {SECRET}}}", "BACKEND_10_0_0_1_API_KEY"),
        (f"{{model: bedrock/m, aws_region_name: eu-west-1, api_key: {SECRET}}}", "AWS_BEARER_TOKEN_BEDROCK"),
    ],
)
def test_a_key_in_plain_is_not_taken_over_but_becomes_a_variable(tmp_path: Path, params: str, variable: str) -> None:
    found = made(deployment(params))
    assert found.text is not None
    assert SECRET not in found.text + found.report
    assert f"${{env:{variable}}}  # LiteLLM's file has it in plain text" in found.text
    assert f"Set in the environment: {variable}" in found.report
    assert one(tmp_path, params).endpoint.api_key is not None


@pytest.mark.parametrize(
    ("params", "base_url"),
    [
        ("{model: anthropic/claude, api_base: 'https://proxy.example.com'}", "https://proxy.example.com/v1"),
        ("{model: anthropic/claude, api_base: 'https://proxy.example.com/v1/messages'}", "https://proxy.example.com/v1"),
        ("{model: openai/m, api_base: 'http://h:1/v1/chat/completions'}", "http://h:1/v1"),
        ("{model: m, custom_llm_provider: openai, api_base: 'http://h:1/v1'}", "http://h:1/v1"),
        ("{model: openai/m, base_url: 'http://h:1/v1'}", "http://h:1/v1"),
        ("{model: ollama/llama3}", "http://127.0.0.1:11434"),
        ("{model: ollama/llama3, api_base: 'http://gpu:11434/v1'}", "http://gpu:11434"),
        ("{model: azure/d, api_base: 'https://n.openai.azure.com/openai/v1/', api_version: preview}", "https://n.openai.azure.com"),
        ("{model: bedrock/eu-central-1/anthropic.claude-v2}", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("{model: bedrock/converse/amazon.nova-lite-v1:0, aws_region_name: os.environ/AWS_REGION}", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("{model: bedrock/m}", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("{model: bedrock/m, aws_bedrock_runtime_endpoint: 'https://vpce.example.com', aws_region_name: us-east-1}", "https://vpce.example.com"),
        ("{model: mistral/mistral-small}", "https://api.mistral.ai/v1"),
        ("{model: together_ai/x/y}", "https://api.together.xyz/v1"),
        ("{model: gemini/gemini-2.0-flash}", "https://generativelanguage.googleapis.com/v1beta"),
        ("{model: openai/responses/gpt-5}", "https://api.openai.com/v1"),
    ],
)  # fmt: skip
def test_an_address_is_where_litellm_sends_its_requests(tmp_path: Path, params: str, base_url: str) -> None:
    assert one(tmp_path, params).endpoint.base_url == base_url


@pytest.mark.parametrize(
    ("params", "info", "api"),
    [
        ("{model: openai/responses/gpt-5}", "{id: x}", "openai_responses"),
        ("{model: openai/gpt-5}", "{id: x, mode: responses}", "openai_responses"),
        ("{model: openai/nomic-embed, api_base: 'http://h:1/v1'}", "{id: x}", "openai_embeddings"),
        ("{model: openai/m, api_base: 'http://h:1/v1'}", "{id: x, mode: embedding}", "openai_embeddings"),
        ("{model: voyage/voyage-3}", "{id: x}", "openai_embeddings"),
    ],
)
def test_the_api_is_what_the_deployment_is_asked_by(tmp_path: Path, params: str, info: str, api: str) -> None:
    assert one(tmp_path, params, info).endpoint.api == api


@pytest.mark.parametrize(
    ("params", "info", "reason"),
    [
        ("{model: vertex_ai/gemini-1.5-pro}", "{}", "is at vertex_ai, which Providerwatch does not support"),
        ("{model: azure_ai/llama, api_base: 'https://x/models'}", "{}", "is at azure_ai"),
        ("{model: 'anthropic/*'}", "{}", "is a wildcard"),
        ("{model: my-model}", "{}", "names no provider; write litellm_params.model as provider/model"),
        ("{}", "{}", "has no litellm_params.model"),
        ("{model: openai/dall-e-3}", "{}", "is asked for something else than text"),
        ("{model: openai/x}", "{mode: audio_transcription}", "is asked for audio_transcription"),
        ("{model: cohere/rerank-v3}", "{}", "is asked for something else than text"),
        ("{model: gemini/text-embedding-004}", "{}", "serves embeddings, which are not probed at Google Gemini"),
        ("{model: bedrock/amazon.titan-embed-text-v1}", "{}", "serves embeddings, which are not probed"),
        ("{model: azure/text-embedding-ada-002, api_base: 'https://x.openai.azure.com'}", "{}", "serves embeddings"),
        ("{model: azure/responses/gpt-5, api_base: 'https://x.openai.azure.com'}", "{}", "uses the Responses API"),
        ("{model: anthropic/claude}", "{mode: responses}", "uses the Responses API"),
        ("{model: azure/d}", "{}", "has no api_base"),
        ("{model: azure/d, api_base: 'https://x.openai.azure.com', tenant_id: t}", "{}", "Entra"),
        ("{model: hosted_vllm/m}", "{}", "has no api_base"),
        ("{model: cloudflare/@cf/meta/llama}", "{}", "has no api_base"),
        ("{model: bedrock/m, aws_region_name: eu-west-1, aws_role_name: r}", "{}", "uses a role"),
        ("{model: openai/m, api_base: 'ftp://x'}", "{}", "has an api_base that must begin with http:// or https://"),
    ],
)  # fmt: skip
def test_what_cannot_be_probed_is_left_out_with_its_reason(params: str, info: str, reason: str) -> None:
    assert reason in why(params, info)


def test_what_is_left_out_stands_in_the_file_as_a_comment() -> None:
    found = made(REAL).text
    assert found is not None
    assert "Left out" not in found
    more = REAL.replace(
        "general_settings", "  - {model_name: g, litellm_params: {model: vertex_ai/gemini-pro}}\ngeneral_settings"
    )
    found = made(more).text
    assert found is not None
    assert "#   g (vertex_ai/gemini-pro): is at vertex_ai, which Providerwatch does not support\n" in found


def test_a_deployment_without_an_id_gets_the_id_to_add_to_litellms_file(tmp_path: Path) -> None:
    found = made(REAL)
    assert found.text is not None
    assert '#   model_info: {id: "openai:gpt-4o"}   # gpt-4o, gpt-4o\n' in found.text
    assert "1 deployment without model_info.id" in found.report
    ids = [spec.endpoint.id for spec in loaded(tmp_path, REAL).endpoints]
    assert "openai:gpt-4o" in ids, "the plug-in finds an endpoint by its own id, too"


def test_the_same_deployment_under_two_names_is_two_endpoints(tmp_path: Path) -> None:
    twice = "".join(
        f"  - {{model_name: {name}, litellm_params: {{model: openai/gpt-4o}}, model_info: {{id: {name}}}}}\n"
        for name in ("fast", "best")
    )
    specs = loaded(tmp_path, f"model_list:\n{twice}").endpoints
    assert [(spec.model, spec.endpoint.id, spec.router_ids["litellm"]) for spec in specs] == [
        ("fast", "openai:gpt-4o", "fast"),
        ("best", "openai:gpt-4o-2", "best"),
    ]


def test_shared_credentials_are_those_of_the_deployment(tmp_path: Path) -> None:
    text = """\
credential_list:
  - credential_name: team
    credential_values: {api_key: os.environ/TEAM_KEY, api_base: "https://team.openai.azure.com"}
model_list:
  - {model_name: m, litellm_params: {model: azure/d, litellm_credential_name: team}, model_info: {id: x}}
"""
    (spec,) = loaded(tmp_path, text).endpoints
    assert spec.endpoint.base_url == "https://team.openai.azure.com"
    assert "${env:TEAM_KEY}" in str(made(text).text)


@pytest.mark.parametrize("name", ['a "b" #c: {d}', "ünïcode", "x\\y", "${env:HOME}", "null", "true", "1", "- a"])
def test_strange_names_stay_text(tmp_path: Path, name: str) -> None:
    plain = {
        "model_name": name,
        "litellm_params": {"model": f"openai/{name}".replace(" ", "")},
        "model_info": {"id": name},
    }
    text = yaml.safe_dump({"model_list": [plain]}, allow_unicode=True)
    (spec,) = loaded(tmp_path, text).endpoints
    assert spec.router_ids["litellm"] == name.strip()


def test_the_report_says_what_is_next() -> None:
    report = made(REAL).report
    assert report.startswith("config.yaml: 12 of 12 deployments in 6 models\n")
    assert 'callbacks: ["monitor.integrations.litellm.providerwatch"]' in report
    assert report.endswith("Next: providerwatch check --connect -c pw.yaml")
    plugin = 'litellm_settings: {callbacks: ["monitor.integrations.litellm.providerwatch"]}\ninclude: [more.yaml]\n'
    report = made(REAL + plugin).report
    assert "callbacks" not in report
    assert "not read: more.yaml, which it includes" in report


def test_what_is_no_litellm_file_is_refused() -> None:
    for text in ("[]", "a: 1", "model_list: 3"):
        with pytest.raises(ValueError, match="has no `model_list:`"):
            read_litellm(text, "config.yaml", catalogue())
    with pytest.raises(ConfigError, match=r"config\.yaml:1:"):
        read_litellm("{", "config.yaml", catalogue())
    assert made("model_list: [3]").text is None
