"""Configuration of published lists: every key is optional, every key is used, and mistakes are reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from monitor.config import Catalogue, Config, Entry
from monitor.config.listing import Architecture, Listing, ModelCard, ProviderCard

Load = Callable[..., Config]
Lines = Callable[..., list[str]]

WHOLE = """\
providers:
  groq:
    api: openai_chat
    base_url: https://api.groq.com/openai/v1
    name: Groq Inc.
    status_page_url: https://status.groq.com/?all#now
    privacy_policy_url: https://groq.com/privacy
    terms_of_service_url: https://groq.com/terms
models:
  meta/llama:
    context_length: 8192
    created: 2024-09-25
    description: |
      Small.

      And quick.
    architecture:
      tokenizer: Llama3
      instruct_type: llama3
      modality: text+image->text
      input_modalities: [text, image]
      output_modalities: [text]
    supported_parameters: [tools, temperature]
    endpoints:
      - provider: groq
        model: one
        context_length: 4096
        max_prompt_tokens: 4000
        max_completion_tokens: 512
        quantization: fp8
        supported_parameters: []
        tag: groq/fast
        implicit_caching: true
      - {provider: groq, model: two}
"""
BASE = """\
providers: {groq: {api: openai_chat, base_url: "http://h"}}
models: {meta/llama: {endpoints: [{provider: groq, model: m}]}}
"""


def test_all_that_is_written_for_lists_is_used(load_text: Load) -> None:
    one, two = load_text(WHOLE).endpoints
    architecture = Architecture(
        tokenizer="Llama3", instruct_type="llama3", modality="text+image->text", input_modalities=("text", "image")
    )
    model = ModelCard(
        created=datetime(2024, 9, 25, tzinfo=UTC), description="Small.\n\nAnd quick.", architecture=architecture
    )
    provider = ProviderCard(
        name="Groq Inc.",
        status_page_url="https://status.groq.com/?all#now",
        privacy_policy_url="https://groq.com/privacy",
        terms_of_service_url="https://groq.com/terms",
    )
    assert one.listing == Listing(
        model=model,
        provider=provider,
        tag="groq/fast",
        quantization="fp8",
        max_completion_tokens=512,
        max_prompt_tokens=4000,
        supported_parameters=(),
        implicit_caching=True,
    )
    assert two.listing == Listing(model=model, provider=provider, supported_parameters=("tools", "temperature"))
    assert (one.context_length, two.context_length) == (4096, 8192)


def test_nothing_of_it_is_needed(load_text: Load) -> None:
    (spec,) = load_text(BASE).endpoints
    assert spec.listing == Listing()


def test_a_model_with_dimensions_gives_embeddings(load_text: Load) -> None:
    (spec,) = load_text(BASE.replace("endpoints", "dimensions: 8, endpoints")).endpoints
    assert spec.listing.model.architecture.output_modalities == ("embeddings",)


def test_a_provider_of_the_catalogue_is_called_what_it_says_there(load_text: Load) -> None:
    known = Catalogue(providers={"swift": Entry(title="Swift AI", api="openai_chat", base_url="http://h", local=True)})
    text = "models: {a/b: {endpoints: [{provider: swift, model: m}]}}"
    (spec,) = load_text(text, {}, known).endpoints
    assert spec.listing.provider.name == "Swift AI"
    (spec,) = load_text(f"providers: {{swift: {{name: Ours}}}}\n{text}", {}, known).endpoints
    assert spec.listing.provider.name == "Ours"


def test_a_time_with_a_zone_is_a_day_too(load_text: Load) -> None:
    (spec,) = load_text(BASE.replace("endpoints", "created: 2024-09-25T01:00+01:00, endpoints")).endpoints
    assert spec.listing.model.created == datetime(2024, 9, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "endpoint", "provider", "message"),
    [
        ("created: soon", "", "", "created: 'soon' is not a date and time"),
        ("created: 2024-13-01", "", "", "created: '2024-13-01' is not a date; write for example 2024-09-25"),
        ("created: 2024", "", "", "created: is not a date and time"),
        ("description: ''", "", "", "description: is empty"),
        ('description: "a\\tb"', "", "", "description: must not contain control characters other than line breaks"),
        (f"description: {'x' * 10_001}", "", "", "description: is too long; at most 10000 characters are allowed"),
        ("architecture: {tokeniser: x}", "", "", "architecture.tokeniser: unknown key (did you mean 'tokenizer'?)"),
        (
            "architecture: {input_modalities: [smell]}",
            "",
            "",
            "input_modalities[0]: 'smell' is not known; write one of",
        ),
        ("architecture: {output_modalities: []}", "", "", "output_modalities: is empty"),
        ("architecture: {input_modalities: [text, text]}", "", "", "input_modalities: names something twice"),
        ("supported_parameters: [a b]", "", "", "supported_parameters[0]: 'a b' must not contain spaces"),
        ("", "supported_parameters: tools", "", "supported_parameters: must be a list"),
        ("", "quantization: fp9", "", "quantization: 'fp9' is not known; write one of int4, int8"),
        ("", "max_prompt_tokens: 0", "", "max_prompt_tokens: must be at least 1"),
        ("", "max_completion_tokens: many", "", "max_completion_tokens: must be a whole number"),
        ("", "context_length: 1.5", "", "context_length: must be a whole number"),
        ("", "tag: ''", "", "tag: is empty"),
        ("", "implicit_caching: 1", "", "implicit_caching: must be true or false"),
        ("", "", "status_page_url: ftp://x", "status_page_url: is not the address of a page; write https://host/path"),
        (
            "",
            "",
            "status_page_url: https://u:p@h/",
            "status_page_url: must not contain a user or password: the link is",
        ),
        ("", "", "privacy_policy_url: 'https://[x'", "privacy_policy_url: is not an address"),
        ("", "", "terms_of_service_url: https://a b/", "terms_of_service_url: is not the address of a page"),
        ("", "", "name: 1", "name: must be text"),
    ],
)
def test_a_mistake_is_reported_at_its_place(
    lines: Lines, model: str, endpoint: str, provider: str, message: str
) -> None:
    text = f"""\
providers:
  groq:
    api: openai_chat
    base_url: http://h
    {provider}
models:
  meta/llama:
    {model}
    endpoints:
      - provider: groq
        model: m
        {endpoint}
"""
    (line,) = lines(text)
    assert message in line
