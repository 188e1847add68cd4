"""What only shows when parts of the file are seen together. Looks at plain data, because other parts may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from monitor.config._document import Document
from monitor.config._errors import Place, Problem, RefusedError, dotted, printable, quoted
from probes._model import Probe

Codec: TypeAlias = Callable[[str, Mapping[str, object]], Probe]
"""Makes the codec of an api with its options. Raises ValueError or TypeError with a readable message."""

_LONGEST_ID = 200


def check(document: Document, apis: Collection[str], codec: Codec) -> Iterator[Problem]:
    """All problems between parts."""
    yield from _no_endpoint(document)
    yield from _ids(document)
    yield from _repeated_paths(document)
    yield from _options(document, apis, codec)


def _endpoints(document: Document) -> Iterator[Place]:
    for model in document.children("models"):
        yield from document.children(*model, "endpoints")


def _no_endpoint(document: Document) -> Iterator[Problem]:
    models = document.children("models")
    readable = all(isinstance(document.at((*model, "endpoints")), list) for model in models)
    if isinstance(document.at(("models",)), Mapping) and readable and not any(_endpoints(document)):
        yield document.problem(("models",), RefusedError("names no endpoint, so there is nothing to probe; add one"))


def _ids(document: Document) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for endpoint in _endpoints(document):
        written = (*endpoint, "id") in document.values
        sources = [(*endpoint, key) for key in (("id",) if written else ("provider", "model"))]
        identity = ":".join(_text(document, source) for source in sources)
        if not all(_text(document, source) for source in sources):
            continue
        if not written and len(identity) > _LONGEST_ID:
            message = f"makes the id (provider:model) longer than {_LONGEST_ID} characters; write a shorter `id:`"
            yield document.problem(sources[-1], RefusedError(message))
        if identity in first:
            shown = "***" if any(map(document.is_secret, sources)) else quoted(identity)
            message = f"id {shown} is already taken {_where(document, first[identity])}; write another `id:`"
            yield document.problem(sources[-1], RefusedError(message))
        first.setdefault(identity, sources[-1])


def _repeated_paths(document: Document) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for file in document.children("publish", "files"):
        place = (*file, "path")
        path = _text(document, place)
        if path and path in first:
            message = f"is already written {_where(document, first[path])}; write another path"
            yield document.problem(place, RefusedError(message))
        first.setdefault(path, place)


def _where(document: Document, place: Place) -> str:
    position = document.position(place)
    return f"in line {position.line}, column {position.column} ({dotted(place)})"


def _options(document: Document, apis: Collection[str], codec: Codec) -> Iterator[Problem]:
    for endpoint in _endpoints(document):
        provider = ("providers", _text(document, (*endpoint, "provider")))
        api = _text(document, (*provider, "api"))
        places = [(*provider, "options"), (*endpoint, "options")]
        if api not in apis or not all(_is_readable(document, place) for place in places):
            continue
        reason = _reason(codec, api, _merged(document, places))
        if reason is not None:
            if any(map(document.is_secret, places)):
                reason = _reason(codec, api, _merged(document, places, masked=True)) or _HIDDEN
            written = [place for place in places if place in document.values]
            yield document.problem([(*provider, "api"), *written][-1], RefusedError(reason))


_HIDDEN = "its api refuses what a `${…}` stands for; correct it"


def _is_readable(document: Document, place: Place) -> bool:
    broken = any(other[: len(place)] == place for other in document.broken)
    return not broken and isinstance(document.at(place), Mapping) == (place in document.values)


def _merged(document: Document, places: Iterable[Place], *, masked: bool = False) -> dict[str, object]:
    """The mappings at some places, the later laid over the earlier; what came from outside as stars if masked."""
    return {
        key: _masked(document, (*place, key)) if masked else value
        for place in places
        for key, value in document.mapping(*place).items()
    }


def _masked(document: Document, place: Place) -> object:
    if place in document.secrets:
        return "***"
    match document.at(place):
        case dict() as mapping:
            return {key: _masked(document, (*place, key)) for key in mapping}
        case list() as items:
            return [_masked(document, (*place, index)) for index in range(len(items))]
        case value:
            return value


def _reason(codec: Codec, api: str, options: Mapping[str, object]) -> str | None:
    """Why the codec refuses the options, None if it takes them."""
    try:
        codec(api, options)
    except (ValueError, TypeError) as error:
        return printable(" ".join(str(error).split()), longest=300)
    return None


def _text(document: Document, place: Place) -> str:
    """The text at a place, empty if there is none that can be trusted."""
    value = document.at(place)
    return value if isinstance(value, str) and not document.is_broken(place) else ""
