"""Room for many connections: each takes a file descriptor, and the store's files want some, too."""

from __future__ import annotations

import resource
from contextlib import suppress

_WANTED = 65_536


def make_room() -> None:
    """Raise the soft limit of open files, which is 1,024 on most systems, as far as that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # some systems name a limit that they do not allow
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
