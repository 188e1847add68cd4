"""How a process of the demo ends: with its parent, at the latest.

Three ways, since each has a gap: SIGTERM when all goes well; end of file on stdin, which a parent's death brings
about however it died; and on Linux the kernel's parent-death signal, which works even while foreign code holds
the interpreter. SIGINT is ignored: Ctrl-C reaches a whole terminal, and the parent decides in which order to stop.

    python -m monitor.demo.lifeline PARENT_PID COMMAND [ARGUMENT…]

runs a command that does not read its stdin (the daemon) so that it gets SIGTERM when the parent dies.
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
    """Have the kernel send this process a signal when its parent dies. Elsewhere than on Linux: nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def when_stdin_ends(then: Callable[[], object]) -> None:
    """Call `then` on a thread of its own once stdin is at its end. What arrives there before is thrown away.

    `os.read` and not `sys.stdin`, whose lock, held by a daemon thread, would abort the interpreter's exit.
    """

    def drain() -> None:
        while os.read(_STDIN, 4096):
            pass
        then()

    threading.Thread(target=drain, name="stdin", daemon=True).start()


def main() -> None:
    """Become the command of the arguments, tied to the parent whose process id is the first of them."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above could tie us to it
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # the signal survives exec; a shell in between would not


if __name__ == "__main__":
    main()
