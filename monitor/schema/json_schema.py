"""JSON Schemas made from types: TypedDicts, dataclasses, enums and the types in them. Pure.

A class becomes a definition under its name, with its docstring and those of its fields as descriptions.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Mapping[object, Mapping[str, object]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    object: {},
    Any: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Keywords of JSON Schema that a type cannot express, for `Annotated`; a plain string there is the description."""

    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    format: str | None = None
    keys: tuple[str, ...] | None = None
    """The keys of a mapping, all required."""

    def onto(self, schema: dict[str, object]) -> dict[str, object]:
        """A schema with these keywords."""
        keywords = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "maxLength": self.max_length,
            "maxItems": self.max_items,
            "pattern": self.pattern,
            "format": self.format,
        }
        schema = {**schema, **{word: value for word, value in keywords.items() if value is not None}}
        if self.keys is not None:
            of_each = schema.pop("additionalProperties")
            schema |= {"properties": dict.fromkeys(self.keys, of_each), "required": list(self.keys)}
        return schema


class Schemas:
    """Turns types into schemas that share definitions.

    `closed` forbids keys that are not declared. It is for tests; clients should accept keys that later versions add.
    """

    def __init__(self, at: str = "#/$defs/", *, closed: bool = False) -> None:
        self._at = at
        self._closed = closed
        self._named: dict[str, object] = {}
        self.definitions: dict[str, dict[str, object]] = {}

    def of(self, kind: Any) -> dict[str, object]:  # noqa: ANN401  # any type at all
        """The schema of a type. Raises TypeError for a type without a JSON form, or two classes with one name."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin = get_origin(kind)
        if origin is None:
            return self._of_class(kind)
        return self._of_form(origin, get_args(kind))

    def _of_form(self, origin: Any, arguments: tuple[Any, ...]) -> dict[str, object]:  # noqa: ANN401
        match origin:
            case _ if origin is Annotated:
                return self._annotated(*arguments)
            case _ if origin is Literal:
                return {"enum": list(arguments)}
            case _ if origin in {Union, types.UnionType}:
                return {"anyOf": [self.of(item) for item in arguments]}
            case _ if origin is tuple and arguments[1:] != (...,):
                items = [self.of(item) for item in arguments]
                return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
            case _ if issubclass(origin, Sequence):
                return {"type": "array", "items": self.of(arguments[0])}
            case _ if issubclass(origin, Mapping):
                return {"type": "object", "additionalProperties": self.of(arguments[1])}
            case _:
                raise TypeError(f"no JSON Schema for the type {origin!r}")

    def _annotated(self, kind: object, *keywords: object) -> dict[str, object]:
        schema = self.of(kind)
        for item in keywords:
            match item:
                case Words():
                    schema = item.onto(schema)
                case str():
                    schema = {**schema, "description": item}
        return schema

    def _of_class(self, kind: Any) -> dict[str, object]:  # noqa: ANN401
        if not isinstance(kind, type) or not (is_typeddict(kind) or is_dataclass(kind) or issubclass(kind, Enum)):
            raise TypeError(f"no JSON Schema for the type {kind!r}")
        name = kind.__name__
        if self._named.setdefault(name, kind) is not kind:
            raise TypeError(f"two classes have the name {name}")
        if name not in self.definitions:
            self.definitions[name] = {}  # a recursive type finds this entry
            self.definitions[name] = {**_description(kind), **self._definition(kind)}
        return {"$ref": f"{self._at}{name}"}

    def _definition(self, kind: Any) -> dict[str, object]:  # noqa: ANN401
        if issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        hints = get_type_hints(kind, include_extras=True)
        docs = _field_docs(kind)
        properties = {name: {**self.of(_bare(hint)), **docs.get(name, {})} for name, hint in hints.items()}
        schema: dict[str, object] = {"type": "object", "properties": properties, "required": [*_required(kind, hints)]}
        return {**schema, "additionalProperties": False} if self._closed else schema


def document_schema(kind: object, title: str, *, closed: bool = False) -> dict[str, object]:
    """A complete schema document of a type."""
    schemas = Schemas(closed=closed)
    root = schemas.of(kind)
    return {"$schema": DIALECT, "title": title, **root, "$defs": schemas.definitions}


def _bare(hint: Any) -> object:  # noqa: ANN401
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def _required(kind: Any, hints: Mapping[str, object]) -> Iterator[str]:  # noqa: ANN401
    if is_dataclass(kind):
        yield from (field.name for field in fields(kind) if field.default is field.default_factory is MISSING)
        return
    # Not __required_keys__: it counts postponed annotations as required.
    yield from (name for name, hint in hints.items() if kind.__total__ and get_origin(hint) is not NotRequired)


def _description(kind: type) -> dict[str, object]:
    text = kind.__doc__
    made_up = text is None or (is_dataclass(kind) and text.startswith(f"{kind.__name__}("))
    return {} if made_up else {"description": inspect.cleandoc(text or "")}


def _field_docs(kind: type) -> dict[str, dict[str, object]]:
    """The docstrings below a class's fields, read from its source; a class made by a call has none."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, dict[str, object]] = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = {"description": inspect.cleandoc(text)}
    return docs
