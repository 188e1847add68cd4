"""What every mapping of the file is made of: known keys, described by docstrings, with the defaults of `model`."""

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
    """Keys that a later version brings."""

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """The keys as they are written."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


def default_of(owner: type, name: str) -> Any:  # noqa: ANN401  # the type of the field, whatever it is
    """The default of a field."""
    [value] = [field.default for field in dataclasses.fields(owner) if field.name == name]
    return value


def seconds_of(name: str, owner: type = ProbeSpec) -> Any:  # noqa: ANN401  # text in the schema, seconds once validated
    """A field for a duration: text in the file, seconds as its default."""
    return Field(default=as_duration(default_of(owner, name)), validate_default=True)
