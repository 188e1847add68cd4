"""Connections to a PostgreSQL server through pg8000, with a timeout for every answer."""

from __future__ import annotations

import getpass
import os
import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from pg8000 import dbapi
from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

from monitor.domain.postgres_url import OPTIONS, SSL_MODES
from monitor.store._execute_many import execute_many
from monitor.store._protocol import StoreError

CONNECT_S: Final = 5.0
"""The timeout of each step of connecting."""
_ANSWER_S: Final = 32.0
"""The timeout of an answer; a little longer than the server's own statement timeout."""
DIALECT: Final = "postgresql+providerwatch"
_PORT: Final = 5432

_Ssl: TypeAlias = ssl.SSLContext | bool | None
"""As in pg8000: False for none, None for TLS if the server offers it."""


class Dialect(PGDialect_pg8000):
    """The driver's dialect with a few changes."""

    supports_statement_cache = True

    def do_ping(self, dbapi_connection: Any) -> bool:  # noqa: ANN401  # the driver's
        """Whether the connection works. Converts socket errors, which the driver passes through."""
        try:
            return bool(super().do_ping(dbapi_connection))
        except OSError as error:
            raise dbapi.InterfaceError("network error") from error

    def do_executemany(
        self,
        cursor: Any,  # noqa: ANN401  # the driver's
        statement: str,
        parameters: Any,  # noqa: ANN401  # rows of values
        context: object = None,
    ) -> None:
        """Execute a statement for many rows, in the transaction of the store."""
        execute_many(cursor, statement, parameters)

    def do_close(self, dbapi_connection: Any) -> None:  # noqa: ANN401  # the driver's
        """Close the connection; errors of a broken connection are ignored."""
        close(dbapi_connection)


registry.register(DIALECT.replace("+", "."), __name__, Dialect.__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Address and credentials of a server."""

    host: str
    """Or the folder of its Unix socket."""
    port: int
    user: str
    password: str | None
    database: str | None
    ssl: _Ssl

    def connect(self, settings: Mapping[str, str]) -> dbapi.Connection:
        """Open a connection with these settings. Raises OSError or the driver's errors."""
        plain = self._socket()
        try:
            connection = dbapi.connect(
                self.user,
                host=self.host,
                database=self.database,
                password=self.password,
                ssl_context=False if self._is_local else self.ssl,
                application_name="providerwatch",
                startup_params=dict(settings),
                sock=plain,
            )
        except (KeyError, struct.error, UnicodeError) as error:
            plain.close()
            raise OSError("the server is not PostgreSQL") from error
        except BaseException:
            plain.close()
            raise
        _socket_of(connection).settimeout(_ANSWER_S)
        return connection

    @property
    def _is_local(self) -> bool:
        return self.host.startswith("/")

    def _socket(self) -> socket.socket:
        if self._is_local:
            found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.settimeout(CONNECT_S)
            try:
                found.connect(f"{self.host}/.s.PGSQL.{self.port}")
            except OSError:
                found.close()
                raise
            return found
        found = socket.create_connection((self.host, self.port), CONNECT_S)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found


def server_of(url: URL) -> Server:
    """The server of a URL, by the rules of libpq. Raises StoreError."""
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    unknown = sorted(options.keys() - set(OPTIONS))
    if unknown:
        raise StoreError(f"store: unknown option {unknown[0]} in the URL; use one of {', '.join(OPTIONS)}")
    return Server(
        host=options.get("host") or url.host or "localhost",
        port=url.port or _PORT,
        user=url.username or os.environ.get("PGUSER") or _own_name(),
        password=str(url.password) if url.password is not None else os.environ.get("PGPASSWORD"),
        database=url.database,
        ssl=_ssl_of(options.get("sslmode") or options.get("ssl") or "prefer", options.get("sslrootcert")),
    )


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        raise StoreError("store: no user in the URL; use postgresql://user:password@host/name") from None


def _ssl_of(mode: str, root: str | None) -> _Ssl:
    """TLS by libpq's `sslmode`."""
    match mode:
        case "disable":
            return False
        case "prefer":
            return None
        case "require" if root is None:
            return True
        case "require" | "verify-ca" | "verify-full":
            if root is not None and not Path(root).is_file():
                raise StoreError(f"store: sslrootcert: {root} is not a file: use the path of the CA's certificate")
            context = ssl.create_default_context(cafile=root)
            context.check_hostname = mode == "verify-full"
            return context
        case _:
            raise StoreError(f"store: unknown sslmode={mode}; use one of {', '.join(SSL_MODES)}")


def close(connection: dbapi.Connection) -> None:
    """Close a connection. The driver does not close the socket of a broken connection."""
    plain: socket.socket | None = _socket_of(connection)
    with suppress(dbapi.Error, OSError):
        connection.close()
    number = -1 if plain is None else plain.detach()
    if number >= 0:
        os.close(number)


def interrupt(connection: dbapi.Connection) -> None:
    """Make a call that waits on the connection fail now."""
    with suppress(OSError, AttributeError):  # it may have been closed a moment ago
        _socket_of(connection).shutdown(socket.SHUT_RDWR)


def _socket_of(connection: dbapi.Connection) -> socket.socket:
    found: socket.socket = connection._usock  # noqa: SLF001  # pg8000 has one deadline for getting in and for answers
    return found


def error_text(error: BaseException) -> str:
    """The error in one line."""
    cause = getattr(error, "orig", None) or error
    message = cause.args[0] if cause.args else ""
    if isinstance(message, Mapping):  # the fields of an error message of the protocol
        message = message.get("M", "")
    elif isinstance(cause.__cause__, OSError):
        return error_text(cause.__cause__)
    elif isinstance(cause, TimeoutError):
        return "the server does not answer"
    elif isinstance(cause, OSError):
        message = cause.strerror or message
    elif message == "network error":
        return "the server closed the connection"
    return next(iter(str(message).splitlines()), "") or type(cause).__name__
