"""Every row of the routing policy, for the test of each output that derives from it."""

from __future__ import annotations

import pytest

from monitor.domain.status import Status
from monitor.domain.tier import tier_of
from monitor.routing.tiers import POLICY

STANDINGS = [(status, account) for status in Status for account in (None, "auth")]
"""Every status, and whether the account is refused."""

every_standing = pytest.mark.parametrize(
    ("status", "account", "policy"),
    [(status, account, POLICY[tier_of(status, refused=account is not None)]) for status, account in STANDINGS],
    ids=[f"{status}{', refused' if account else ''}" for status, account in STANDINGS],
)
"""Calls a test with each of them and what the table says of it."""
