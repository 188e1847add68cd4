"""The moment from which buckets, ticks and stored times are counted. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No sample is older, so a query with `since=EPOCH` returns all samples."""
