"""The table of statuses stands once in the code and once in the docs, and both say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from probes._errors import STATUS_CLASSES, status_class
from probes._model import ErrorClass

PAGE = Path(__file__).parents[3] / "docs" / "verdicts.md"
ROWS = re.findall(r"^\| ([\d, ]+|any other \dxx) \| `(\w+)` \|$", PAGE.read_text(), re.MULTILINE)
WRITTEN = {int(status): word for statuses, word in ROWS if statuses[0].isdigit() for status in statuses.split(", ")}


def test_every_status_of_the_table_is_documented_with_its_class() -> None:
    assert {status: error.value for status, error in STATUS_CLASSES.items()} == WRITTEN


@pytest.mark.parametrize(("hundred", "word"), [(row[0][-3], row[1]) for row in ROWS if row[0].startswith("any")])
def test_every_other_status_has_the_class_of_its_hundred(hundred: str, word: str) -> None:
    others = set(range(int(hundred) * 100, int(hundred) * 100 + 100)) - WRITTEN.keys()
    assert {status_class(status) for status in others} == {ErrorClass(word)}


def test_every_class_is_explained() -> None:
    page = PAGE.read_text()
    assert [error for error in ErrorClass if f"`{error}`" not in page] == []
