"""Many rows of one statement in one exchange with a PostgreSQL server: pg8000 itself waits for the answer to each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from pg8000 import dbapi
from pg8000.converters import make_params
from pg8000.core import SYNC, Context

_UNNAMED: Final = b"\0"
_AT_ONCE: Final = 500
"""Rows sent before the answers are read: more could fill the buffers of both sides, and both would wait."""


def execute_many(cursor: Any, statement: str, rows: Sequence[Sequence[object]]) -> None:  # noqa: ANN401  # the driver's
    """Run a statement that returns nothing once for each row. Raises the driver's error of the first that fails."""
    if not rows:
        return
    connection = cursor._c  # noqa: SLF001  # pg8000 warns of its own `cursor.connection`
    connection.send_PARSE(_UNNAMED, _numbered(statement, len(rows[0])))
    context = Context(statement)
    for begin in range(0, len(rows), _AT_ONCE):
        for row in rows[begin : begin + _AT_ONCE]:
            connection.send_BIND(_UNNAMED, make_params(connection.py_types, row))
            connection.send_EXECUTE()
        connection._send_message(SYNC, b"")  # noqa: SLF001  # pg8000 names what it sends, but for this
        connection._sock.flush()  # noqa: SLF001
        connection.handle_messages(context)
    cursor._context = context  # noqa: SLF001  # the number of rows


@lru_cache(maxsize=128)
def _numbered(statement: str, count: int) -> str:
    """The statement with `$1` for `%s`, as the server reads it; pg8000 looks at every character each time."""
    text: str = dbapi.convert_paramstyle("format", statement, [None] * count)[0]
    return text
