"""Reads files up to a maximum size. A failure has a reason of one line."""

from __future__ import annotations

from pathlib import Path

from monitor.config._errors import RefusedError


def read(path: Path, longest: int) -> bytes:
    """The content of a file. Raises RefusedError with the reason if it cannot be read or is longer than `longest`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(longest + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RefusedError(f"cannot be read: {reason[:1].lower()}{reason[1:]}") from None
    except ValueError:
        raise RefusedError("cannot be read: no file has such a name") from None
    if len(content) > longest:
        raise RefusedError(f"is too long: at most {longest} bytes are allowed")
    return content
