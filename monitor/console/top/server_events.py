"""Server-sent events from the bytes of a stream. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event."""

    kind: str
    data: str
    id: str = ""


class EventDecoder:
    """Makes events of bytes, which may arrive in any portions. Comments and unknown fields are ignored."""

    def __init__(self) -> None:
        self._line = b""
        self._fields: dict[str, str] = {}
        self._data: list[str] = []

    def events(self, received: bytes) -> list[ServerEvent]:
        """The events that are complete after these bytes."""
        *lines, self._line = (self._line + received).split(b"\n")
        found = (self._event(line.removesuffix(b"\r").decode("utf-8", "replace")) for line in lines)
        return [event for event in found if event is not None]

    def _event(self, line: str) -> ServerEvent | None:
        """Take a line; the event that it ends."""
        if line:
            self._take(line)
            return None
        fields, data = self._fields, self._data
        self._fields, self._data = {}, []
        return (
            ServerEvent(kind=fields.get("event", ""), data="\n".join(data), id=fields.get("id", "")) if data else None
        )

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name in {"event", "id"}:
            self._fields[name] = value
