"""Resource limits of the process (open files, processes) against the needs of the configuration.

A limit that is too low makes probes fail as `internal`. The daemon raises soft limits up to the hard limits, and logs
one warning at start for each limit that is still too low.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_FILES_A_PROBE = 3
"""A connection, and files of the resolver."""
_FILES_OF_A_WORKER = 32
_FILES_OF_THE_DAEMON = 256
"""Store, sinks, log, and some clients of its HTTP server."""
_THREADS_OF_A_WORKER = 8
_THREADS_OF_THE_DAEMON = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The amount of one resource that a configuration needs."""

    limit: int
    """A constant of `resource`."""
    count: int
    what: str
    remedy: str


def needs(max_concurrent: int, streams_per_worker: int) -> tuple[Need, ...]:
    """The needs of so many concurrent probes. Each worker process has its own limit of open files."""
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
    """Raise each limit to the need if allowed; yields a message for each limit that stays too low."""
    for need in needed:
        # The kernel does not count root's processes.
        if need.limit == resource.RLIMIT_NPROC and os.geteuid() == 0:
            continue
        limit = _raised(need)
        if limit is not None:
            yield (
                f"limit of {need.what} too low: {limit}, and this configuration needs about {need.count}; "
                f"probes may fail as internal; {need.remedy}"
            )


def _raised(need: Need) -> int | None:
    """The limit if it stays below the need; None if it suffices."""
    soft, hard = resource.getrlimit(need.limit)
    if _is_enough(soft, need.count):
        return None
    wanted = need.count if _is_enough(hard, need.count) else hard
    with suppress(ValueError, OSError):  # some systems report a hard limit that they do not allow
        resource.setrlimit(need.limit, (wanted, hard))
        soft = wanted
    return None if _is_enough(soft, need.count) else soft


def _is_enough(limit: int, count: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= count
