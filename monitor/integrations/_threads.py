"""A thread that runs beside its host, and again in each child after a fork."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """Something that runs in a daemon thread of its own. Nothing here waits or raises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.stopping = threading.Event()

    @abstractmethod
    def run(self) -> None:
        """What the thread does, until `stopping` is set."""

    def start(self) -> None:
        """Start the thread unless it runs, somebody else is about to start it, or none can be had."""
        if self.is_running() or self.stopping.is_set() or not self._starting.acquire(blocking=False):
            return
        try:
            if not self.is_running():
                self._thread = threading.Thread(target=self.run, name=self._name, daemon=True)
                self._thread.start()
        except RuntimeError:
            self._thread = None  # there are too many threads, or the interpreter ends: the next call tries again
        finally:
            self._starting.release()

    def close(self) -> None:
        """Tell the thread to end."""
        self.stopping.set()

    def is_running(self) -> bool:
        """Whether there is a thread, in this process."""
        return self._thread is not None and self._thread.is_alive()
