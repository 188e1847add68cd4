"""Finds the kinds of sinks and of router formats that the configuration may use.

A kind is a module without a leading underscore in one of our packages, or an entry point of another package. The module
contains one subclass of a base class. A kind is imported at its first use.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

T = TypeVar("T")


class Kinds(Mapping[str, type[T]], Generic[T]):
    """The classes of all kinds by name, such as `haproxy-map` for the module `haproxy_map`."""

    def __init__(self, package: str, group: str, base: Callable[[], type[T]]) -> None:
        self._package = package
        self._group = group
        self._base = base

    def own(self) -> tuple[str, ...]:
        """The names of the kinds in this repository, sorted. Their modules are not imported."""
        folder = importlib.import_module(self._package).__path__
        return tuple(sorted(_named(module.name) for module in pkgutil.iter_modules(folder) if module.name[0] != "_"))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.own(), *(entry.name for entry in _entry_points(self._group))}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)

    def __getitem__(self, name: str) -> type[T]:
        if name in self.own():
            return self._only(importlib.import_module(f"{self._package}.{name.replace('-', '_')}"))
        for entry in _entry_points(self._group).select(name=name):
            return self._only(entry.load())
        raise KeyError(name)

    def _only(self, module: ModuleType) -> type[T]:
        base = self._base()
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise TypeError(f"{module.__name__} must hold one subclass of {base.__name__}, and holds {len(found)}")
        return found[0]


def _named(module: str) -> str:
    return module.replace("_", "-")


def _entry_points(group: str) -> EntryPoints:
    from importlib.metadata import entry_points  # noqa: PLC0415  # 30 ms, which `--help` does not need

    return entry_points(group=group)
