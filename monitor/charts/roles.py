"""Roles of colour, as the sheet names them. Pure."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A class of the sheet. None does two jobs: providers (s), kinds of a whole (t), states (b)."""

    S1 = "s1"
    S2 = "s2"
    S3 = "s3"
    S4 = "s4"
    S5 = "s5"
    S6 = "s6"
    T1 = "t1"
    T2 = "t2"
    T3 = "t3"
    T4 = "t4"
    T5 = "t5"
    T6 = "t6"
    UP = "b-up"
    DEGRADED = "b-degraded"
    DOWN = "b-down"
    LIMIT = "b-limit"
    MAINTENANCE = "b-maintenance"
    NETWORK = "b-network"
    VOID = "b-void"


PROVIDERS = (Role.S1, Role.S2, Role.S3, Role.S4, Role.S5, Role.S6)
KINDS = (Role.T1, Role.T2, Role.T3, Role.T4, Role.T5, Role.T6)


def of_provider(index: int) -> Role:
    """The colour of a provider by its place on the page. The seventh has the first's colour, and another dash."""
    return PROVIDERS[index % len(PROVIDERS)]


def dash(repeat: int) -> str | None:
    """The dash of the line that uses its colour the `repeat`-th time on a chart, counted from 0."""
    return (None, "6 3", "2 3", "9 3 2 3")[repeat % 4]
