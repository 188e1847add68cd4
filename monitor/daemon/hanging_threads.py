"""The end of a process with threads that wait for a database which does not answer."""

from __future__ import annotations

import os
import sys
import threading

from monitor.daemon import log
from monitor.store import is_store_thread


def exit_at_once_if_any(code: int) -> None:
    """End the process with this exit code if a thread of the store still runs, else return.

    Python's own end takes the interpreter away below such a thread: when its connection breaks at that moment, the
    process has been seen to end with a segmentation fault.
    """
    if any(is_store_thread(thread) for thread in threading.enumerate()):
        log.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
