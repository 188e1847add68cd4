"""Parses the lines of `/v1/scores/stream` into scores. Pure."""

from __future__ import annotations

from monitor.client.scores import Scores, parse

_SNAPSHOT = "snapshot"
_CHANGE = "change"


class Lines:
    """The state of a stream. It outlives a connection, and the next one resumes there."""

    def __init__(self, router: str) -> None:
        self.router = router
        self._kind = ""
        self._id = ""
        self._data: list[bytes] = []
        self.last_id = ""
        """Id of the newest event; empty if there was none."""
        self.scores: Scores | None = None

    def begin(self) -> None:
        """Start of a connection: an incomplete event of the last one is discarded."""
        self._kind, self._id, self._data = "", "", []

    def feed(self, line: bytes) -> bool:
        """Parse a line with its end. Returns whether the scores changed. Raises ValueError for other streams."""
        line = line.rstrip(b"\r\n")
        if not line:
            return self._end()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"event":
                self._kind = value.decode(errors="replace")
            case b"id":
                self._id = value.decode(errors="replace")
            case b"data":
                self._data.append(value)
            case _:
                pass
        return False

    def _end(self) -> bool:
        kind, ident, data = self._kind, self._id, b"".join(self._data)
        self.begin()
        if kind == _SNAPSHOT:
            self.scores = parse(data, self.router)
        elif kind == _CHANGE and self.scores is not None:
            self.scores = self.scores.followed_by(parse(data, self.router), self.router)
        else:
            return False
        self.last_id = ident
        return True
