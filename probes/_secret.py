"""A string type that hides its value in logs and messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret string. Its repr and str show `***`."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The secret value in clear text."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"
