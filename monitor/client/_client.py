"""The two clients: one with a thread, one with a task. Both only read memory while the caller routes a request."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, TypeVar
from urllib.parse import urlsplit

from monitor.client.background import Background
from monitor.client.fetch import FetchedScores, fetch
from monitor.client.scores import ScoredEndpoint, Scores, parse
from monitor.domain.ongoing_failure import OngoingFailure

log = logging.getLogger(__name__)

T = TypeVar("T")

EVERY_S: Final = 2.0
"""Poll interval. Most answers are 304."""
TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptScores:
    """The newest scores, and the time of the daemon's last answer."""

    scores: Scores
    etag: str | None
    served_at: datetime
    heard_s: float
    """By the monotonic clock."""

    def now(self) -> datetime:
        """The time by the daemon's clock, which may differ from this machine's."""
        return self.served_at + timedelta(seconds=time.monotonic() - self.heard_s)


class _Cache:
    """The common part of both clients. `refresh` may run in another thread than the other methods."""

    def __init__(self, url: str, token: str | None, router: str | None, timeout_s: float) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("url must begin with http:// or https://")
        self.url = url
        self._token = token
        self._router = router
        self._timeout_s = timeout_s
        self._kept: _KeptScores | None = None
        self._failure = OngoingFailure()

    def refresh(self) -> bool:
        """Ask the daemon. Returns whether it answered. Blocks for at most the timeout; never raises."""
        kept = self._kept
        try:
            answer = fetch(self.url, self._token, kept.etag if kept else None, self._timeout_s)
            self._kept = self._taken(answer, kept)
        except (OSError, ValueError) as error:
            if self._failure.begins(str(error)):
                log.warning("no scores from %s: %s", self.url, error, extra={"action": "scores_missing"})
            return False
        if self._failure.ends():
            log.info("scores from %s again", self.url, extra={"action": "scores_back"})
        return True

    def _taken(self, answer: FetchedScores, kept: _KeptScores | None) -> _KeptScores:
        if answer.body is not None:
            scores = parse(answer.body, self._router)
            scores = scores if kept is None else scores.after(kept.scores)
        elif kept is not None:
            scores = kept.scores
        else:
            raise ValueError("HTTP 304 for a request without an entity tag")
        return _KeptScores(
            scores=scores,
            etag=answer.etag,
            served_at=answer.served_at or scores.generated_at,
            heard_s=time.monotonic(),
        )

    def scores(self) -> Scores | None:
        """None: there are no scores, or they are too old."""
        kept = self._kept
        return kept.scores if kept is not None and kept.scores.is_fresh(kept.now()) else None

    def endpoint(self, name: str) -> ScoredEndpoint | None:
        kept = self._kept
        if kept is None or not kept.scores.is_fresh(now := kept.now()):
            return None
        found = kept.scores.names.get(name)
        return None if found is None else found.at(now)

    def order(self, candidates: Iterable[T], name: Callable[[T], str]) -> list[T]:
        kept = self._kept
        return list(candidates) if kept is None else kept.scores.order(candidates, kept.now(), name)


class Client:
    """Keeps a daemon's scores with a thread, which starts at the first call, also after a fork."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        router: str | None = None,
        every_s: float = EVERY_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`router`: candidates may also have the names that `router_ids` give for this router.

        Raises ValueError for a wrong address.
        """
        self._cache = _Cache(url, token, router, timeout_s)
        self._refresher = _Refresher(self._cache, every_s)

    def order(self, candidates: Iterable[T], *, name: Callable[[T], str] = str) -> list[T]:
        """All candidates, best first; unchanged while there are no scores. `name` returns a candidate's name."""
        self._keep_up()
        return self._cache.order(candidates, name)

    def endpoint(self, name: str) -> ScoredEndpoint | None:
        """The endpoint with this id or router name; None if there is none."""
        self._keep_up()
        return self._cache.endpoint(name)

    def scores(self) -> Scores | None:
        """The newest document; None if there is none, or it is too old."""
        self._keep_up()
        return self._cache.scores()

    def refresh(self) -> bool:
        """Ask the daemon now, for example before the first request. Returns whether it answered. Never raises."""
        return self._cache.refresh()

    def close(self) -> None:
        """Stop the thread; the scores stay until they are too old."""
        self._refresher.close()

    def __enter__(self) -> Client:
        self._keep_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep_up(self) -> None:
        if not self._refresher.start():
            log.warning("cannot start a thread for %s", self._cache.url, extra={"action": "scores_missing"})


class _Refresher(Background):
    """Fetches the scores again and again."""

    def __init__(self, cache: _Cache, every_s: float) -> None:
        super().__init__("providerwatch-client")
        self._cache = cache
        self._every_s = every_s

    def run(self) -> None:
        """See `Background.run`."""
        self._cache.refresh()
        while not self.stopping.wait(self._every_s):
            self._cache.refresh()


class AsyncClient:
    """Keeps a daemon's scores with a task while the context is entered. The other methods only read memory."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        router: str | None = None,
        every_s: float = EVERY_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """As `Client`."""
        self._cache = _Cache(url, token, router, timeout_s)
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def order(self, candidates: Iterable[T], *, name: Callable[[T], str] = str) -> list[T]:
        """As `Client.order`."""
        return self._cache.order(candidates, name)

    def endpoint(self, name: str) -> ScoredEndpoint | None:
        """As `Client.endpoint`."""
        return self._cache.endpoint(name)

    def scores(self) -> Scores | None:
        """As `Client.scores`."""
        return self._cache.scores()

    async def refresh(self) -> bool:
        """As `Client.refresh`."""
        return await asyncio.to_thread(self._cache.refresh)

    async def __aenter__(self) -> AsyncClient:
        self._task = asyncio.create_task(self._run(), name="providerwatch-client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self._every_s)
