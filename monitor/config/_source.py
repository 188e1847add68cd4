"""Parses YAML into plain data with the position of every key and value.

Repeated keys, keys that are not text, and tags are rejected. Merge keys (`<<`) and anchors work, but an anchor must not
contain itself or expand the document too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import yaml

from monitor.config._document import ConfigDocument
from monitor.config._errors import ConfigError, Position, Problem, RefusedError
from monitor.config._yaml import DEPTH, TAG, compose, position_of
from monitor.schema.place import Place

_COPIES = 100_000
"""The maximum number of nodes that aliases may copy in total."""

_LARGEST = 2**63 - 1


def parse(text: str, file: str) -> ConfigDocument:
    """Parse a document. Raises ConfigError if the text is not YAML, is empty, or has invalid anchors."""
    root = compose(text, file)
    builder = _Builder(file)
    data = None if root is None else builder.build(root, ())
    if data is None and not builder.problems:
        message = "the file is empty; write at least `providers:` and `models:`"
        raise ConfigError([Problem(file=file, position=Position(1, 1), message=message)])
    return ConfigDocument(
        file=file,
        data=data,
        keys=builder.keys,
        values=builder.values,
        broken=frozenset(builder.broken),
        problems=tuple(builder.problems),
    )


class _Builder:
    """Converts the nodes of one document, and records positions and problems."""

    def __init__(self, file: str) -> None:
        self.keys: dict[Place, Position] = {}
        self.values: dict[Place, Position] = {}
        self.broken: set[Place] = set()
        self.problems: list[Problem] = []
        self._file = file
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._copies = 0

    def build(self, node: yaml.Node, place: Place) -> object:
        """The data of a node; None if it cannot be read."""
        self.values[place] = position_of(node.start_mark)
        with self._entered(node, place):
            try:
                return self._data(node, place)
            except RefusedError as refused:
                self._note(node, place, refused.message)
                self.broken.add(place)
                return None

    def _data(self, node: yaml.Node, place: Place) -> object:
        match node:
            case yaml.MappingNode() if node.tag == f"{TAG}map":
                return self._mapping(node, place)
            case yaml.SequenceNode() if node.tag == f"{TAG}seq":
                return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return _scalar(node.tag, node.value)
            case _:
                raise RefusedError(_TAG_REFUSED)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node, merged in self._pairs(node, place):
            if key_node.tag != f"{TAG}str":
                self._note(key_node, place, "a key that is not text; put it in quotes")
                continue
            key_place = (*place, key_node.value)
            if key_node.value not in result:
                self.keys[key_place] = position_of(key_node.start_mark)
                result[key_node.value] = self.build(value_node, key_place)
            elif not merged:
                line = self.keys[key_place].line
                self._note(key_node, key_place, f"is written twice, first in line {line}; keep one")
        return result

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
        """The mapping's own keys and values, then those merged with `<<`. The first value of a key is used."""
        sources: list[yaml.MappingNode] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
                sources += self._merge_sources(value_node, place)
            else:
                yield key_node, value_node, False
        for source in sources:
            with self._entered(source, place):
                yield from ((key, value, True) for key, value, _ in self._pairs(source, place))

    def _merge_sources(self, node: yaml.Node, place: Place) -> list[yaml.MappingNode]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        sources = [source for source in nodes if isinstance(source, yaml.MappingNode)]
        if len(sources) < len(nodes):
            self._note(node, place, "`<<` merges mappings and nothing else; write `<<: *name`")
        return sources

    @contextmanager
    def _entered(self, node: yaml.Node, place: Place) -> Iterator[None]:
        """Enter a node. Raises ConfigError for a cycle, for too deep nesting, or for too many copies."""
        if id(node) in self._open:
            raise self._fatal(node, place, "an anchor that contains itself")
        if len(self._open) >= DEPTH:
            raise self._fatal(node, place, f"nested too deeply; at most {DEPTH} levels are allowed")
        if id(node) in self._seen:
            self._copies += 1 if isinstance(node, yaml.ScalarNode) else 1 + len(node.value)
        if self._copies > _COPIES:
            raise self._fatal(node, place, f"aliases copy too much; at most {_COPIES} copied values are allowed")
        self._seen.add(id(node))
        self._open.add(id(node))
        yield
        self._open.remove(id(node))

    def _note(self, node: yaml.Node, place: Place, message: str) -> None:
        position = position_of(node.start_mark)
        self.problems.append(Problem(file=self._file, position=position, place=place, message=message))

    def _fatal(self, node: yaml.Node, place: Place, message: str) -> ConfigError:
        self._note(node, place, message)
        return ConfigError(self.problems)


_TAG_REFUSED = "has a tag that is not supported; remove it, or put text that starts with '!' in quotes"


def _scalar(tag: str, text: str) -> object:
    if tag not in _CONVERTERS:
        raise RefusedError(_TAG_REFUSED)
    try:
        return _CONVERTERS[tag](text)
    except (KeyError, ValueError):
        raise RefusedError("does not fit its tag (!!), or is too large a number; correct it") from None


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _integer(text: str) -> int:
    number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if abs(number) > _LARGEST:
        raise ValueError
    return number


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_CONVERTERS: Mapping[str, Callable[[str], object]] = {
    f"{TAG}str": str,
    f"{TAG}null": lambda _: None,
    f"{TAG}bool": _boolean,
    f"{TAG}int": _integer,
    f"{TAG}float": _float,
}
