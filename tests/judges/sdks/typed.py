"""Whether a JSON value is of a type that an SDK declares: the TypedDicts of OpenAI's and Anthropic's request bodies."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict


def problems(value: object, hint: Any, where: str = "") -> list[str]:
    """What of `value` the type does not know or does not allow."""
    origin = get_origin(hint)
    if origin in {typing.Required, typing.NotRequired, typing.Annotated}:
        return problems(value, get_args(hint)[0], where)
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{where} is {value!r}"]
    if origin is typing.Union or str(origin) == "<class 'types.UnionType'>":
        return min((problems(value, part, where) for part in get_args(hint)), key=len)
    if is_typeddict(hint):
        return list(_of_typed_dict(value, hint, where))
    return _of_plain(value, hint, origin, where)


def _of_typed_dict(value: object, hint: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    known = get_type_hints(hint)
    for name in sorted(value.keys() - known.keys()):
        yield f"{where}.{name} is unknown"
    for name in sorted(hint.__required_keys__ - value.keys()):
        yield f"{where}.{name} is missing"
    for name in value.keys() & known.keys():
        yield from problems(value[name], known[name], f"{where}.{name}")


def _of_plain(value: object, hint: Any, origin: Any, where: str) -> list[str]:
    if hint in {Any, object}:
        return []
    if hint is None or hint is type(None):
        return [] if value is None else [f"{where} is not null"]
    kind = origin or hint
    if kind is float:
        return [] if type(value) in {int, float} else [f"{where} is no number"]
    if kind in {str, int, bool}:
        return [] if type(value) is kind else [f"{where} is no {kind.__name__}"]
    if kind is dict or kind.__name__ == "Mapping":
        return [] if isinstance(value, dict) else [f"{where} is no object"]
    if not isinstance(value, list):
        return [f"{where} is no array"]
    item = (get_args(hint) or (Any,))[0]
    return [problem for at, part in enumerate(value) for problem in problems(part, item, f"{where}[{at}]")]
