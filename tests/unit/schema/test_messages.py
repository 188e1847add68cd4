"""Errors are said in the same words everywhere, and none is without words."""

from __future__ import annotations

import pytest

from monitor.schema.messages import message


@pytest.mark.parametrize(
    ("kind", "context", "told"),
    [
        ("greater_than_equal", {"ge": 0.0}, "must be at least 0"),
        ("less_than_equal", {"le": 1_000_000_000}, "must be at most 1000000000"),
        ("greater_than", {"gt": 0.5}, "must be more than 0.5"),
        ("list_type", {}, "must be a list"),
        ("dict_type", {}, "of its own"),
        ("an_error_of_a_later_pydantic", {"x": 1}, "cannot be used"),
    ],
)
def test_each_type_of_error_has_its_message(kind: str, context: dict[str, object], told: str) -> None:
    assert message(kind, context, {"dict_type": "of its own"}) == told
