"""Descriptive data of models, providers and endpoints for published lists. Probing does not need it. Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

TEXT: Final = "text"
INPUTS: Final = (TEXT, "image", "file", "audio", "video")
"""The input modalities of models."""
OUTPUTS: Final = (TEXT, "image", "audio", "video", "embeddings", "rerank", "decisions", "speech", "transcription")
"""The output modalities of models."""
QUANTIZATIONS: Final = (
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown",
)  # fmt: skip
"""The number formats of an endpoint's weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The input and output of a model."""

    tokenizer: str | None = None
    """The family of the tokenizer, such as Llama3."""
    instruct_type: str | None = None
    """The prompt template, such as llama3."""
    modality: str | None = None
    """Such as text+image->text; None: derived from the two fields below."""
    input_modalities: tuple[str, ...] = (TEXT,)
    output_modalities: tuple[str, ...] = (TEXT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model in a list of models."""

    created: datetime | None = None
    """The publication date."""
    description: str = ""
    architecture: Architecture = Architecture()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCard:
    """A provider in a list of providers."""

    name: str | None = None
    """The display name."""
    status_page_url: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An endpoint in a list of endpoints."""

    model: ModelCard = ModelCard()
    provider: ProviderCard = ProviderCard()
    tag: str | None = None
    """The name that distinguishes this endpoint from others of the same model, such as deepinfra/turbo."""
    quantization: str | None = None
    max_completion_tokens: int | None = None
    max_prompt_tokens: int | None = None
    supported_parameters: tuple[str, ...] | None = None
    """None: not known."""
    implicit_caching: bool = False
    """Whether the provider caches the beginnings of prompts without a request to do so."""


UNLISTED: Final = Listing()
"""An endpoint without descriptive data."""
