"""Ends a process of the demo when its parent ends, or earlier.

Three signals are used, since each has a gap: SIGTERM in the normal case; end of file on stdin, which follows every
death of the parent; and on Linux the kernel's parent-death signal, which works even while native code blocks the
interpreter. SIGINT is ignored: Ctrl-C reaches all processes of a terminal, and the parent decides the stop order.

    python -m monitor.demo.lifeline PARENT_PID COMMAND [ARGUMENT…]

runs a command that does not read its stdin (the daemon), so that it receives SIGTERM when the parent dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_STDIN = 0


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent dies. Has no effect on systems other than Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def ignore_interrupts() -> None:
    """Ignore SIGINT: the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def when_stdin_ends(then: Callable[[], object]) -> None:
    """Call `then` in a separate thread at the end of stdin. Input is discarded.

    Uses `os.read`, because a daemon thread that holds the lock of `sys.stdin` would abort the interpreter's exit.
    """

    def drain() -> None:
        while os.read(_STDIN, 4096):
            pass
        then()

    threading.Thread(target=drain, name="stdin", daemon=True).start()


def main() -> None:
    """Replace this process by the command in the arguments. The first argument is the process id of the parent."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above took effect
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # the signal survives exec; a shell in between would not


if __name__ == "__main__":
    main()
