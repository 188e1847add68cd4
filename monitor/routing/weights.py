"""Use and weight of each endpoint in a router. Pure: rows → members by group.

The table in `tiers.py` defines the use of each tier. Routers fail open: if no member of a group is usable, all of them
are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.domain.router_ids import ROUTERS, RouterIdError, RouterMember
from monitor.domain.tier import RoutingUse
from monitor.routing.tiers import POLICY, WORDS
from monitor.scoreboard.row import Row

_STEPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberWeight:
    """A member with its use and weight."""

    member: RouterMember
    use: RoutingUse
    weight: int
    """1 to 100, also for a member that is not usable. In steps, so that most samples do not change it."""


def weighted_groups(router: str, rows: Iterable[Row]) -> Mapping[str, Sequence[MemberWeight]]:
    """The members of each group in the order of their rows. A member of several endpoints gets the best of them.

    A server that answers for one model is not down. Raises RouterIdError; a checked configuration has no such values.
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
    """The inputs of the weights: while these are equal, the weights are."""
    return [(row.id, row.model, row.tier, _steps(row), row.router_ids) for row in rows]


def by_endpoint(rows: Iterable[Row]) -> Mapping[str, MemberWeight]:
    """Use and weight of each endpoint by id; a group is the endpoints of a model."""
    groups: dict[str, list[MemberWeight]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(_weighted(RouterMember(group=row.model, name=row.id), row))
    return {weighted.member.name: weighted for group in groups.values() for weighted in fail_open(group)}


def fail_open(group: Sequence[MemberWeight]) -> Sequence[MemberWeight]:
    """The group; if no member is usable, all are used."""
    if all(weighted.use is RoutingUse.NONE for weighted in group):
        return tuple(replace(weighted, use=RoutingUse.NORMAL) for weighted in group)
    return group


def _member(router: str, row: Row) -> RouterMember:
    try:
        return ROUTERS[router](row.router_ids[router])
    except RouterIdError as error:
        raise RouterIdError(f"{row.id}: router_ids.{router}: {row.router_ids[router]!r} {error}") from None


def _weighted(member: RouterMember, row: Row) -> MemberWeight:
    policy = POLICY[row.tier]
    return MemberWeight(member=member, use=policy.use, weight=max(1, _steps(row) * policy.most_weight // _STEPS))


def _steps(row: Row) -> int:
    return round(_STEPS * row.score) if row.score is not None and POLICY[row.tier].by_score else _STEPS


def _best_first(weighted: MemberWeight) -> tuple[RoutingUse, int]:
    return weighted.use, -weighted.weight


def used(group: Iterable[MemberWeight]) -> Iterator[MemberWeight]:
    """The usable members."""
    return (weighted for weighted in group if WORDS[weighted.use].listed)
