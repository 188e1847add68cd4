"""The rules of layout and naming that CONTRIBUTING.md states, held by a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
OLD_NAMES: Final = re.compile(
    r"\b(piecemeal|respites?|lookouts?|witness(?:es)?|sidebyside|entrances?|shelf|shelves|standing|intakes?|offerings?"
    r"|dockets?|outlooks?)\b",
    re.IGNORECASE,
)
"""Names that parts of the program had before; each has been replaced by the usual word of the field."""
WORD_BREAK: Final = re.compile(r"_|(?<=[a-z0-9])(?=[A-Z])")
"""Where one word of an identifier ends and the next begins."""
MIGRATIONS: Final = "monitor/store/migrations/versions/"
"""Migrations are never edited once they are released."""
REFERENCE: Final = re.compile(r"\b[Ss]ee\s+`(\w+)(?:\.(\w+))?`")
"""A reference to a class's attribute, or to a module."""
MOST_LINES_A_FILE: Final = 400
MOST_LINES_A_FUNCTION: Final = 60


def files(*names: str) -> list[str]:
    """The files of these folders, or these files, by their paths from the root."""
    found = [path for name in names for path in (ROOT / name).rglob("*") if path.is_file()]
    found += [ROOT / name for name in names if (ROOT / name).is_file()]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts)


def sources(*folders: str) -> list[str]:
    return [name for name in files(*folders) if name.endswith(".py") and not name.startswith(MIGRATIONS)]


def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"))


def old_names(text: str) -> list[str]:
    return [found[0] for found in OLD_NAMES.finditer(WORD_BREAK.sub(" ", text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class NetworkLookout:", ["Lookout"]),
        ("self._best_witnesses", ["witnesses"]),
        ("an outstanding request", []),
        ("a standing order", ["standing"]),
    ],
)
def test_an_old_name_is_found_as_a_word_and_within_an_identifier(text: str, found: list[str]) -> None:
    assert old_names(text) == found


def test_no_file_has_an_old_name() -> None:
    found = files("monitor", "probes", "benchmarks", "grafana", "docs", "tests")
    assert [name for name in found if old_names(name)] == []


def test_no_source_holds_an_old_name() -> None:
    found = []
    for name in sources("monitor", "probes", "benchmarks", "grafana"):
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1):
            found += [f"{name}:{number}: {word}" for word in old_names(line)]
    assert found == []


def test_no_heading_holds_an_old_name() -> None:
    found = []
    for name in files("README.md", "docs"):
        if name.endswith(".md"):
            headings = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.startswith("#")]
            found += [f"{name}: {line}" for line in headings if old_names(line)]
    assert found == []


def test_a_class_name_is_used_once() -> None:
    places: dict[str, list[str]] = {}
    for name in sources("monitor", "probes"):
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_what_a_comment_refers_to_exists() -> None:
    names = sources("monitor", "probes", "tests/support")
    kinds = [node for name in names for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef)]
    attributes = {kind.name: attributes_of(kind) for kind in kinds}
    found = []
    for name in names:
        for first, second in REFERENCE.findall((ROOT / name).read_text("utf-8")):
            is_there = second in attributes.get(first, ()) if second else has_module(ROOT / name, first)
            if not is_there:
                found.append(f"{name}: {first}.{second}" if second else f"{name}: {first}")
    assert found == []


def attributes_of(kind: ast.ClassDef) -> set[str]:
    """The methods and fields of a class, without inherited ones."""
    methods = {node.name for node in kind.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return methods | {ast.unparse(node.target) for node in kind.body if isinstance(node, ast.AnnAssign)}


def has_module(path: Path, name: str) -> bool:
    """Whether the folder of a file, or the folder above it, has a module of this name."""
    return path.with_name(f"{name}.py").exists() or (path.parents[1] / f"{name}.py").exists()


def test_every_module_is_in_a_folder() -> None:
    found = [path.name for path in (ROOT / "monitor").glob("*.py")]
    assert found == ["__init__.py"]


def test_no_file_and_no_function_is_too_long() -> None:
    found = []
    for name in sources("monitor", "probes"):
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        if lines > MOST_LINES_A_FILE:
            found.append(f"{name}: {lines} lines")
        found += [f"{name}: {text}" for text in long_functions(tree(name))]
    assert found == []


def long_functions(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_A_FUNCTION:
                yield f"{node.name}: {lines} lines"


def test_no_folder_imports_a_private_module_of_another() -> None:
    """The modules of `probes` are excepted: there an underscore tells the shared parts from the wire APIs."""
    found = []
    for name in sources("monitor", "probes"):
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ImportFrom) and node.module:
                found += [f"{name}: {module}" for module in foreign_private_modules(name, node)]
    assert found == []


def foreign_private_modules(importer: str, node: ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        parts = [*(node.module or "").split("."), alias.name]
        private = next((place for place, part in enumerate(parts) if re.match(r"_[^_]", part)), None)
        if (
            private is None
            or parts[0] == "probes"
            or not (ROOT / Path(*parts[: private + 1])).with_suffix(".py").exists()
        ):
            continue
        if Path(importer).parent.parts[:private] != tuple(parts[:private]):
            yield ".".join(parts)
