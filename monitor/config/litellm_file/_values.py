"""What a LiteLLM configuration says, in the words of ours; and how its plain data is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.config._catalogue import Entry

EMBEDDINGS = "openai_embeddings"

Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """How our file refers to a key."""

    text: str | None = None
    """None: there is none, or it is the catalogue's usual variable."""
    is_plain: bool = False
    """Whether LiteLLM's file holds the key itself, so that the variable is still to be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment that can be probed."""

    model_name: str
    """What callers of LiteLLM ask for."""
    provider: str
    """Of our catalogue, or `openai` for whatever copies its API."""
    entry: Entry | None
    """What the catalogue knows of that address; None of an address of the user's own."""
    api: str
    model: str
    """As the provider calls it."""
    base_url: str | None = None
    """As our file writes it, `${env:NAME}` included; None: the catalogue's."""
    key: KeyReference = KeyReference()
    provider_options: Fields = field(default_factory=dict)
    options: Fields = field(default_factory=dict)
    id: str | None = None
    """`model_info.id`; None: LiteLLM makes a hash of the parameters."""
    pricing: Mapping[str, float] = field(default_factory=dict)
    """USD per million tokens, where the file says it."""

    @property
    def embeds(self) -> bool:
        """Whether it is asked for embeddings."""
        return self.api == EMBEDDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One that cannot, and why."""

    model_name: str
    model: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of a file."""

    deployments: tuple[Deployment, ...]
    left_out: tuple[LeftOut, ...]
    has_plugin: bool
    """Whether our plug-in is among LiteLLM's callbacks."""
    includes: tuple[str, ...] = ()
    """Other files that it is made of, and which are not looked at."""


class UnfitError(Exception):
    """A deployment that cannot be probed; the message says why."""


def mapping(source: Fields, key: str) -> Fields:
    """The mapping under a key, an empty one if it is something else."""
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def text(source: Fields, key: str) -> str:
    """The text under a key, empty if it is something else."""
    value = source.get(key)
    return value.strip() if isinstance(value, str) else ""


def words(source: Fields, key: str) -> list[str]:
    """The texts of the list under a key."""
    value = source.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
