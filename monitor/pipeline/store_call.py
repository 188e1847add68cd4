"""Calls of the store by tasks that go on without it: whatever the store raises, they get a StoreError."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.store import StoreError


@contextmanager
def store_call(failure: OngoingFailure, log: logging.Logger, words: str, action: str) -> Iterator[None]:
    """Raise an unexpected exception of the store as a StoreError.

    Its traceback is logged unless `failure` goes on already. The caller records the StoreError in `failure`.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        if failure.reason is None:
            log.exception(words, extra={"action": action})
        raise StoreError(f"{type(error).__name__} inside the store") from error
