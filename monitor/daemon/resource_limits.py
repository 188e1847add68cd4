"""Limits of this process (open files, processes) against what the configuration needs.

A limit that is too low makes probes fail as `internal`. So the soft limit is raised as far as the hard one allows, and
what is missing even so is said once, at the start.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_FILES_A_PROBE = 3
"""A connection, and what the resolver opens beside it."""
_FILES_OF_A_WORKER = 32
_FILES_OF_THE_DAEMON = 256
"""Store, sinks, log, and some clients of its HTTP server."""
_THREADS_OF_A_WORKER = 8
_THREADS_OF_THE_DAEMON = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a configuration takes of one limit."""

    limit: int
    """A number of `resource`."""
    count: int
    what: str
    remedy: str


def needs(max_concurrent: int, streams_per_worker: int) -> tuple[Need, ...]:
    """What so many probes at once take: each worker process has a limit of open files of its own."""
    workers = -(-max_concurrent // streams_per_worker)
    streams = min(max_concurrent, streams_per_worker)
    files = max(_FILES_OF_A_WORKER + streams * _FILES_A_PROBE, _FILES_OF_THE_DAEMON + 2 * workers)
    threads = _THREADS_OF_THE_DAEMON + workers * (_THREADS_OF_A_WORKER + streams)
    return (
        Need(
            limit=resource.RLIMIT_NOFILE,
            count=files,
            what="open files",
            remedy="raise it (`ulimit -n`, LimitNOFILE= of systemd, --ulimit of Docker), or lower max_concurrent",
        ),
        Need(
            limit=resource.RLIMIT_NPROC,
            count=threads,
            what="processes and threads",
            remedy="raise it (`ulimit -u`; LimitNPROC= of systemd), or lower max_concurrent",
        ),
    )


def shortages(needed: tuple[Need, ...]) -> Iterator[str]:
    """Raise each limit to what is needed, as far as that is allowed; a sentence for each that stays too low."""
    for need in needed:
        # Root's processes are not counted.
        if need.limit == resource.RLIMIT_NPROC and os.geteuid() == 0:
            continue
        limit = _raised(need)
        if limit is not None:
            yield (
                f"the limit of {need.what} is {limit}, and this configuration needs about {need.count}: "
                f"probes may fail as internal; {need.remedy}"
            )


def _raised(need: Need) -> int | None:
    """The limit when it stays below the need; None when there is enough."""
    soft, hard = resource.getrlimit(need.limit)
    if _is_enough(soft, need.count):
        return None
    wanted = need.count if _is_enough(hard, need.count) else hard
    with suppress(ValueError, OSError):  # some systems name a limit that they do not allow
        resource.setrlimit(need.limit, (wanted, hard))
        soft = wanted
    return None if _is_enough(soft, need.count) else soft


def _is_enough(limit: int, count: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= count
