"""The lines of `/v1/scores/stream`, made into scores. Pure."""

from __future__ import annotations

from monitor.client.scores import Scores, parse

_SNAPSHOT = "snapshot"
_CHANGE = "change"


class Lines:
    """What a stream has told so far. It outlives the connection, and goes on where that ended."""

    def __init__(self, router: str) -> None:
        self.router = router
        self._kind = ""
        self._id = ""
        self._data: list[bytes] = []
        self.last_id = ""
        """Of the newest event that was taken; empty where there was none."""
        self.scores: Scores | None = None

    def begin(self) -> None:
        """A connection begins: half an event of the last one is nothing."""
        self._kind, self._id, self._data = "", "", []

    def feed(self, line: bytes) -> bool:
        """Take a line, its end included; whether the scores are new. Raises ValueError when it is no such stream."""
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
