"""Assembles tool calls from their pieces. Servers number the calls in different ways. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from probes._model import ToolCall

MAX_TEXT = 100_000
"""Maximum number of characters before a text is no longer extended: no check reads more, and joining would be slow."""
_COMPARED = 4096
"""Longer arguments are not checked for completeness."""


@dataclass(slots=True, kw_only=True)
class PartialCall:
    """The received part of a tool call."""

    name: str | None = None
    arguments: str = ""
    id: str | None = None
    whole: bool = False
    pieces: int = 0
    """The number of events that carried arguments."""


class Calls(dict[int, PartialCall]):
    """The calls of an answer by number, in the order of their start.

    Some servers send an index, some omit it, and some send 0 for every call. So a piece belongs to the call with its
    id, or else to the newest call with its index, unless it begins another call.
    """

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[int, PartialCall] = {}
        self._by_id: dict[str, PartialCall] = {}

    def take(self, piece: ToolCall) -> None:
        """Add a piece to its call."""
        call = self._call_of(piece)
        if piece.id and call.id is None:
            call.id = piece.id
            self._by_id[piece.id] = call
        call.name = _name(call, piece.name)
        if piece.arguments:
            call.arguments = piece.arguments if call.whole else joined(call.arguments, piece.arguments)
            call.whole = piece.whole
            call.pieces += 1

    def _call_of(self, piece: ToolCall) -> PartialCall:
        known = self._by_id.get(piece.id) if piece.id else None
        newest = known or self._newest.get(piece.index)
        if newest is not None and not _begins_another(newest, piece):
            return newest
        call = PartialCall()
        self[len(self)] = self._newest[piece.index] = call
        return call


def joined(text: str, more: str) -> str:
    """`text` extended by `more`, within bounds."""
    return text + more if len(text) <= MAX_TEXT else text


def _begins_another(call: PartialCall, piece: ToolCall) -> bool:
    """Whether a piece begins another call: it has a name, and an id or arguments of its own."""
    if piece.name is None:
        return False
    if call.id and piece.id and piece.id != call.id:
        return True
    if not call.arguments:
        return False
    return piece.whole or piece.name != call.name or (_is_complete(call.arguments) and _opens(piece.arguments))


def _is_complete(arguments: str) -> bool:
    short = len(arguments) <= _COMPARED
    return short and arguments.rstrip().endswith("}") and arguments.count("{") == arguments.count("}")


def _opens(arguments: str) -> bool:
    return arguments.lstrip().startswith("{")


def _name(call: PartialCall, piece: str | None) -> str | None:
    """The name extended by a piece. A repeated whole name is the same name."""
    if not piece or piece == call.name:
        return call.name
    if call.name is None:
        return piece
    return call.name if call.arguments else joined(call.name, piece)
