"""What a router should do with each endpoint. Pure: rows → members by group, with a use and a weight.

Routers fail open. Only an endpoint that is known to be down is left out, and not even that where all the others of its
group are down too. What is stale or was never measured is used as if nobody watched it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from monitor.domain.router_ids import ROUTERS, RouterIdError, RouterMember
from monitor.domain.status import Status
from monitor.scoreboard.row import Row

FULL: Final = 100
"""The weight of an endpoint that always answers, or of which nothing is known."""
_STEPS: Final = 10
_FALLBACK: Final = 20
"""The weight of one that always answers, but is a fallback."""


class RoutingUse(IntEnum):
    """What to use a member for; the lower, the better."""

    NORMAL = 0
    FALLBACK = 1
    """It answers, but too slowly or not always; it refuses our account, and so perhaps the router's; or somebody wants
    it to be left alone."""
    NONE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberWeight:
    """What to do with one member."""

    member: RouterMember
    use: RoutingUse
    weight: int
    """1 to 100, also of what is not to be used. In steps, so that not every sample changes it."""


def weighted_groups(router: str, rows: Iterable[Row]) -> Mapping[str, Sequence[MemberWeight]]:
    """The members of each group in the order of their rows; those named by several endpoints as the best of them.

    A server that answers for one model is not down. Raises MalformedError, which a configuration's values never do.
    """
    groups: dict[str, dict[str, MemberWeight]] = {}
    for row in rows:
        if router in row.router_ids:
            weighted = _weighted(_member(router, row), row)
            members = groups.setdefault(weighted.member.group, {})
            known = members.setdefault(weighted.member.name, weighted)
            members[weighted.member.name] = min(known, weighted, key=_best_first)
    return {group: fail_open(tuple(members.values())) for group, members in groups.items()}


def weights_basis(rows: Iterable[Row]) -> Sequence[object]:
    """All that choices are made of: while it is the same, so are they."""
    return [(row.id, row.model, row.status, row.account is None, _steps(row), row.router_ids) for row in rows]


def by_endpoint(rows: Iterable[Row]) -> Mapping[str, MemberWeight]:
    """What to do with each endpoint, by its id, among those of its model."""
    groups: dict[str, list[MemberWeight]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(_weighted(RouterMember(group=row.model, name=row.id), row))
    return {weighted.member.name: weighted for group in groups.values() for weighted in fail_open(group)}


def fail_open(group: Sequence[MemberWeight]) -> Sequence[MemberWeight]:
    """A group of which something is used: all of it, where all of it is down."""
    if all(weighted.use is RoutingUse.NONE for weighted in group):
        return tuple(replace(weighted, use=RoutingUse.NORMAL) for weighted in group)
    return group


def _member(router: str, row: Row) -> RouterMember:
    try:
        return ROUTERS[router](row.router_ids[router])
    except RouterIdError as error:
        raise RouterIdError(f"{row.id}: router_ids.{router}: {row.router_ids[router]!r} {error}") from None


def _weighted(member: RouterMember, row: Row) -> MemberWeight:
    use = _use(row)
    most = _FALLBACK if use is RoutingUse.FALLBACK else FULL
    return MemberWeight(member=member, use=use, weight=max(1, _steps(row) * most // _STEPS))


def _steps(row: Row) -> int:
    return _STEPS if row.score is None or row.status.usable is None else round(_STEPS * row.score)


def _use(row: Row) -> RoutingUse:
    if row.status is Status.DOWN:
        return RoutingUse.NONE
    if row.status in {Status.UP, Status.UNKNOWN} and row.account is None:
        return RoutingUse.NORMAL
    return RoutingUse.FALLBACK


def _best_first(weighted: MemberWeight) -> tuple[RoutingUse, int]:
    return weighted.use, -weighted.weight


def used(group: Iterable[MemberWeight]) -> Iterator[MemberWeight]:
    """Those of a group that are to be used at all."""
    return (weighted for weighted in group if weighted.use is not RoutingUse.NONE)
