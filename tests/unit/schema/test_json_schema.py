"""JSON Schemas from types: what each type becomes, and that values of the type are valid and others are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge, Interval, MaxLen
from jsonschema import Draft202012Validator
from typing_extensions import TypedDict

from monitor.schema.json_schema import Schemas, document_schema
from monitor.schema.types import WHOLE, Day, Field, Moment, StringConstraints, Time, keys
from monitor.scoreboard.schema import scores_schema
from tests.support.board_values import make_board, make_spec


class Colour(StrEnum):
    """What can be seen."""

    RED = "red"
    BLUE = "blue"


class Leaf(TypedDict):
    """What hangs on a branch.

    In autumn it falls.
    """

    colour: Colour
    """What one sees,
    from afar."""
    size_m: NotRequired[Annotated[float, Ge(0), Field(description="Across.")]]
    title: int


class Tree(TypedDict):
    """A leaf with trees."""

    leaf: Leaf
    trees: Sequence[Tree]


class Loose(TypedDict, total=False):
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Bird:
    """Sings."""

    name: str
    """Of the species."""
    age: int = 0
    friends: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Undescribed:
    name: str


Odd = TypedDict("Odd", {"class": Annotated[int, Field(description="A number.")], "from": str})


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (Time, {"type": "string", "format": "date-time"}),
        (Moment, {"type": "string", "format": "date-time"}),
        (Day, {"type": "string", "format": "date"}),
        (object, {}),
        (Any, {}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Annotated[int, Interval(ge=0, le=9), WHOLE], {"type": "integer", "minimum": 0, "maximum": 9}),
        (
            Annotated[str, StringConstraints(pattern="^a", max_length=3), Field(description="A word.")],
            {"type": "string", "pattern": "^a", "maxLength": 3, "description": "A word."},
        ),
        (Annotated[list[int], MaxLen(3)], {"type": "array", "items": {"type": "integer"}, "maxItems": 3}),
        (
            Annotated[dict[str, int], keys(["a", "b"])],
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        ),
    ],
)
def test_a_type_becomes_its_schema(kind: object, schema: dict[str, object]) -> None:
    assert Schemas([kind]).of(kind) == schema
    Draft202012Validator.check_schema(schema)


def test_a_class_becomes_a_definition_with_its_docstrings() -> None:
    schemas = Schemas([Leaf, Leaf])
    assert schemas.of(Leaf) == {"$ref": "#/$defs/Leaf"}
    assert schemas.definitions == {
        "Colour": {"description": "What can be seen.", "enum": ["red", "blue"], "type": "string"},
        "Leaf": {
            "description": "What hangs on a branch.\n\nIn autumn it falls.",
            "type": "object",
            "properties": {
                "colour": {"$ref": "#/$defs/Colour", "description": "What one sees,\nfrom afar."},
                "size_m": {"type": "number", "minimum": 0, "description": "Across."},
                "title": {"type": "integer"},
            },
            "required": ["colour", "title"],
        },
    }


def test_a_dataclass_requires_what_has_no_default() -> None:
    definition = Schemas([Bird]).definitions["Bird"]
    assert definition["required"] == ["name"]
    assert definition["description"] == "Sings."
    properties = definition["properties"]
    assert properties["name"] == {"type": "string", "description": "Of the species."}
    assert properties["friends"] == {"type": "array", "items": {"type": "string"}}


def test_what_python_makes_up_is_no_description() -> None:
    schemas = Schemas([Undescribed, Loose])
    assert "description" not in schemas.definitions["Undescribed"]
    assert "description" not in schemas.definitions["Loose"]
    assert "required" not in schemas.definitions["Loose"]


def test_keys_that_are_no_names_may_be_described_in_place() -> None:
    assert Schemas([Odd]).definitions["Odd"] == {
        "type": "object",
        "properties": {"class": {"type": "integer", "description": "A number."}, "from": {"type": "string"}},
        "required": ["class", "from"],
    }


def test_a_recursive_class_is_supported_and_references_use_the_given_prefix() -> None:
    schemas = Schemas([Tree], "#/components/schemas/")
    assert schemas.of(Tree) == {"$ref": "#/components/schemas/Tree"}
    assert schemas.definitions["Tree"]["properties"] == {
        "leaf": {"$ref": "#/components/schemas/Leaf"},
        "trees": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    }


def test_no_types_have_no_schemas() -> None:
    schemas = Schemas([])
    assert schemas.definitions == {}


def test_only_a_closed_schema_refuses_what_is_not_declared() -> None:
    leaf, bird = {"colour": "red", "title": 1}, {"name": "robin"}
    for closed in (True, False):
        validator = Draft202012Validator(document_schema(Leaf, "leaf", closed=closed))
        assert validator.is_valid(leaf)
        assert validator.is_valid({**leaf, "more": 1}) is not closed
        assert not validator.is_valid({**leaf, "colour": "green"})
        assert not validator.is_valid({"colour": "red"})
        birds = Draft202012Validator(document_schema(Bird, "bird", closed=closed))
        assert birds.is_valid(bird)
        assert birds.is_valid({**bird, "more": 1}) is not closed


# The scores document


def test_the_schema_of_the_scores_is_one_and_describes_every_class_that_has_a_docstring() -> None:
    schema = scores_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == "providerwatch/scores/v1"
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    assert definitions["EndpointScore"]["description"] == "One endpoint: one model at one provider."
    assert definitions["EndpointScore"]["properties"]["score"]["description"].startswith("The estimated probability")


def test_a_document_misses_no_key_and_has_none_too_many() -> None:
    validator = Draft202012Validator(scores_schema(closed=True))
    plain = json.loads(make_board(make_spec()).snapshot.body)
    validator.validate(plain)
    for row in (plain, plain["endpoints"][0], plain["endpoints"][0]["uptime"]["5m"]):
        for key in list(row):
            value = row.pop(key)
            assert not validator.is_valid(plain)
            row[key] = value
        row["more"] = None
        assert not validator.is_valid(plain)
        del row["more"]
