"""The address of a PostgreSQL server, read as other programs read it."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import make_url

from monitor.config import RefusedError
from monitor.config._addresses import store as checked
from monitor.domain.postgres_url import SSL_MODES
from monitor.store import StoreError, create_store
from monitor.store._server import server_of


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGUSER", raising=False)
    monkeypatch.delenv("PGPASSWORD", raising=False)


def test_an_address_is_read_whole() -> None:
    server = server_of(make_url("postgresql://me:p%40ss@db.example:6432/history?sslmode=require"))
    assert (server.host, server.port, server.user, server.password) == ("db.example", 6432, "me", "p@ss")
    assert (server.database, server.ssl) == ("history", True)


def test_what_an_address_lacks_is_as_for_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "someone")
    monkeypatch.setenv("PGPASSWORD", "secret")
    server = server_of(make_url("postgresql:///history"))
    assert (server.host, server.port, server.user, server.password) == ("localhost", 5432, "someone", "secret")
    assert server.ssl is None


def test_a_folder_is_where_the_servers_socket_is() -> None:
    assert server_of(make_url("postgresql://me@/history?host=/var/run/postgresql")).host == "/var/run/postgresql"


def test_a_certificate_is_verified_where_that_is_asked_for() -> None:
    full, only_ca = (
        server_of(make_url(f"postgresql://me@db/x?sslmode={mode}")).ssl for mode in ("verify-full", "verify-ca")
    )
    assert isinstance(full, ssl.SSLContext)
    assert isinstance(only_ca, ssl.SSLContext)
    assert (full.verify_mode, full.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (only_ca.verify_mode, only_ca.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert server_of(make_url("postgresql://me@db/x?sslmode=disable")).ssl is False


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("sslmode=sometimes", "unknown sslmode=sometimes; use one of disable, prefer"),
        ("pool=5", "unknown option pool in the URL; use one of host, ssl, sslmode, sslrootcert"),
        ("sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem is not a file"),
    ],
)
def test_an_option_that_is_not_known_is_named_and_no_password_shown(options: str, what: str) -> None:
    with pytest.raises(StoreError) as refused:
        create_store(f"postgresql://me:pa55@db/x?{options}")
    assert what in str(refused.value)
    assert "pa55" not in str(refused.value)


@pytest.mark.parametrize("mode", [*SSL_MODES, "allow"])
@pytest.mark.parametrize("name", ["ssl", "sslmode"])
def test_the_configuration_allows_what_the_store_can_use(name: str, mode: str) -> None:
    url = f"postgresql://me@db/x?{name}={mode}"
    with nullcontext() if mode in SSL_MODES else pytest.raises(RefusedError):
        assert checked(url) == url
    with nullcontext() if mode in SSL_MODES else pytest.raises(StoreError):
        server_of(make_url(url))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, b"", b"\xff" * 64])
async def test_what_is_no_postgresql_is_refused_in_one_line(answer: bytes, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        port = listening.getsockname()[1]
        with pytest.raises(StoreError) as refused:
            await create_store(f"postgresql://me:pa55@127.0.0.1:{port}/x?sslmode=disable").open()
        listening.shutdown(socket.SHUT_RDWR)
    assert str(refused.value).startswith(f"postgresql://me:***@127.0.0.1:{port}/x?sslmode=disable: ")
    assert "\n" not in str(refused.value)
