"""The options after `?` in a `postgresql:` URL, as libpq names them. Pure."""

from __future__ import annotations

from typing import Final

OPTIONS: Final = ("host", "ssl", "sslmode", "sslrootcert")
"""`ssl` is the old name of `sslmode`."""
SSL_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
