"""The driver's connections of some engines, for what has to be done to them from another thread."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, event


class OpenConnections:
    """The connections that are open now."""

    def __init__(self, *engines: Engine) -> None:
        self._connections: dict[int, Any] = {}
        self._lock = threading.Lock()
        for engine in engines:
            event.listen(engine, "connect", self._add)
            event.listen(engine, "close", self._remove)

    def connections(self) -> list[Any]:
        """In the order in which they were opened."""
        with self._lock:
            return [*self._connections.values()]

    def _add(self, connection: Any, _entry: object) -> None:  # noqa: ANN401  # the driver's
        with self._lock:
            self._connections[id(connection)] = connection

    def _remove(self, connection: Any, _entry: object) -> None:  # noqa: ANN401  # the driver's
        with self._lock:
            self._connections.pop(id(connection), None)
