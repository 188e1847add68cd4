"""Network exceptions become error classes: for missing resources of this machine `internal`, else by stage."""

from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from probes._exceptions import Situation, Stage, fault_of, local_fault
from probes._model import Blame, ErrorClass, Fault

KEY = ConnectionKey("api.test", 443, True, True, None, None, None)
SHORTAGES = ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "EADDRINUSE", "EPERM", "EACCES", "EAGAIN")
OUTSIDE = ("ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE", "ENETDOWN")


def number(name: str) -> int:
    return int(getattr(errno, name))


def raised(name: str) -> OSError:
    return OSError(number(name), os.strerror(number(name)))


def several(*names: str) -> OSError:
    """What aiohttp makes of the errors of several addresses."""
    return OSError("Multiple exceptions: " + ", ".join(str(raised(name)) for name in names))


def found(error: Exception, stage: Stage = Stage.CONNECT) -> Fault:
    return fault_of(error, Situation(stage=stage, peer="api.test:443", timeout_s=10))


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", SHORTAGES)
def test_a_shortage_of_this_machine_is_internal_at_every_stage(name: str, stage: Stage) -> None:
    plain, wrapped = raised(name), aiohttp.ClientConnectorError(KEY, raised(name))
    for error in (plain, wrapped, aiohttp.ClientConnectorDNSError(KEY, plain), aiohttp.ClientOSError(*plain.args)):
        fault = found(error, stage)
        assert (fault.error, fault.error.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
        assert fault.detail is not None
        assert "api.test" in fault.detail


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_comes_from_outside_is_not(name: str) -> None:
    assert found(aiohttp.ClientConnectorError(KEY, raised(name))).error is ErrorClass.CONNECT
    assert found(aiohttp.ClientOSError(*raised(name).args), Stage.HEAD).error is ErrorClass.TRUNCATED


def test_of_several_addresses_one_that_answered_decides() -> None:
    assert found(several("EMFILE", "EMFILE")).error is ErrorClass.INTERNAL
    assert found(several("EADDRNOTAVAIL", "EACCES")).error is ErrorClass.INTERNAL
    assert found(several("EADDRNOTAVAIL", "ECONNREFUSED")).error is ErrorClass.CONNECT


def test_errors_of_tls_have_numbers_that_mean_something_else() -> None:
    assert ssl.SSL_ERROR_SSL == errno.EPERM
    assert local_fault(ssl.SSLError(ssl.SSL_ERROR_SSL, "[SSL] wrong"), "the handshake") is None


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_no_memory_and_no_thread_are_internal(error: Exception) -> None:
    assert found(error, Stage.DNS).error is ErrorClass.INTERNAL
    assert local_fault(RuntimeError("Connection closed."), "reading") is None


@contextmanager
def no_descriptors() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_resolver_that_found_nothing_because_it_could_open_nothing_is_internal() -> None:
    error = aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_AGAIN, "Temporary failure"))
    assert found(error, Stage.DNS).error is ErrorClass.DNS
    with no_descriptors():
        assert found(error, Stage.DNS).error is ErrorClass.INTERNAL


@pytest.mark.parametrize("code", [socket.EAI_MEMORY, socket.EAI_SYSTEM])
def test_a_lookup_that_never_left_this_machine_is_internal(code: int) -> None:
    assert found(socket.gaierror(code, "System error"), Stage.DNS).error is ErrorClass.INTERNAL
