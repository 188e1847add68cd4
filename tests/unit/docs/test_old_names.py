"""No module, class, public function, log message or heading bears one of the old names that only their author knew."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OLD = re.compile(
    "piecemeal|respite|lookout|witness|side_?by_?side|entrance|shelf|standing|intake|offering|docket|outlook",
    re.IGNORECASE,
)
MODULES = [
    path
    for folder in ("monitor", "probes")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(path: Path) -> Iterator[str]:
    """What a module names for others: itself, its classes, its public functions, what it logs."""
    yield str(path.relative_to(ROOT))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("_"):
                yield node.name
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
            yield from (
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def test_no_old_name_is_left_in_the_code() -> None:
    assert [f"{path.name}: {name}" for path in MODULES for name in named(path) if OLD.search(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_old_name_is_left_in_a_heading(page: Path) -> None:
    headings = re.findall(r"^#+ .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [heading for heading in headings if OLD.search(heading)] == []
