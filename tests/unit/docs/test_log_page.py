"""docs/log.md lists every `action` that a log record of this package can have, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "log"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "monitor").rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def words_of(node: ast.AST) -> set[str]:
    """The texts that an expression may give."""
    return {item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def is_word(text: str) -> bool:
    return re.fullmatch(r"[a-z]+(_[a-z]+)*", text) is not None


def logged() -> set[str]:
    found: set[str] = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Dict():
                    for key, value in zip(node.keys, node.values, strict=True):
                        if isinstance(key, ast.Constant) and key.value == "action":
                            found |= {word for word in words_of(value) if is_word(word)}
                case ast.Call(func=ast.Name(id="_record")):
                    words = [item.value for item in node.keywords if item.arg == "action"]
                    found |= {word for value in words for word in words_of(value) if is_word(word)}
                case ast.Call(func=ast.Name(id="store_call")):
                    found |= {word for word in words_of(node.args[-1]) if is_word(word)}
    return found - {"action"}


def documented() -> set[str]:
    text = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([a-z_]+)`", cell)} - {"action"}


def test_every_action_of_the_code_is_on_the_page() -> None:
    assert logged() - documented() == set()


def test_every_action_on_the_page_is_in_the_code() -> None:
    texts = {word for _, tree in trees() for word in words_of(tree)}
    assert documented() - texts == set()


def test_every_record_has_an_action() -> None:
    """But for the command line's own records, which a person reads."""
    without = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if not name.startswith("monitor/cli/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and is_log_call(node) and not any(item.arg == "extra" for item in node.keywords)
    ]
    assert without == []


def is_log_call(node: ast.Call) -> bool:
    match node.func:
        case ast.Attribute(value=ast.Name(id="log"), attr=level):
            return level in LEVELS
    return False
