"""The units of a budget."""

from __future__ import annotations

from enum import StrEnum


class BudgetUnit(StrEnum):
    """What a budget is told in."""

    USD = "usd"
    TOKENS = "tokens"
