"""A background thread that restarts in each child after a fork."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """Runs in a daemon thread. No method here waits or raises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.stopping = threading.Event()

    @abstractmethod
    def run(self) -> None:
        """The work of the thread, until `stopping` is set."""

    def start(self) -> bool:
        """Start the thread unless it runs or another caller is starting it. False: no thread can be created."""
        if self.is_running() or self.stopping.is_set() or not self._starting.acquire(blocking=False):
            return True
        try:
            if not self.is_running():
                self._thread = threading.Thread(target=self.run, name=self._name, daemon=True)
                self._thread.start()
        except RuntimeError:
            self._thread = None  # too many threads, or the interpreter is exiting; the next call tries again
            return False
        finally:
            self._starting.release()
        return True

    def close(self) -> None:
        """Ask the thread to end."""
        self.stopping.set()

    def is_running(self) -> bool:
        """Whether the thread is running in this process."""
        return self._thread is not None and self._thread.is_alive()
