"""JSON Schemas from types: what each type becomes, and that values of the type are valid and others are not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator

from monitor.schema.json_schema import Schemas, Words, document_schema
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
    size_m: NotRequired[Annotated[float, Words(minimum=0), "Across."]]
    plain: int


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


Odd = TypedDict("Odd", {"class": Annotated[int, "A number."], "from": str})


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (object, {}),
        (Any, {}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Mapping[str, object], {"type": "object", "additionalProperties": {}}),
        (Annotated[int, Words(minimum=0, maximum=9)], {"type": "integer", "minimum": 0, "maximum": 9}),
        (
            Annotated[str, Words(pattern="^a", format="uri", max_length=3), "Words."],
            {"type": "string", "pattern": "^a", "format": "uri", "maxLength": 3, "description": "Words."},
        ),
        (Annotated[list[int], Words(max_items=3)], {"type": "array", "items": {"type": "integer"}, "maxItems": 3}),
        (
            Annotated[dict[str, int], Words(keys=("a", "b"))],
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        ),
        (Annotated[int, 7], {"type": "integer"}),
    ],
)
def test_a_type_becomes_its_schema(kind: object, schema: dict[str, object]) -> None:
    assert Schemas().of(kind) == schema
    Draft202012Validator.check_schema(schema)


def test_a_class_becomes_a_definition_with_its_docstrings() -> None:
    schemas = Schemas()
    assert schemas.of(Leaf) == {"$ref": "#/$defs/Leaf"}
    assert schemas.definitions == {
        "Colour": {"description": "What can be seen.", "enum": ["red", "blue"]},
        "Leaf": {
            "description": "What hangs on a branch.\n\nIn autumn it falls.",
            "type": "object",
            "properties": {
                "colour": {"$ref": "#/$defs/Colour", "description": "What one sees,\nfrom afar."},
                "size_m": {"type": "number", "minimum": 0, "description": "Across."},
                "plain": {"type": "integer"},
            },
            "required": ["colour", "plain"],
        },
    }


def test_a_dataclass_requires_what_has_no_default() -> None:
    schemas = Schemas()
    schemas.of(Bird)
    definition = schemas.definitions["Bird"]
    assert definition["required"] == ["name"]
    assert definition["description"] == "Sings."
    assert definition["properties"] == {
        "name": {"type": "string", "description": "Of the species."},
        "age": {"type": "integer"},
        "friends": {"type": "array", "items": {"type": "string"}},
    }


def test_what_python_makes_up_is_no_description() -> None:
    schemas = Schemas()
    schemas.of(Undescribed)
    schemas.of(Loose)
    assert "description" not in schemas.definitions["Undescribed"]
    assert "description" not in schemas.definitions["Loose"]
    assert schemas.definitions["Loose"]["required"] == []


def test_keys_that_are_no_names_may_be_described_in_place() -> None:
    schemas = Schemas()
    schemas.of(Odd)
    assert schemas.definitions["Odd"] == {
        "type": "object",
        "properties": {"class": {"type": "integer", "description": "A number."}, "from": {"type": "string"}},
        "required": ["class", "from"],
    }


def test_a_class_may_contain_itself_and_references_have_the_given_prefix() -> None:
    schemas = Schemas("#/components/schemas/")
    assert schemas.of(Tree) == {"$ref": "#/components/schemas/Tree"}
    assert schemas.definitions["Tree"]["properties"] == {
        "leaf": {"$ref": "#/components/schemas/Leaf"},
        "trees": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    }


@pytest.mark.parametrize("kind", [bytes, set[int], object(), complex])
def test_a_type_that_json_has_no_word_for_is_an_error(kind: object) -> None:
    with pytest.raises(TypeError, match="no JSON Schema for the type"):
        Schemas().of(kind)


def test_two_classes_of_one_name_are_an_error() -> None:
    other = make_dataclass("Bird", [("wings", int)])
    schemas = Schemas()
    schemas.of(Bird)
    with pytest.raises(TypeError, match="two classes have the name Bird"):
        schemas.of(other)


def test_only_a_closed_schema_refuses_what_is_not_declared() -> None:
    leaf = {"colour": "red", "plain": 1}
    for closed in (True, False):
        validator = Draft202012Validator(document_schema(Leaf, "leaf", closed=closed))
        assert validator.is_valid(leaf)
        assert validator.is_valid({**leaf, "more": 1}) is not closed
        assert not validator.is_valid({**leaf, "colour": "green"})
        assert not validator.is_valid({"colour": "red"})


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
