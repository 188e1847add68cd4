"""Maps exceptions of the network and of aiohttp to faults. `_driver` and `_meter` handle those of a codec."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import aiohttp

from probes._model import ErrorClass, Fault
from probes._proxy import Proxy


class Stage(Enum):
    """The stage of a probe. The value is for messages."""

    DNS = "resolving the name"
    CONNECT = "connecting"
    TUNNEL = "the proxy to connect"
    TLS = "the TLS handshake"
    HEAD = "waiting for the answer's head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The state of a probe when an exception was raised, for messages."""

    stage: Stage
    peer: str
    """The peer: `localhost:443 (127.0.0.1)`, or the name alone before it was resolved."""
    timeout_s: float
    """The timeout of the stage, for messages."""
    proxy: Proxy | None = None
    """The proxy, if any."""
    first_bytes: bytes = b""
    """The first received bytes."""


_QUOTED_BYTES = re.compile(r"""\b(?:bytearray\()?b['"]""")
_STAGE_CLASSES = {
    Stage.DNS: ErrorClass.DNS,
    Stage.CONNECT: ErrorClass.CONNECT,
    Stage.TUNNEL: ErrorClass.CONNECT,
    Stage.TLS: ErrorClass.TLS,
    Stage.HEAD: ErrorClass.TIMEOUT_TTFT,
}
_SILENT = {
    Stage.DNS: "no address found for {}",
    Stage.CONNECT: "no answer from {} while connecting",
    Stage.TUNNEL: "no connection to {}",
    Stage.TLS: "no answer from {} in the TLS handshake",
    Stage.HEAD: "no answer from {} to the request",
}
_BROKEN = {
    Stage.DNS: "no address found for {}",
    Stage.CONNECT: "connecting to {} failed",
    Stage.TUNNEL: "connecting to {} failed",
    Stage.TLS: "the TLS handshake with {} failed",
    Stage.HEAD: "the connection to {} broke before an answer",
}
_DOING = {
    Stage.DNS: "looking up {}",
    Stage.CONNECT: "connecting to {}",
    Stage.TUNNEL: "connecting to {}",
    Stage.TLS: "the TLS handshake with {}",
    Stage.HEAD: "asking {}",
}
_SERVER_ERRORS = range(500, 600)
_PROXY_AUTH = 407
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"})
"""OpenSSL's errors for bytes that are not TLS."""
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
"""The first bytes of an alert and of a handshake."""


_LOCAL: Mapping[int, str] = {
    errno.EMFILE: "too few file descriptors for this process: raise its limit of open files, or lower max_concurrent",
    errno.ENFILE: "this machine has no file descriptors left",
    errno.ENOMEM: "this machine has no memory left",
    errno.ENOBUFS: "this machine has no network buffers left",
    errno.EAGAIN: "this machine has no resources left for it",
    errno.EADDRNOTAVAIL: "this machine has no address or port left to connect from",
    errno.EADDRINUSE: "this machine has no address or port left to connect from",
    errno.EPERM: "this machine does not allow it: a local firewall or security policy",
    errno.EACCES: "this machine does not allow it: a local firewall, route or security policy",
    errno.EAFNOSUPPORT: "this machine does not support this kind of address",
    errno.EPROTONOSUPPORT: "this machine does not support this kind of connection",
    errno.ENOSR: "this machine has no resources left for it",
}
"""Errors that only this machine can cause, so the monitor is blamed at every stage."""
_LOCAL_LOOKUP = frozenset({socket.EAI_MEMORY, socket.EAI_SYSTEM})
"""Name resolution errors that this machine causes."""
_NO_THREAD = "can't start new thread"


def local_fault(error: BaseException, doing: str) -> Fault | None:
    """The fault of this machine in an exception that was raised while `doing`; None: this machine is not the cause.

    For several addresses aiohttp's message contains one error each, and an errno only if all are equal. If one of these
    errors is not local, this machine is not the cause.
    """
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, RuntimeError) and _NO_THREAD in str(cause):
        return _local(doing, "this machine cannot start another thread: raise the limit of processes or tasks")
    if isinstance(cause, MemoryError):
        return _local(doing, _LOCAL[errno.ENOMEM])
    if isinstance(cause, socket.gaierror):
        short = _LOCAL.get(_shortage() or 0) if cause.errno not in _LOCAL_LOOKUP else cause.strerror
        return _local(doing, short) if short else None
    if isinstance(cause, ssl.SSLError) or not isinstance(cause, OSError):
        return None
    numbers = [cause.errno] if cause.errno else [int(number) for number in _NUMBERS.findall(str(cause))]
    words = [_LOCAL.get(number) for number in numbers]
    return _local(doing, words[0]) if words and words[0] and None not in words else None


_NUMBERS = re.compile(r"\[Errno (\d+)\]")


def _local(doing: str, words: str) -> Fault:
    return Fault(error=ErrorClass.INTERNAL, detail=f"{doing} failed here: {words}")


def _shortage() -> int | None:
    """The errno if this process cannot open a socket. The resolver then only reports that it found no address."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return error.errno
    return None


def fault_of(error: Exception, situation: Situation) -> Fault:
    """The fault of an exception that aiohttp or the operating system raised before the answer's head was complete."""
    own = local_fault(error, _DOING[situation.stage].format(situation.peer))
    proxys = _proxy_fault(error, situation, situation.proxy) if situation.proxy is not None else None
    return own or proxys or _foreign_fault(error, situation)


def _proxy_fault(error: Exception, situation: Situation, proxy: Proxy) -> Fault | None:
    """The fault of the proxy, for which the monitor is blamed; None: the proxy is not the cause.

    A proxy that answers 5xx could not reach the provider.
    """
    named = f"the proxy {proxy.peer}"
    match error:
        case aiohttp.ClientHttpProxyError(status=status):
            return _no_tunnel(status, situation, named)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientConnectorDNSError():
            return Fault(error=ErrorClass.INTERNAL, detail=f"{named}: connection failed: {_words(error)}")
        case aiohttp.ClientSSLError() if not proxy.is_plain and (error.host, error.port) == (proxy.host, proxy.port):
            return Fault(error=ErrorClass.INTERNAL, detail=_tls_detail(error, named))
        case TimeoutError() if situation.stage is Stage.CONNECT:
            waited = f"{_SILENT[Stage.CONNECT].format(named)} (timed out after {situation.timeout_s:g} s)"
            return Fault(error=ErrorClass.INTERNAL, detail=waited)
        case aiohttp.ClientSSLError() | TimeoutError():
            return None
        case _ if situation.stage is Stage.TUNNEL:
            return Fault(error=ErrorClass.INTERNAL, detail=f"{named} opened no tunnel: {_words(error)[:60]}")
    return None


def _no_tunnel(status: int, situation: Situation, named: str) -> Fault:
    if status in _SERVER_ERRORS:
        return Fault(
            error=ErrorClass.CONNECT, detail=f"connecting to {situation.peer} failed: the proxy answered HTTP {status}"
        )
    return Fault(error=ErrorClass.INTERNAL, detail=proxy_refused(status, named))


def proxy_refused(status: int, named: str) -> str:
    """The detail of a request that the proxy refused."""
    why = "it requires a user and password" if status == _PROXY_AUTH else "it does not allow this"
    return f"{named} refused with HTTP {status}: {why}; correct `proxy:`"


def _foreign_fault(error: Exception, situation: Situation) -> Fault:
    match error:
        case TimeoutError():
            silent = _SILENT[situation.stage].format(situation.peer)
            detail = f"{silent} (timed out after {situation.timeout_s:g} s)"
            return Fault(error=_STAGE_CLASSES[situation.stage], detail=detail)
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            detail = f"{_BROKEN[Stage.DNS].format(situation.peer)}: {_words(error)}"
            return Fault(error=ErrorClass.DNS, detail=detail)
        case aiohttp.ClientSSLError() | ssl.SSLError() | ssl.CertificateError():
            return Fault(error=ErrorClass.TLS, detail=_tls_detail(error, situation.peer))
        case aiohttp.ClientResponseError() | aiohttp.http_exceptions.HttpProcessingError():
            return Fault(error=ErrorClass.MALFORMED, detail=_not_http(error.message, situation))
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            # The message omits the URL, which may contain a password.
            return Fault(error=ErrorClass.INTERNAL, detail="base_url is not an HTTP URL")
        case aiohttp.ClientError() | OSError():
            return _broken(error, situation)
        case _:
            return Fault(error=ErrorClass.INTERNAL, detail=f"{type(error).__name__}: {error}")


def _not_http(message: str, situation: Situation) -> str:
    """A parser's message without the bytes that it quotes: they may contain the API key."""
    if situation.first_bytes.startswith(_TLS_RECORDS):
        return f"{situation.peer} uses TLS: base_url has to begin with https"
    return "not HTTP: " + " ".join(_QUOTED_BYTES.split(message)[0].split()).rstrip(":")


def _broken(error: Exception, situation: Situation) -> Fault:
    """A broken connection: the class of its stage, or `truncated` after the request was sent."""
    stage, peer = situation.stage, situation.peer
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # The exception's message is omitted, because it contains received bytes of the head.
        return Fault(error=ErrorClass.TRUNCATED, detail=f"{peer} closed the connection before an answer")
    kind = ErrorClass.TRUNCATED if stage is Stage.HEAD else _STAGE_CLASSES[stage]
    return Fault(error=kind, detail=f"{_BROKEN[stage].format(peer)}: {_words(error)}")


def _words(error: Exception) -> str:
    """The operating system's message, without aiohttp's description of its objects."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and not isinstance(cause, socket.gaierror) and cause.errno:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _tls_detail(error: Exception, peer: str) -> str:
    cause: BaseException | None = error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate of {peer} rejected: {cause.verify_message}"
    failed = _BROKEN[Stage.TLS].format(peer)
    if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
        return f"{failed}: it sent no TLS (plain HTTP?)"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return f"{failed}: {cause.reason.replace('_', ' ').lower()}"
    return f"{failed}: {cause}"
