"""Finds codecs: the modules of this package without a leading underscore, and third parties' entry points.

A module contains one `Probe` subclass. The name of the module or entry point is the `api:` in the configuration.
Third parties register a module in the entry point group `providerwatch.probes`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import probes
from probes._model import Probe

_GROUP = "providerwatch.probes"


def available() -> tuple[str, ...]:
    """The names of all wire APIs, sorted."""
    return tuple(sorted({*_own(), *(entry.name for entry in _entries())}))


def import_own() -> None:
    """Import all codecs of this package now: an import while probes run would delay their reads."""
    for api in _own():
        importlib.import_module(f"probes.{api}")


def codec(api: str, options: Mapping[str, object]) -> Probe:
    """The codec of `api` with its YAML options. Raises ValueError for an unknown api or an invalid option."""
    kind = codec_class(api)
    hints = get_type_hints(kind)
    fields = {option.name for option in dataclasses.fields(kind)}  # type: ignore[arg-type]  # codecs are dataclasses
    for name, value in options.items():
        if name not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise ValueError(f"{api} has no option {name!r} (it has: {known})")
        if not _fits(value, hints[name]):
            raise ValueError(f"option {name!r} of {api}: invalid value {value!r}")
    return kind(**options)


def _fits(value: object, hint: object) -> bool:
    """Whether a YAML value has a type of the field. An integer is accepted as a float."""
    kinds = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    return type(value) in kinds or (type(value) is int and float in kinds)


def codec_class(api: str) -> type[Probe]:
    """The `Probe` subclass of an api's module. Raises ValueError for an unknown api."""
    if api in _own():
        return _only_probe(importlib.import_module(f"probes.{api}"))
    for entry in _entries():
        if entry.name == api:
            return _only_probe(entry.load())
    raise ValueError(f"unknown api {api!r}")


@functools.cache
def _own() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(probes.__path__) if not module.name.startswith("_"))


def _entries() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=_GROUP))


def _only_probe(module: ModuleType) -> type[Probe]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Probe) and value is not Probe
    ]
    if len(found) != 1:
        raise ValueError(f"{module.__name__} must define one Probe subclass, but defines {len(found)}")
    return found[0]
