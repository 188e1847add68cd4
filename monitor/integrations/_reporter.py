"""Sends outcomes to a daemon in batches from a thread. `put` never waits."""

from __future__ import annotations

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections import deque
from http import HTTPStatus
from typing import Final

from monitor.client.background import Background
from monitor.client.fetch import OPENER
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.integrations._reports import Outcome

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 5.0
_BATCH: Final = 500
_MOST: Final = 10_000
_LONGEST_WAIT_S: Final = 30.0
_MOST_ANSWER_BYTES: Final = 1024 * 1024
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Reporter(Background):
    """Keeps the newest 10,000 outcomes until they are sent; older ones are dropped."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__("providerwatch-outcomes")
        self._url = f"{url}/v1/outcomes"
        self._token = token
        self._waiting: deque[Outcome] = deque(maxlen=_MOST)
        self._failure = OngoingFailure()

    def put(self, outcome: Outcome) -> None:
        """Queue an outcome."""
        self._waiting.append(outcome)
        self.start()

    def run(self) -> None:
        """Send queued outcomes every second; with growing pauses while the daemon is gone, the failed batch first."""
        wait_s, batch = _EVERY_S, list[Outcome]()
        while not self.stopping.wait(wait_s):
            batch = batch or self._next()
            while batch and self._send(batch):
                batch = self._next()
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S) if batch else _EVERY_S

    def _next(self) -> list[Outcome]:
        batch = list[Outcome]()
        while self._waiting and len(batch) < _BATCH:
            batch.append(self._waiting.popleft())
        return batch

    def _send(self, batch: list[Outcome]) -> bool:
        """Whether the batch is finished: the daemon accepted it or will never accept it."""
        try:
            self._post(json.dumps({"outcomes": batch}).encode())
        except urllib.error.HTTPError as error:
            error.close()
            self._tell(f"the answer is HTTP {error.code}")
            return error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in _LATER
        except ValueError:  # http.client refuses a header with a line break; its message quotes the header
            self._tell("the token has characters that a header cannot hold")
            return False
        except (OSError, http.client.HTTPException) as error:
            self._tell(str(error) or type(error).__name__)
            return False
        if self._failure.ends():
            log.info("outcomes are sent to %s again", self._url, extra={"action": "outcomes_recovered"})
        return True

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._url, data=body, headers=headers)  # noqa: S310  # checked by the plug-in
        with OPENER.open(request, timeout=_TIMEOUT_S) as response:
            response.read(_MOST_ANSWER_BYTES)

    def _tell(self, problem: str) -> None:
        if self._failure.begins(problem):
            log.warning("cannot send outcomes to %s: %s", self._url, problem, extra={"action": "outcomes_missing"})
