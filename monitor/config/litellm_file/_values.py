"""The result of reading a LiteLLM configuration, and helpers that read plain data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.config._catalogue import Entry

EMBEDDINGS = "openai_embeddings"

Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """A reference to a key in the notation of the configuration."""

    text: str | None = None
    """None: there is no key, or it is the catalogue's usual variable."""
    is_plain: bool = False
    """Whether LiteLLM's file contains the key in plain text, so that the user must still set the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment that can be probed."""

    model_name: str
    """The model name in requests to LiteLLM."""
    provider: str
    """A name in the catalogue, or `openai` for an OpenAI-compatible API."""
    entry: Entry | None
    """The catalogue's entry for the address; None for the user's own address."""
    api: str
    model: str
    """The provider's name of the model."""
    base_url: str | None = None
    """In the notation of the configuration, may contain `${env:NAME}`; None: the catalogue's address."""
    key: KeyReference = KeyReference()
    provider_options: Fields = field(default_factory=dict)
    options: Fields = field(default_factory=dict)
    id: str | None = None
    """`model_info.id`; None: LiteLLM makes a hash of the parameters."""
    pricing: Mapping[str, float] = field(default_factory=dict)
    """USD per million tokens, if the file contains prices."""

    @property
    def embeds(self) -> bool:
        """Whether the deployment serves embeddings."""
        return self.api == EMBEDDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A deployment that cannot be probed, and the reason."""

    model_name: str
    model: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result for a whole file."""

    deployments: tuple[Deployment, ...]
    left_out: tuple[LeftOut, ...]
    has_plugin: bool
    """Whether Providerwatch's plug-in is in LiteLLM's callbacks."""
    includes: tuple[str, ...] = ()
    """Included files, which are not read."""


class UnsupportedDeploymentError(Exception):
    """A deployment that cannot be probed; the message says why."""


def mapping(source: Fields, key: str) -> Fields:
    """The mapping under a key; empty if the value is not a mapping."""
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def text(source: Fields, key: str) -> str:
    """The text under a key; empty if the value is not text."""
    value = source.get(key)
    return value.strip() if isinstance(value, str) else ""


def words(source: Fields, key: str) -> list[str]:
    """The texts of the list under a key."""
    value = source.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
