"""Checks across sections of the file. They read plain data, because other sections may be invalid."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from monitor.config._addresses import base_url
from monitor.config._complete import endpoints
from monitor.config._document import ConfigDocument
from monitor.config._errors import Problem, RefusedError
from monitor.config._routers import check_routers
from monitor.config._schema import DEFAULT_PROBES
from monitor.config._sections import path_places
from monitor.config._types import KnownNames
from monitor.config._values import endpoint_id
from monitor.domain.maintenance import matches
from monitor.schema.place import Place, dotted, printable, quoted
from probes._model import Pricing, Probe, Task

Codec: TypeAlias = Callable[[str, Mapping[str, object]], Probe]
"""Creates the codec of an api with options. Raises ValueError or TypeError with a readable message."""

Price: TypeAlias = Callable[[str, str], Pricing | None]
"""The price of a model at an address, if the file has no price; None: not known."""

_LONGEST_ID = 200


def check(document: ConfigDocument, known: KnownNames, codec: Codec, price: Price) -> Iterator[Problem]:
    """Yield all problems across sections."""
    yield from _no_endpoint(document)
    yield from _ids(document)
    yield from _aliases(document)
    yield from _repeated_paths(document, known)
    yield from _codecs(document, known.apis, codec)
    yield from _unpriced(document, price)
    yield from _unmatched(document)
    yield from check_routers(document, known.formats)


def _no_endpoint(document: ConfigDocument) -> Iterator[Problem]:
    models = document.children("models")
    readable = all(isinstance(document.at((*model, "endpoints")), list) for model in models)
    if isinstance(document.at(("models",)), Mapping) and readable and not any(endpoints(document)):
        yield document.problem(("models",), RefusedError("names no endpoint, so there is nothing to probe; add one"))


def _ids(document: ConfigDocument) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for sources, identity in _identities(document):
        if len(sources) > 1 and len(identity) > _LONGEST_ID:
            message = f"makes the id (provider:model) longer than {_LONGEST_ID} characters; write a shorter `id:`"
            yield document.problem(sources[-1], RefusedError(message))
        if identity in first:
            shown = "***" if any(map(document.is_secret, sources)) else quoted(identity)
            message = f"id {shown} is already taken {_where(document, first[identity])}; write another `id:`"
            yield document.problem(sources[-1], RefusedError(message))
        first.setdefault(identity, sources[-1])


def _identities(document: ConfigDocument) -> Iterator[tuple[list[Place], str]]:
    """The readable endpoint ids, each with the places that it is derived from."""
    for endpoint in endpoints(document):
        written = (*endpoint, "id") in document.values
        sources: list[Place] = [(*endpoint, key) for key in (("id",) if written else ("provider", "model"))]
        words = [_text(document, source) for source in sources]
        if all(words):
            yield sources, words[0] if written else endpoint_id(*words)


def _aliases(document: ConfigDocument) -> Iterator[Problem]:
    """An alias must not equal an endpoint's id or another alias, so that each history belongs to one endpoint."""
    taken = {identity: ("id", sources[-1]) for sources, identity in _identities(document)}
    for endpoint in endpoints(document):
        for place in document.children(*endpoint, "aliases"):
            alias = _text(document, place)
            if alias in taken:
                what, where = taken[alias]
                message = f"{{value}} is the {what} {_where(document, where)}; name an id that no endpoint has now"
                yield document.problem(place, RefusedError(message))
            elif alias:
                taken[alias] = ("alias", place)


def _repeated_paths(document: ConfigDocument, known: KnownNames) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for place in path_places(document, known):
        path = _text(document, place)
        if path and path in first:
            message = f"is already written {_where(document, first[path])}; write another path"
            yield document.problem(place, RefusedError(message))
        first.setdefault(path, place)


def _where(document: ConfigDocument, place: Place) -> str:
    position = document.position(place)
    return f"in line {position.line}, column {position.column} ({dotted(place)})"


def _codecs(document: ConfigDocument, apis: Collection[str], codec: Codec) -> Iterator[Problem]:
    """Problems where an endpoint's api does not support its options or the tasks of its probes."""
    for endpoint in endpoints(document):
        provider = ("providers", _text(document, (*endpoint, "provider")))
        usual, own = _text(document, (*provider, "api")), (*endpoint, "api")
        api = _text(document, own) or usual
        places = [(*provider, "options"), (*endpoint, "options")][api != usual :]
        if api not in apis or not all(_is_readable(document, place) for place in places):
            continue
        made = _made(codec, api, _merged(document, places))
        if isinstance(made, Probe):
            yield from _tasks(document, endpoint, api, made.tasks)
            continue
        if any(map(document.is_secret, places)):
            masked = _made(codec, api, _merged(document, places, masked=True))
            made = _HIDDEN if isinstance(masked, Probe) else masked
        written = [place for place in (own, *places) if place in document.values]
        yield document.problem([(*provider, "api"), *written][-1], RefusedError(made))


def _tasks(document: ConfigDocument, endpoint: Place, api: str, able: Collection[Task]) -> Iterator[Problem]:
    """Problems where an endpoint lists a probe whose task its api does not support, or where no probe fits its api."""
    probes = document.mapping().get("probes", DEFAULT_PROBES)
    tasks = {name: _task(probe) for name, probe in probes.items()} if isinstance(probes, Mapping) else {}
    can = f"{api} can be asked for {', '.join(sorted(able))}"
    named = [place for place in document.children(*endpoint, "probes") if _text(document, place) in tasks]
    for place in named:
        task = tasks[_text(document, place)]
        if task is not None and task not in able:
            yield document.problem(place, RefusedError(f"{{value}} asks for {task}, and {can}"))
    if (*endpoint, "probes") not in document.values and tasks and not {None, *able} & set(tasks.values()):
        yield document.problem((*endpoint, "model"), RefusedError(f"fits no probe: {can}; add such a probe"))


def _unpriced(document: ConfigDocument, price: Price) -> Iterator[Problem]:
    """Enabled endpoints without a known price whose provider has a budget in USD."""
    for endpoint in endpoints(document):
        provider, model = ("providers", _text(document, (*endpoint, "provider"))), (*endpoint, "model")
        cap: Place = (*provider, "budget", "usd_per_day")
        if not _is_amount(document.at(cap)) or not _costs(document, endpoint):
            continue
        try:
            address = base_url(_text(document, (*provider, "base_url")))
        except RefusedError:
            continue
        if _text(document, model) and price(address, _text(document, model)) is None:
            message = (
                f"{{value}} has no known price, which the budget {_where(document, cap)} needs; write its "
                "`pricing: {prompt: …, completion: …}`, or tokens_per_day in place of usd_per_day"
            )
            yield document.problem(model, RefusedError(message))


def _unmatched(document: ConfigDocument) -> Iterator[Problem]:
    """Maintenance patterns that match no endpoint. Not checked while an endpoint's id cannot be read: it may match."""
    found = list(_identities(document))
    if len(found) < sum(1 for _ in endpoints(document)):
        return
    shown = [identity for sources, identity in found if not any(map(document.is_secret, sources))]
    options = {*shown, *(f"{identity.partition(':')[0]}:*" for identity in shown if ":" in identity)}
    for window in document.children("maintenance"):
        for place in document.children(*window, "endpoints"):
            pattern = _text(document, place)
            if pattern and not any(matches(pattern, identity) for _, identity in found):
                message = "{value} matches no endpoint; write an id, or a pattern such as groq:*"
                yield document.problem(place, RefusedError(message, options=sorted(options)))


def _is_amount(value: object) -> bool:
    """Whether a cap is a valid amount. The schema reports an invalid one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _costs(document: ConfigDocument, endpoint: Place) -> bool:
    """Whether an endpoint has no price in the file and runs a probe other than `reach`, which costs nothing."""
    if (*endpoint, "pricing") in document.values or document.at((*endpoint, "enabled")) is False:
        return False
    probes = document.mapping().get("probes", DEFAULT_PROBES)
    tasks = {name: _task(probe) for name, probe in probes.items()} if isinstance(probes, Mapping) else {}
    named = [_text(document, place) for place in document.children(*endpoint, "probes")]
    return any(tasks.get(name) is not Task.REACH for name in named or tasks)


def _task(probe: object) -> Task | None:
    """The task of a probe; None if it cannot be read."""
    match probe:
        case {"task": str(word)} if word in set(Task):
            return Task(word)
        case _:
            return None


_HIDDEN = "its api rejects the value of a `${…}` reference; correct it"


def _is_readable(document: ConfigDocument, place: Place) -> bool:
    broken = any(other[: len(place)] == place for other in document.broken)
    return not broken and (isinstance(document.at(place), Mapping) or place not in document.values)


def _merged(document: ConfigDocument, places: Iterable[Place], *, masked: bool = False) -> dict[str, object]:
    """The merged mappings at some places; later ones override earlier ones. `masked` hides interpolated values."""
    return {
        key: _masked(document, (*place, key)) if masked else value
        for place in places
        for key, value in document.mapping(*place).items()
    }


def _masked(document: ConfigDocument, place: Place) -> object:
    if place in document.secrets:
        return "***"
    match document.at(place):
        case dict() as mapping:
            return {key: _masked(document, (*place, key)) for key in mapping}
        case list() as items:
            return [_masked(document, (*place, index)) for index in range(len(items))]
        case value:
            return value


def _made(codec: Codec, api: str, options: Mapping[str, object]) -> Probe | str:
    """The codec with its options, or the reason why it rejects them."""
    try:
        return codec(api, options)
    except (ValueError, TypeError) as error:
        return printable(" ".join(str(error).split()), longest=300)


def _text(document: ConfigDocument, place: Place) -> str:
    """The text at a place; empty if there is no text, or if the value is broken."""
    value = document.at(place)
    return value if isinstance(value, str) and not document.is_broken(place) else ""
