"""Follows a daemon's scores in a thread, so that parsing them never blocks the host's event loop."""

from __future__ import annotations

import http.client
import logging
import random
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from monitor.client.background import Background
from monitor.client.fetch import OPENER, http_date
from monitor.client.scores import Scores
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.integrations._events import Lines

log = logging.getLogger(__name__)

_SILENCE_S: Final = 45.0
"""The daemon sends a keep-alive every 15 s."""
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
_LONGEST_LINE: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerView:
    """The newest scores, and the time of the daemon's last message."""

    scores: Scores
    began_at: datetime
    """When the connection began, by the daemon's clock, which may differ from this machine's."""
    began_s: float
    heard_s: float
    """Both by the monotonic clock."""

    def now(self, at_s: float) -> datetime:
        """The time by the daemon's clock."""
        return self.began_at + timedelta(seconds=at_s - self.began_s)

    def is_fresh(self, at_s: float) -> bool:
        """Whether the daemon's last message is younger than the document's `max_age`."""
        return at_s - self.heard_s <= self.scores.max_age.total_seconds()


class Follower(Background):
    """Keeps a copy of the daemon's scores."""

    def __init__(self, url: str, token: str | None, router: str) -> None:
        super().__init__("providerwatch-scores")
        self._request = urllib.request.Request(f"{url}/v1/scores/stream", headers=_headers(token))  # noqa: S310  # checked by the plug-in
        self._lines = Lines(router)
        self._view: FollowerView | None = None
        self._wait_s = _FIRST_WAIT_S
        self._failure = OngoingFailure()

    def view(self) -> FollowerView | None:
        """The newest scores; None if there are none, or they are too old. Only reads memory."""
        view = self._view
        return view if view is not None and view.is_fresh(time.monotonic()) else None

    def run(self) -> None:
        """Follow the stream; reconnect after every end, with growing pauses while the daemon is gone."""
        self._lines = Lines(self._lines.router)
        while not self.stopping.is_set():
            try:
                self._follow()
                problem = "the stream ended"
            except (OSError, ValueError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            self._tell(problem)
            self.stopping.wait(self._wait_s * random.uniform(0.5, 1))  # noqa: S311  # so that not all reconnect at once
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    def _follow(self) -> None:
        """One connection, to its end. Raises OSError, ValueError or HTTPException."""
        self._lines.begin()
        self._request.remove_header("Last-event-id")
        if self._lines.last_id:
            self._request.add_header("Last-Event-ID", self._lines.last_id)
        with OPENER.open(self._request, timeout=_SILENCE_S) as response:
            began_at, began_s = http_date(response.headers["Date"]), time.monotonic()
            while not self.stopping.is_set() and (line := response.readline(_LONGEST_LINE)):
                self._lines.feed(line)
                self._keep(began_at, began_s)

    def _keep(self, began_at: datetime | None, began_s: float) -> None:
        scores, heard_s = self._lines.scores, time.monotonic()
        if scores is None:
            return
        view = self._view
        if view is not None and view.scores is scores and view.began_s == began_s:
            self._view = replace(view, heard_s=heard_s)
            return
        at = began_at or scores.generated_at - timedelta(seconds=heard_s - began_s)
        self._view = FollowerView(scores=scores, began_at=at, began_s=began_s, heard_s=heard_s)
        self._wait_s = _FIRST_WAIT_S
        if self._failure.ends():
            log.info("following the scores of %s again", self._request.full_url, extra={"action": "scores_back"})

    def _tell(self, problem: str) -> None:
        if self._failure.begins(problem) and not self.stopping.is_set():
            where = self._request.full_url
            log.warning("no scores from %s: %s", where, problem, extra={"action": "scores_missing"})


def _headers(token: str | None) -> dict[str, str]:
    headers = {"Accept": "text/event-stream", "User-Agent": "providerwatch-litellm"}
    return headers if token is None else {**headers, "Authorization": f"Bearer {token}"}
