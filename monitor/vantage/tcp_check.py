"""Checks whether an origin answers: a TCP connection that is closed at once. No request is sent."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeAlias

from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin
from probes._deadline import until

PATIENCE_S = 5.0
"""The kernel tries after 0, 1 and 3 s: time for the third try and a slow answer."""
_LOOKUP_PATIENCE_S = 3.0
"""A working resolver answers sooner; a lost packet is sent again after 5 s."""
_NEUTRAL_ZONE = "example.com."
"""Reserved by IANA for such use, and hosted by no provider. The final dot excludes search domains."""
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_MOST_ADDRESSES = 4
_UNREACHABLE = frozenset(
    {
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
        errno.EADDRNOTAVAIL,
        errno.EPERM,
    }
)
"""Errors of the kernel when there is no route; EPERM when its packet filter rejects the connection."""

_Address: TypeAlias = tuple[int, int, int, str, Any]
"""As `getaddrinfo` gives it."""


async def ask(origin: Origin, patience_s: float = PATIENCE_S) -> CheckResult:
    """Whether an origin answers now. All of its addresses are tried at once, since the first may be dead."""
    until_s = asyncio.get_running_loop().time() + patience_s
    try:
        async with until(until_s):
            addresses = await _addresses(origin)
    except (TimeoutError, socket.gaierror):
        return CheckResult.SILENT
    except (OSError, RuntimeError, UnicodeError):  # no thread, no such name
        return CheckResult.NOTHING
    tasks = [asyncio.create_task(_connect(address, until_s)) for address in addresses[:_MOST_ADDRESSES]]
    try:
        return await _first_heard(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def look_up(name: str | None = None, patience_s: float = _LOOKUP_PATIENCE_S) -> CheckResult:
    """Whether the resolver answers now; an answer that the name does not exist counts, too.

    `name` None: a random one, so that the resolver cannot answer from its cache.
    """
    host = name or f"{secrets.token_hex(6)}.{_NEUTRAL_ZONE}"
    try:
        async with until(asyncio.get_running_loop().time() + patience_s):
            await _addresses(Origin(name=host, host=host, port=443))
    except TimeoutError:
        return CheckResult.SILENT
    except socket.gaierror as error:
        return CheckResult.HEARD if error.errno in _NO_SUCH_NAME else CheckResult.SILENT
    except (OSError, RuntimeError, UnicodeError):  # no thread
        return CheckResult.NOTHING
    return CheckResult.HEARD


async def _first_heard(tasks: Iterable[asyncio.Task[CheckResult]]) -> CheckResult:
    answers = set()
    for coming in asyncio.as_completed(tasks):
        answers.add(await coming)
        if CheckResult.HEARD in answers:
            return CheckResult.HEARD
    return CheckResult.SILENT if answers == {CheckResult.SILENT} else CheckResult.NOTHING


async def _connect(address: _Address, until_s: float) -> CheckResult:
    family, kind, protocol, _, where = address
    try:
        with socket.socket(family, kind, protocol) as opened:
            opened.setblocking(False)
            async with until(until_s):
                await asyncio.get_running_loop().sock_connect(opened, where)
    except TimeoutError:
        return CheckResult.SILENT
    except OSError as error:
        return CheckResult.SILENT if error.errno in _UNREACHABLE else CheckResult.NOTHING
    return CheckResult.HEARD


async def _addresses(origin: Origin) -> list[_Address]:
    """The addresses of an origin. Raises gaierror when a name has none.

    In a thread of its own: without a network the resolver blocks its thread for half a minute. The event loop's own
    threads are needed elsewhere, and are waited for at shutdown.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[_Address]] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not found.done():
            set_outcome(outcome)

    def resolve() -> None:
        try:
            addresses = socket.getaddrinfo(
                origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        except (OSError, UnicodeError) as error:
            outcome: tuple[Callable[[Any], None], object] = (found.set_exception, error)
        else:
            outcome = (found.set_result, addresses)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=resolve, name=f"lookup-{origin.host}", daemon=True).start()
    return await found
