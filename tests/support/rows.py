"""Rows as routers' shapes see them."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.domain.status import Status
from monitor.scoreboard.row import Row


def make_row(
    name: str,
    status: Status = Status.UP,
    score: float | None = 1.0,
    *,
    model: str = "a/m",
    account: str | None = None,
    router_ids: Mapping[str, str] | None = None,
) -> Row:
    """The row of an endpoint of which only this matters."""
    return Row(
        id=name,
        provider=name.partition(":")[0],
        model=model,
        api="openai_chat",
        status=status,
        score=score,
        uptime={},
        body=b"{}",
        news=(),
        etag="0",
        account=account,
        router_ids=router_ids or {},
    )
