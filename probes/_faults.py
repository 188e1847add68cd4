"""Network exceptions to error classes: the one border where an exception becomes data."""

from __future__ import annotations

import os
import re
import socket
import ssl
from enum import Enum

import aiohttp

from probes._model import ErrorClass, Fault


class Stage(Enum):
    """How far a probe had come. The value is what a person reads."""

    DNS = "resolving the name"
    CONNECT = "connecting"
    TLS = "the TLS handshake"
    HEAD = "waiting for the answer's head"


_QUOTED_BYTES = re.compile(r"""\b(?:bytearray\()?b['"]""")
_STAGE_CLASSES = {
    Stage.DNS: ErrorClass.DNS,
    Stage.CONNECT: ErrorClass.CONNECT,
    Stage.TLS: ErrorClass.TLS,
    Stage.HEAD: ErrorClass.TIMEOUT_TTFT,
}


def fault_of(error: Exception, stage: Stage) -> Fault:
    """The class of what aiohttp or the operating system raised before the answer's head was there."""
    match error:
        case TimeoutError():
            return Fault(error=_STAGE_CLASSES[stage], detail=f"timed out {stage.value}")
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return Fault(error=ErrorClass.DNS, detail=_words(error))
        case aiohttp.ClientSSLError() | ssl.SSLError() | ssl.CertificateError():
            return Fault(error=ErrorClass.TLS, detail=_tls_words(error))
        case aiohttp.ClientResponseError() | aiohttp.http_exceptions.HttpProcessingError():
            return Fault(error=ErrorClass.MALFORMED, detail=f"not HTTP: {_without_bytes(error.message)}")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            # Not with the URL itself, which may hold a password.
            return Fault(error=ErrorClass.INTERNAL, detail="the base URL is no address of HTTP")
        case aiohttp.ClientError() | OSError():
            return _broken(error, stage)
        case _:
            return Fault(error=ErrorClass.INTERNAL, detail=f"{type(error).__name__}: {error}")


def _without_bytes(message: str) -> str:
    """What a parser says without the bytes it quotes, which are the provider's, or our own key come back."""
    return " ".join(_QUOTED_BYTES.split(message)[0].split()).rstrip(":")


def _broken(error: Exception, stage: Stage) -> Fault:
    """A connection that failed: under the stage it failed in; once the request was sent the answer is truncated."""
    if stage is Stage.HEAD:
        return Fault(error=ErrorClass.TRUNCATED, detail=f"closed before an answer: {_words(error)}")
    return Fault(error=_STAGE_CLASSES[stage], detail=_words(error))


def _words(error: Exception) -> str:
    """What the operating system said, without aiohttp's account of its own objects."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and not isinstance(cause, socket.gaierror) and cause.errno:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _tls_words(error: Exception) -> str:
    cause: BaseException | None = error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate refused: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return cause.reason.replace("_", " ").lower()
    return str(cause)
