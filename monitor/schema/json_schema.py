"""JSON Schemas made from types by pydantic. Pure.

A class becomes a definition under its name, with its docstring and those of its fields as descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

DIALECT: Final = GenerateJsonSchema.schema_dialect


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles, which only repeat the names of fields and classes."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401  # as in the base class
        return False


class Schemas:
    """The schemas of types, which share definitions.

    `closed` forbids keys that are not declared: for requests, and for tests. Clients should accept keys in answers that
    later versions add.
    """

    def __init__(self, kinds: Iterable[Any], at: str = "#/$defs/", *, closed: bool = False) -> None:
        """`at`: where the definitions will be."""
        several: Any = tuple(dict.fromkeys(kinds))
        config = ConfigDict(use_attribute_docstrings=True, extra="forbid" if closed else "ignore")
        # One type of all: pydantic then builds the schema of each class once, and with this configuration.
        adapter = TypeAdapter[Any](tuple[several], config=config)
        schema = adapter.json_schema(ref_template=f"{at}{{model}}", schema_generator=_WithoutTitles)
        self._of: dict[object, dict[str, Any]] = dict(zip(several, schema.get("prefixItems", ()), strict=True))
        self.definitions = {name: _untitled(part) for name, part in schema.get("$defs", {}).items()}

    def of(self, kind: object) -> dict[str, Any]:
        """The schema of one of the types."""
        return self._of[kind]


def document_schema(kind: object, title: str, *, closed: bool = False) -> dict[str, object]:
    """A complete schema document of a type."""
    schemas = Schemas([kind], closed=closed)
    return {"$schema": DIALECT, "title": title, **schemas.of(kind), "$defs": schemas.definitions}


def _untitled(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {keyword: value for keyword, value in schema.items() if keyword != "title"}
