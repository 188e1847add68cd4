"""What the file says about routers, seen together: names of endpoints, files made of them, HAProxy's agent."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from monitor.config._addresses import agent, is_loopback
from monitor.config._complete import endpoints
from monitor.config._document import ConfigDocument
from monitor.config._errors import Place, Problem, RefusedError, quoted
from monitor.domain.formats import Format
from monitor.domain.router_ids import KNOWN, ROUTERS, RouterIdError

_NEEDED = {Format.ENVOY_EDS: "envoy", Format.TRAEFIK: "traefik", Format.VLLM: "vllm"}
"""Whose names a shape is made of."""

Groups: TypeAlias = dict[str, dict[str, bool]]
"""By router and name, whether a group is named in nothing but what came from outside of the file."""


def check_routers(document: ConfigDocument) -> Iterator[Problem]:
    """All problems of routers."""
    yield from _misspelt(document)
    named: Groups = {router: {} for router in ROUTERS}
    problems = list(_names(document, named))
    yield from problems
    yield from _agent(document)
    if not problems:
        for file in document.children("publish", "files"):
            yield from _file(document, file, named)


def _misspelt(document: ConfigDocument) -> Iterator[Problem]:
    """Names of routers that resemble a known one: most likely typing errors. Any other name is allowed."""
    for endpoint in endpoints(document):
        for place in document.children(*endpoint, "router_ids"):
            written = str(place[-1])
            if written not in KNOWN and (meant := _meant(written)):
                words = f"is not a known router ({', '.join(sorted(KNOWN))}), but resembles one (did you mean"
                yield document.key_problem(place, RefusedError(f"{{value}} {words} {quoted(meant)}?)"))


def _meant(written: str) -> str | None:
    plain = "".join(filter(str.isalnum, written.casefold()))
    inside = next((router for router in KNOWN if router in plain), None)
    return inside or next(iter(difflib.get_close_matches(plain, KNOWN, n=1, cutoff=0.7)), None)


def _names(document: ConfigDocument, named: Groups) -> Iterator[Problem]:
    """Names that their router could not understand; the others are noted."""
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


def _file(document: ConfigDocument, file: Place, named: Groups) -> Iterator[Problem]:
    """A file that cannot be made of the names that there are."""
    place = (*file, "format")
    file_format = document.at(place)
    router = next((router for known, router in _NEEDED.items() if known == file_format), None)
    if router is None:
        return
    groups = named[router]
    if not groups:
        yield document.problem(place, RefusedError(f"{{value}} needs `router_ids: {{{router}: …}}` of an endpoint"))
    elif router == "envoy":
        yield from _cluster(document, file, groups)


def _cluster(document: ConfigDocument, file: Place, groups: Mapping[str, bool]) -> Iterator[Problem]:
    place = (*file, "cluster")
    cluster, shown = document.at(place), sorted(group for group, secret in groups.items() if not secret)
    if isinstance(cluster, str) and cluster not in groups:
        yield document.problem(place, RefusedError("{value} is no cluster of any `router_ids`", options=shown))
    elif place not in document.values and len(groups) > 1:
        which = f"say which of {', '.join(map(quoted, shown))}" if len(shown) == len(groups) else "say which"
        message = f"holds one cluster of Envoy; {which} with `cluster:`, and write a file for each"
        yield document.problem((*file, "format"), RefusedError(message))


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
        message = "{value} can be reached from other machines, and HAProxy brings no token; add `public: true`"
        yield document.problem(place, RefusedError(message))
