"""The units of a budget."""

from __future__ import annotations

from enum import StrEnum


class BudgetUnit(StrEnum):
    """The unit of a budget."""

    USD = "usd"
    TOKENS = "tokens"
