"""Checks the router settings across sections: `router_ids`, published files, HAProxy's agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from monitor.config._addresses import agent, is_loopback
from monitor.config._complete import endpoints
from monitor.config._document import ConfigDocument
from monitor.config._errors import Problem, RefusedError
from monitor.config.options import FileSection
from monitor.domain.router_ids import KNOWN, ROUTERS, RouterIdError
from monitor.domain.spelling import closest
from monitor.schema.place import Place, quoted

Groups: TypeAlias = dict[str, dict[str, bool]]
"""By router and group: True if the group's name comes only from interpolated text, so that messages hide it."""


def check_routers(document: ConfigDocument, formats: Mapping[str, type[FileSection]]) -> Iterator[Problem]:
    """Yield all problems of router settings."""
    yield from _misspelt(document)
    named: Groups = {router: {} for router in ROUTERS}
    problems = list(_names(document, named))
    yield from problems
    yield from _agent(document)
    if not problems:
        for file in document.children("publish", "files"):
            yield from _file(document, file, formats, named)


def _misspelt(document: ConfigDocument) -> Iterator[Problem]:
    """Router names that are similar to a known one and probably misspelt. Any other name is allowed."""
    for endpoint in endpoints(document):
        for place in document.children(*endpoint, "router_ids"):
            written = str(place[-1])
            if written not in KNOWN and (meant := _meant(written)):
                words = f"is not a known router ({', '.join(sorted(KNOWN))}), but resembles one (did you mean"
                yield document.key_problem(place, RefusedError(f"{{value}} {words} {quoted(meant)}?)"))


def _meant(written: str) -> str | None:
    plain = "".join(filter(str.isalnum, written.casefold()))
    inside = next((router for router in KNOWN if router in plain), None)
    return inside or closest(plain, KNOWN, cutoff=0.7)


def _names(document: ConfigDocument, named: Groups) -> Iterator[Problem]:
    """Router ids that the router does not accept. The groups of the others are added to `named`."""
    for endpoint in endpoints(document):
        for router, read in ROUTERS.items():
            place = (*endpoint, "router_ids", router)
            value = document.at(place)
            if not isinstance(value, str) or not value or document.is_broken(place):
                continue
            try:
                group = read(value).group
                named[router][group] = named[router].get(group, True) and document.is_secret(place)
            except RouterIdError as error:
                yield document.problem(place, RefusedError(f"{{value}} {error}"))


def _file(
    document: ConfigDocument, file: Place, formats: Mapping[str, type[FileSection]], named: Groups
) -> Iterator[Problem]:
    """Problems of a published file that needs router ids which no endpoint has."""
    written = document.mapping(*file)
    place, name = (*file, "format"), written.get("format")
    router = formats[name].router if isinstance(name, str) and name in formats else None
    if router is None:
        return
    groups = named[router]
    if not groups:
        yield document.problem(place, RefusedError(f"{{value}} needs `router_ids: {{{router}: …}}` of an endpoint"))
        return
    for key, refused in formats[str(name)].problems(written, groups):
        yield document.problem((*file, key), refused)


def _agent(document: ConfigDocument) -> Iterator[Problem]:
    place: Place = ("publish", "haproxy_agent")
    value = document.at(place)
    if not isinstance(value, str) or document.is_broken(place):
        return
    try:
        host = agent(value).host
    except RefusedError:
        return
    if not is_loopback(host) and document.at(("public",)) is not True:
        message = "{value} can be reached from other machines, and HAProxy sends no token; add `public: true`"
        yield document.problem(place, RefusedError(message))
