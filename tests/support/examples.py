"""How many examples a Hypothesis test takes whose examples cost more, or less, than usual."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 40
"""Those of `make test`."""


def examples(usual: int) -> int:
    """As many in `make test`, and in other runs fewer or more as their profile says (tests/conftest.py)."""
    return max(2, usual * settings().max_examples // _USUAL)
