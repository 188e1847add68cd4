"""What is told of models, providers and endpoints where offers are compared: nothing that probing needs. Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

TEXT: Final = "text"
INPUTS: Final = (TEXT, "image", "file", "audio", "video")
"""What a model may read."""
OUTPUTS: Final = (TEXT, "image", "audio", "video", "embeddings", "rerank", "decisions", "speech", "transcription")
"""What a model may give."""
QUANTIZATIONS: Final = (
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown",
)  # fmt: skip
"""How coarse an endpoint's weights may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a model reads and gives."""

    tokenizer: str | None = None
    """The family of its tokenizer, such as Llama3."""
    instruct_type: str | None = None
    """The template of its prompts, such as llama3."""
    modality: str | None = None
    """Such as text+image->text; made of the two below if not written."""
    input_modalities: tuple[str, ...] = (TEXT,)
    output_modalities: tuple[str, ...] = (TEXT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model as a list of models shows it."""

    created: datetime | None = None
    """When it was published."""
    description: str = ""
    architecture: Architecture = Architecture()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCard:
    """A provider as a list of providers shows it."""

    name: str | None = None
    """What people call it."""
    status_page_url: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An endpoint as a list of offers shows it."""

    model: ModelCard = ModelCard()
    provider: ProviderCard = ProviderCard()
    tag: str | None = None
    """What routers call this offer among others of the same model, such as deepinfra/turbo."""
    quantization: str | None = None
    max_completion_tokens: int | None = None
    max_prompt_tokens: int | None = None
    supported_parameters: tuple[str, ...] | None = None
    """None: not known."""
    implicit_caching: bool = False
    """Whether the provider keeps the heads of prompts without being asked to."""


UNLISTED: Final = Listing()
"""Nothing is told."""
