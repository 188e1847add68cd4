"""Problems of a configuration with their positions, one line for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from monitor.domain.spelling import closest
from monitor.schema.place import Place, dotted, printable, quoted

_LONGEST_GUESS = 100
_LONGEST_PATH = 4096
"""A path is not shortened: users and editors open it."""
_TELLING = 4
"""The minimum length of a common prefix for a suggestion, such as `tool_call` for `tools`."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in a text. Line and column are counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem. Its `str` is one line: `file:line:column: path: message`."""

    file: str
    position: Position | None = None
    """None: the problem concerns the whole file."""
    place: Place = ()
    message: str

    def __str__(self) -> str:
        where = printable(self.file, longest=_LONGEST_PATH)
        if self.position is not None:
            where += f":{self.position.line}:{self.position.column}"
        return ": ".join(part for part in (where, dotted(self.place), self.message) if part)

    @property
    def path(self) -> str:
        """The place in the notation of messages, such as `models.meta/llama.endpoints[0]`."""
        return dotted(self.place)

    @property
    def rank(self) -> tuple[Position, str, str]:
        """The sort key: problems are shown in the order of the file."""
        return self.position or Position(0, 0), dotted(self.place), self.message


class ConfigError(Exception):
    """The configuration is invalid. Its `str` has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda problem: problem.rank))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class RefusedError(ValueError):
    """A value is invalid at its place.

    `{value}` in the message is replaced by the value unless it is a secret. `options` are valid values for a
    "did you mean" suggestion.
    """

    message: str
    options: Collection[str] = field(default=(), kw_only=True)

    def about(self, value: object) -> str:
        """The message about a value; None: it must not be shown, such as a URL that may hold a password."""
        if value is None:
            return self.message.replace("{value}", "***")
        shown = quoted(value) if isinstance(value, str) else str(value)
        return self.message.replace("{value}", shown) + did_you_mean(str(value), self.options)


def did_you_mean(word: str, options: Collection[str]) -> str:
    """` (did you mean 'that'?)` if one of the options is close to the word, else an empty string."""
    if len(word) > _LONGEST_GUESS:
        return ""
    meant = closest(word, options) or _same_beginning(word, options)
    return "" if meant is None else f" (did you mean {quoted(meant)}?)"


def _same_beginning(word: str, options: Iterable[str]) -> str | None:
    """The option with the longest common prefix, if that prefix has at least `_TELLING` letters."""
    lengths = {option: _in_common(word.casefold(), option.casefold()) for option in options}
    best = max(lengths, key=lengths.__getitem__, default="")
    return best if lengths.get(best, 0) >= _TELLING else None


def _in_common(one: str, other: str) -> int:
    """The length of the common prefix of two words."""
    return next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
