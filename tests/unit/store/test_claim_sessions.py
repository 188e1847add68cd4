"""A session of PostgreSQL that broke while it was to take the claim is not taken for one that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pg8000 import dbapi

from monitor.store._claim import Claim


class Session:
    """Answers its queries in turn; None: it fails."""

    _usock = None

    def __init__(self, *answers: Sequence[object] | None) -> None:
        self.autocommit = False
        self.asked: list[str] = []
        self._answers = [*answers]

    def cursor(self) -> Session:
        return self

    def execute(self, query: str, _values: Sequence[int]) -> None:
        self.asked.append(query.split("(", maxsplit=1)[0])

    def fetchone(self) -> Sequence[object] | None:
        answer = self._answers.pop(0)
        if answer is None:
            raise dbapi.ProgrammingError("canceling statement due to statement timeout")
        return answer

    def close(self) -> None:
        self.asked.append("close")


def test_a_session_that_failed_to_take_the_claim_is_not_looked_at_as_if_it_held_it() -> None:
    first, second, third = Session((True,), None), Session(None, (1, 2)), Session((True,), (1, 2))
    sessions: list[Any] = [first, second, third]
    claim = Claim("db", lambda: sessions.pop(0))
    claim.take()
    with pytest.raises(dbapi.Error):
        claim.keep()
    assert claim.keep() == (1, 2)
    assert second.asked == ["SELECT pg_try_advisory_lock", "close"]
    assert third.asked[0] == "SELECT pg_try_advisory_lock"
