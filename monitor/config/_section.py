"""The base class of every mapping in the file: known keys, described by docstrings, with the defaults of `model`."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from monitor.config._values import as_duration
from monitor.config.model import ProbeSpec


class Section(BaseModel):
    """A mapping of the file whose keys are known."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    later: ClassVar[frozenset[str]] = frozenset()
    """Keys of a later version. The error message says that this version does not support them."""

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """The keys as the file spells them."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


def default_of(owner: type, name: str) -> Any:  # noqa: ANN401  # each field has its own type
    """The default of a field."""
    [value] = [field.default for field in dataclasses.fields(owner) if field.name == name]
    return value


def seconds_of(name: str, owner: type = ProbeSpec) -> Any:  # noqa: ANN401  # text in the schema, seconds once validated
    """A field for a duration: text in the file, seconds as its default."""
    return Field(default=as_duration(default_of(owner, name)), validate_default=True)
