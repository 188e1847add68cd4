"""Parses YAML text into nodes, with the types of YAML 1.2: `no` and `on` are text, `012` is twelve.

`${…}` needs no quotes inside brackets, although YAML requires them there. A syntax error has a message of one line that
never quotes the file, because the file may contain a secret.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from monitor.config._errors import ConfigError, Position, Problem

DEPTH = 32
"""The maximum nesting depth of mappings and lists."""

TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes nodes with the core schema of YAML 1.2 and a maximum depth."""

    _depth = 0

    def __init__(self, text: str) -> None:
        has_own = any(character in text for character in _STAND_INS)
        self._back = {} if has_own else str.maketrans(_STAND_INS, "${}")
        super().__init__(text if has_own else _REFERENCE.sub(rf"{_STAND_INS[:2]}\1{_STAND_INS[2]}", text))

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # missing in the stubs
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_scalar_node(self, anchor: dict[Any, yaml.Node]) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        node.value = _HALVES.sub(_joined, node.value.translate(self._back))
        return node


_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
"""Surrogate pairs, as JSON writes a character above U+FFFF: `"\\ud83d\\ude00"`. A lone surrogate is reported later."""


def _joined(halves: re.Match[str]) -> str:
    return halves[0].encode("utf-16", "surrogatepass").decode("utf-16")


_STAND_INS = "\ue000\ue001\ue002"
"""Private-use characters that replace the `$`, `{` and `}` of a reference while YAML is parsed."""

_REFERENCE = re.compile(r"""\$\{(\w+:[^\s{}\[\],"']+)\}""")


_WORDS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
)
_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"{TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def compose(text: str, file: str) -> yaml.Node | None:
    """The root node of the only document in a text; None if the text is empty. Raises ConfigError if it is not YAML."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        message = f"a character that YAML does not allow (U+{int(error.character):04X}); remove it"
        problem = Problem(file=file, position=position_in(text, error.position), message=message)
        raise ConfigError([problem]) from None
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        problem = _problem(file, error)
    except (ValueError, OverflowError):  # PyYAML's own, for example on "\UFFFFFFFF"
        message = "not valid YAML: an escape or a version number is out of range"
        problem = Problem(file=file, position=position_of(loader.get_mark()), message=message)
    raise ConfigError([problem])


def _problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    words = error.problem or ""
    inside_quotes = words == "found unexpected end of stream"
    mark = error.context_mark if inside_quotes else error.problem_mark
    return Problem(file=file, position=position_of(mark) if mark else None, message=_explained(words))


_EXPLANATIONS = (
    ("found undefined alias", "an alias (*name) without its anchor (&name); put text that starts with '*' in quotes"),
    ("second occurrence", "an anchor (&name) that is defined twice; put text that starts with '&' in quotes"),
    ("found undefined tag handle", "an unknown tag; put text that starts with '!' in quotes"),
    ("found character '\\t'", "a tab where YAML wants spaces"),
    ("found character", "a character that no plain text may start with; put the text in quotes"),
    ("mapping values are not allowed", "a ':' where no key is allowed; check the indentation, or put text in quotes"),
    ("could not find expected ':'", "no ':' follows the key; write `key: value`"),
    ("found unexpected end of stream", "a quote that is not closed; add the closing quote"),
    ("expected ',' or", "a syntax error in a list or mapping in brackets; check commas, brackets and quotes"),
    ("expected <block end>", "does not fit the lines above; check indentation, commas and quotes"),
    ("but found another document", "a second document; keep one, and remove the '---'"),
    ("nested too deeply", f"nested too deeply; at most {DEPTH} levels are allowed"),
)
"""Beginnings of PyYAML's messages for common mistakes, and clearer messages."""


def _explained(problem: str) -> str:
    for start, explanation in _EXPLANATIONS:
        if problem.startswith(start):
            return explanation
    unquoted = re.sub(r"'[^'<][^']+'|\"[^\"]{2,}\"", "…", problem)
    return f"not valid YAML: {unquoted}"


def position_of(mark: yaml.Mark) -> Position:
    """PyYAML's mark as a position, counted from 1."""
    return Position(mark.line + 1, mark.column + 1)


def position_in(text: str, index: int) -> Position:
    """The position of the character at an index."""
    return Position(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))
