"""A configuration file as plain data, with the position of every key and value, and the problems found so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.config._errors import Position, Problem, RefusedError
from monitor.schema.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument:
    """The document after a stage of loading. Each stage returns a new document."""

    file: str
    data: object
    """Mappings with text keys, lists, text, numbers, booleans and None."""
    keys: Mapping[Place, Position]
    values: Mapping[Place, Position]
    """Holds at least the root, `()`."""
    secrets: frozenset[Place] = frozenset()
    """Places of text that was interpolated from outside the file. Messages never show it."""
    broken: frozenset[Place] = frozenset()
    """Places whose value could not be read. No further problems are reported for them."""
    problems: tuple[Problem, ...] = ()

    def at(self, place: Place) -> object:
        """The value at a place; None if there is no value."""
        value = self.data
        for step in place:
            match value, step:
                case Mapping(), str():
                    value = value.get(step)
                case Sequence(), int() if not isinstance(value, str) and step < len(value):
                    value = value[step]
                case _:
                    return None
        return value

    def mapping(self, *place: str | int) -> Mapping[str, object]:
        """The mapping at a place; empty if the value is not a mapping."""
        value = self.at(place)
        return value if isinstance(value, Mapping) else {}

    def children(self, *place: str | int) -> Iterator[Place]:
        """The places directly below a place."""
        match self.at(place):
            case Mapping() as mapping:
                yield from ((*place, key) for key in mapping)
            case list() as items:
                yield from ((*place, index) for index in range(len(items)))
            case _:
                return

    def is_broken(self, place: Place) -> bool:
        """Whether the value, or a value that contains it, could not be read."""
        return any(place[:length] in self.broken for length in range(len(place) + 1))

    def is_secret(self, place: Place) -> bool:
        """Whether the value at a place, or one inside it, must not be shown."""
        return any(secret[: len(place)] == place for secret in self.secrets)

    def problem(self, place: Place, refused: RefusedError) -> Problem:
        """The problem for a refused value at a place. The message contains no secrets."""
        message = refused.about(None if self.is_secret(place) else self.at(place))
        return Problem(file=self.file, position=self.position(place), place=place, message=message)

    def key_problem(self, place: Place, refused: RefusedError) -> Problem:
        """The problem for a refused key, which is the last step of the place."""
        position = self.keys.get(place) or self.position(place)
        return Problem(file=self.file, position=position, place=place, message=refused.about(str(place[-1])))

    def position(self, place: Place) -> Position:
        """The position of the value at a place; if it is missing, the position of the section that it belongs to."""
        if place in self.values:
            return self.values[place]
        return self.keys.get(place[:-1]) or self.position(place[:-1])
