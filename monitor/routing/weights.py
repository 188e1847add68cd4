"""What a router should do with each endpoint. Pure: rows → members by group, with a use and a weight.

What each tier is used for stands in the table of `tiers.py`. Routers fail open: where every member of a group is out,
all of them are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.domain.router_ids import ROUTERS, RouterIdError, RouterMember
from monitor.domain.tier import RoutingUse, Tier, tier_of
from monitor.routing.tiers import POLICY, WORDS
from monitor.scoreboard.row import Row

_STEPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to do with one member."""

    member: RouterMember
    use: RoutingUse
    weight: int
    """1 to 100, also of what is not to be used. In steps, so that not every sample changes it."""


def choices(router: str, rows: Iterable[Row]) -> Mapping[str, Sequence[Choice]]:
    """The members of each group in the order of their rows; those named by several endpoints as the best of them.

    A server that answers for one model is not down. Raises MalformedError, which a configuration's values never do.
    """
    groups: dict[str, dict[str, Choice]] = {}
    for row in rows:
        if router in row.router_ids:
            choice = _choice(_member(router, row), row)
            members = groups.setdefault(choice.member.group, {})
            known = members.setdefault(choice.member.name, choice)
            members[choice.member.name] = min(known, choice, key=_rank)
    return {group: fail_open(tuple(members.values())) for group, members in groups.items()}


def basis(rows: Iterable[Row]) -> Sequence[object]:
    """All that choices are made of: while it is the same, so are they."""
    return [(row.id, row.model, _tier(row), _steps(row), row.router_ids) for row in rows]


def by_endpoint(rows: Iterable[Row]) -> Mapping[str, Choice]:
    """What to do with each endpoint, by its id, among those of its model."""
    groups: dict[str, list[Choice]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(_choice(RouterMember(group=row.model, name=row.id), row))
    return {choice.member.name: choice for group in groups.values() for choice in fail_open(group)}


def fail_open(group: Sequence[Choice]) -> Sequence[Choice]:
    """A group of which something is used: all of it, where all of it is out."""
    if all(choice.use is RoutingUse.NONE for choice in group):
        return tuple(replace(choice, use=RoutingUse.NORMAL) for choice in group)
    return group


def _member(router: str, row: Row) -> RouterMember:
    try:
        return ROUTERS[router](row.router_ids[router])
    except RouterIdError as error:
        raise RouterIdError(f"{row.id}: router_ids.{router}: {row.router_ids[router]!r} {error}") from None


def _choice(member: RouterMember, row: Row) -> Choice:
    policy = POLICY[_tier(row)]
    return Choice(member=member, use=policy.use, weight=max(1, _steps(row) * policy.most_weight // _STEPS))


def _steps(row: Row) -> int:
    return round(_STEPS * row.score) if row.score is not None and POLICY[_tier(row)].by_score else _STEPS


def _tier(row: Row) -> Tier:
    return tier_of(row.status, refused=row.account is not None)


def _rank(choice: Choice) -> tuple[RoutingUse, int]:
    return choice.use, -choice.weight


def used(group: Iterable[Choice]) -> Iterator[Choice]:
    """Those of a group that are to be used at all."""
    return (choice for choice in group if WORDS[choice.use].listed)
