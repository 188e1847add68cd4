"""measure(): one probe over the network.

Of `probes`, only this module, `_connection`, `_socket`, `_http` and `_deadline` use the network or read clocks.

Every probe opens a new connection, so that every phase is measured and a half-closed keep-alive connection is not
counted as an outage. Two deadlines start when the request was handed to the kernel; before that, the TTFT deadline
limits name resolution, connecting and TLS together.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp

from probes._connection import ConnectionTimer
from probes._deadline import until
from probes._end import CHATTER_S, QUIET_S, EndWatch
from probes._exceptions import fault_of, local_fault, proxy_refused
from probes._exchange import Ending, Exchange
from probes._http import Connector
from probes._meter import Reading, decoding
from probes._model import Endpoint, ErrorClass, Fault, Probe, Request, Run, Sample, Task
from probes._ports import DEFAULT_PORTS
from probes._proxy import Proxy, proxy_of, unused_variable
from probes._sample import decode_into, sample_of_reading, texts_to_count
from probes._status import is_success

MAX_STREAM_BYTES = 8 << 20
MAX_REFUSAL_BYTES = 64 << 10
MAX_HEADER_BYTES = 16 << 10
_READ_BUFFER_BYTES = 1 << 20
"""Above this, aiohttp pauses reading, and timestamps would merge."""
_ONE_PIECE_BYTES = 1 << 20
"""Above this, aiohttp expects a body as a file, which it sends in pieces."""
_TURN_NS = 1_000_000
"""How long frames are decoded before other streams can run. Decoding a whole answer would delay their reads."""
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_PLAIN_ENCODINGS = frozenset(
    {"", "identity", "chunked", "none", "utf-8", "utf8", "us-ascii", "ascii", "binary", "8bit", "text", "plain", "null"}
)
"""Encodings without compression. Some servers send a charset or a word such as `none` by mistake."""
_PACKED_ENCODINGS = frozenset({"gzip", "x-gzip", "br", "deflate", "zstd", "compress"})
"""Encodings that messages may name. Other values may contain a key in lower case, which redaction would miss."""
_CONNECTION_FAILURES = frozenset({ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TLS})
_LATE_SHARE = 0.25
"""If the event loop is later than this share of the connect deadline, the provider is not blamed."""


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """A running probe: its request, its connection, and what was received so far."""

    run: Run
    codec: Probe
    timer: ConnectionTimer
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ending: Ending = Ending.END_OF_FILE
    fault: Fault | None = None
    watch: EndWatch
    looked_s: float = 0.0
    """The time of the last check for the end of the answer, on the event loop's clock."""
    proved_s: float | None = None
    """The time of the first proof of the end, on the event loop's clock."""


Count: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[int]]]
"""Counts the tokens of each text; returns no counts when it fails."""


async def measure(run: Run, codec: Probe, count: Count | None = None) -> Sample:
    """Run one probe. Raises only CancelledError: a failure is a sample, too.

    `count` is called when the provider sent no usage. Without it tokens are counted here, which delays other streams.
    """
    seen = await exchange(run, codec)
    reading = Reading()
    async for _ in _cooperatively(decode_into(reading, run, codec, seen)):
        pass
    if count is None:
        return sample_of_reading(run, codec, seen, reading)
    texts = texts_to_count(run, codec, reading)
    return sample_of_reading(run, codec, seen, reading, await count(texts) if texts else ())


async def _cooperatively(steps: Iterator[None]) -> AsyncIterator[None]:
    """Run the steps, and regularly let other streams run.

    Two turns of the event loop are needed: in the first one it polls the sockets, but resumes here before reading them.
    """
    turn_ns = time.monotonic_ns() + _TURN_NS
    for _ in steps:
        yield
        if time.monotonic_ns() > turn_ns:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            turn_ns = time.monotonic_ns() + _TURN_NS


async def exchange(run: Run, codec: Probe) -> Exchange:
    """Send the request of a probe. Returns all recorded data, which is measured and judged later."""
    began_at, began_ns = datetime.now(UTC), time.monotonic_ns()
    try:
        request = codec.sign(codec.request(run.endpoint, run.task, run.prompt), run.endpoint, began_at)
    except Exception as error:  # noqa: BLE001  # a codec may be a third party's
        detail = f"{run.endpoint.api} could not create the request: {type(error).__name__}"
        fault = Fault(error=ErrorClass.INTERNAL, detail=detail)
        return Exchange(began_at=began_at, began_ns=began_ns, ended_ns=began_ns, fault=fault)
    proxy = proxy_of(run.endpoint.proxy)
    timer = ConnectionTimer(
        deadlines=run.deadlines,
        began_ns=began_ns,
        tls=request.url.startswith("https:"),
        target=_host_and_port(request.url) if proxy is not None else "",
        proxy=proxy,
    )
    attempt = _Attempt(run=run, codec=codec, timer=timer, watch=EndWatch(codec=codec, task=run.task))
    async with _session(timer) as session:
        if isinstance(asyncio.get_running_loop(), BaseSelectorEventLoop):
            await _send_request(session, request, attempt)
        else:
            detail = "only asyncio's own event loop supports the timestamping socket"
            attempt.fault = Fault(error=ErrorClass.INTERNAL, detail=detail)
        timer.snapshot()
    seen = _exchange(began_at, attempt)
    timer.release_sockets()
    return seen


def _session(timer: ConnectionTimer) -> aiohttp.ClientSession:
    connector = Connector(socket_factory=timer.open_socket, force_close=True, use_dns_cache=False, limit=0)
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=[timer.trace()],
        timeout=_NO_TIMEOUT,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
    )


async def _send_request(session: aiohttp.ClientSession, request: Request, attempt: _Attempt) -> None:
    """Send the request, receive the answer's head, then its body."""
    timer = attempt.timer
    try:
        async with until(timer.connect_deadline_s) as timer.deadline:
            response = await session.request(
                request.method,
                request.url,
                headers=_headers(request, attempt.run) | ({} if timer.tls else _credentials(timer.proxy)),
                proxy=timer.proxy.url if timer.proxy else None,
                proxy_headers=_credentials(timer.proxy) or None,
                data=_payload(request.body) if request.body else None,
                allow_redirects=False,
            )
    except Exception as error:  # noqa: BLE001  # fault_of classifies every exception
        attempt.fault = _local_delay_fault(timer) or _with_proxy_hint(
            fault_of(error, timer.situation), attempt.run.endpoint
        )
        return
    timer.head_arrived(response.content)
    _end_with_connection(response)
    attempt.status = response.status
    attempt.watch.status = response.status
    attempt.headers = {name.lower(): value for name, value in response.headers.items()}
    attempt.fault = _proxy_refusal_fault(attempt) or _encoding_fault(attempt)
    try:
        if attempt.fault is None:
            await _receive(response.content, attempt)
    finally:
        timer.snapshot()
        response.close()


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    default = DEFAULT_PORTS.get(parts.scheme, "")
    host = parts.netloc.rpartition("@")[2]
    return host if host.rpartition("]")[2].count(":") else f"{host}:{default}"


def _credentials(proxy: Proxy | None) -> dict[str, str]:
    """The authorization header for the proxy."""
    return {"Proxy-Authorization": proxy.authorization} if proxy is not None and proxy.authorization else {}


def _proxy_refusal_fault(attempt: _Attempt) -> Fault | None:
    """A proxy's own refusal of a request without a tunnel; no provider answers with this status."""
    proxy = attempt.timer.proxy
    if proxy is None or attempt.timer.tls or attempt.status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return None
    return Fault(error=ErrorClass.INTERNAL, detail=proxy_refused(attempt.status, f"the proxy {proxy.peer}"))


def _with_proxy_hint(fault: Fault, endpoint: Endpoint) -> Fault:
    """A connection failure with a hint at a proxy variable that other programs would use."""
    if fault.error not in _CONNECTION_FAILURES or endpoint.proxy is not None:
        return fault
    variable = unused_variable(os.environ, endpoint.base_url.partition(":")[0])
    if variable is None:
        return fault
    hint = f"{variable} is set but not used; set `proxy:` in the configuration"
    return replace(fault, detail=f"{fault.detail}; {hint}")


def _payload(body: bytes) -> bytes | io.BytesIO:
    return body if len(body) <= _ONE_PIECE_BYTES else io.BytesIO(body)


def _flood_fault(timer: ConnectionTimer) -> Fault | None:
    return Fault(error=ErrorClass.MALFORMED, detail=timer.flood) if timer.flood is not None else None


def _local_delay_fault(timer: ConnectionTimer) -> Fault | None:
    """The fault if this machine was very late and had not sent the request before the deadline."""
    deadline, sent_ns = timer.deadline, timer.t0_ns
    if deadline is None or deadline.late_s < _LATE_SHARE * (timer.connect_deadline_s - timer.began_ns / 1e9):
        return None
    if sent_ns is not None and sent_ns / 1e9 < deadline.at_s:
        return None
    detail = f"this machine was {deadline.late_s * 1e3:.0f} ms late at the deadline for {timer.stage.value}"
    return Fault(error=ErrorClass.TAINTED, detail=detail)


def _encoding_fault(attempt: _Attempt) -> Fault | None:
    """The fault of a successful answer with an encoding that was not requested; compression would delay tokens."""
    if not is_success(attempt.status):
        return None
    for kind in ("content", "transfer"):
        encodings = attempt.headers.get(f"{kind}-encoding", "").lower().split(",")
        for encoding in map(str.strip, encodings):
            if encoding not in _PLAIN_ENCODINGS:
                named = encoding if encoding in _PACKED_ENCODINGS else "unknown"
                detail = f"{kind} encoding {named}, although identity was requested"
                return Fault(error=ErrorClass.MALFORMED, detail=detail)
    return None


def _headers(request: Request, run: Run) -> dict[str, str]:
    """The codec's headers override ours, and the endpoint's own override both."""
    ours = {"User-Agent": "providerwatch (synthetic probe)", "Accept-Encoding": "identity"}
    return ours | dict(request.headers) | {name: value.reveal() for name, value in run.endpoint.headers}


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """End reading the body when its connection is closed.

    aiohttp closes the connection on invalid chunks, but leaves the reader of the body waiting.
    """
    protocol = response.connection.protocol if response.connection is not None else None
    closed = protocol.closed if protocol is not None else None

    def end(gone: asyncio.Future[None]) -> None:
        gone.exception()  # retrieve it, or the event loop would log it
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(aiohttp.ClientPayloadError("the connection was closed"))

    if closed is not None:
        closed.add_done_callback(end)


async def _receive(content: aiohttp.StreamReader, attempt: _Attempt) -> None:
    """Read until the stream ends or a deadline passes: TTFT until there is content, then the total deadline."""
    deadlines = attempt.run.deadlines
    stages = [(deadlines.total_s, Ending.TOTAL_DEADLINE)]
    if deadlines.ttft_s < deadlines.total_s and attempt.run.task is not Task.REACH:
        stages.insert(0, (deadlines.ttft_s, Ending.TTFT_DEADLINE))
    for seconds, overdue in stages:
        deadline_s = attempt.timer.deadline_s(seconds)
        ended = await _read_until(content, attempt, deadline_s)
        attempt.ending = ended or overdue
        if ended is not None:
            return
        first_s = await _first_content_s(attempt)
        if first_s is not None and first_s > deadline_s:
            # Only a late event loop reads content after the deadline; merged reads have the time of the last one.
            detail = "this machine was late at the TTFT deadline; the time of the first token is not known"
            attempt.fault = Fault(error=ErrorClass.TAINTED, detail=detail)
        if first_s is None or attempt.fault is not None:
            return


async def _read_until(content: aiohttp.StreamReader, attempt: _Attempt, deadline_s: float) -> Ending | None:
    """Read until the stream ends, or has proved its end and is quiet; None: the deadline passed first."""
    now_s = asyncio.get_running_loop().time
    while True:
        look_s = max(attempt.timer.newest_read_s, attempt.looked_s) + QUIET_S
        try:
            async with until(min(look_s, deadline_s)):
                return await _read_on(content, attempt)
        except TimeoutError:
            if look_s >= deadline_s:
                return None
        attempt.looked_s = now_s()
        if await _is_over(attempt, look_s):
            return Ending.PROVED


async def _is_over(attempt: _Attempt, look_s: float) -> bool:
    """Whether the answer has proved its end, and is quiet or `CHATTER_S` have passed since the proof."""
    timer = attempt.timer
    async for _ in _cooperatively(attempt.watch.look(attempt.body, attempt.looked_s - timer.newest_read_s)):
        pass
    if not attempt.watch.ended:
        return False
    attempt.proved_s = attempt.proved_s or attempt.looked_s
    is_quiet = timer.newest_read_s + QUIET_S <= look_s
    return is_quiet or attempt.looked_s - attempt.proved_s >= CHATTER_S


async def _read_on(content: aiohttp.StreamReader, attempt: _Attempt) -> Ending:
    limit = MAX_STREAM_BYTES if is_success(attempt.status) else MAX_REFUSAL_BYTES
    while len(attempt.body) <= limit:
        try:
            piece = await content.readany()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:  # aiohttp raises the last for a closed connection
            attempt.fault = local_fault(error.__cause__ or error, "reading the answer")
            return Ending.CUT
        if not piece:
            return Ending.END_OF_FILE
        attempt.body += piece
    return Ending.TOO_LARGE


async def _first_content_s(attempt: _Attempt) -> float | None:
    """The time of the first content, on the event loop's clock."""
    attempt.timer.snapshot()
    reading = Reading()
    async for _ in _cooperatively(decoding(attempt.codec, bytes(attempt.body), attempt.timer.arrivals(), reading)):
        if reading.content:
            break
    return reading.content[0].at_ns / 1e9 if reading.content else None


def _exchange(began_at: datetime, attempt: _Attempt) -> Exchange:
    timer = attempt.timer
    return Exchange(
        began_at=began_at,
        began_ns=timer.began_ns,
        ended_ns=time.monotonic_ns(),
        connection=timer.connection(),
        clocks=timer.clocks(),
        t0_ns=timer.t0_ns,
        head_ns=timer.head_ns,
        status=attempt.status,
        headers=attempt.headers,
        body=bytes(attempt.body),
        arrivals=timer.arrivals(),
        ending=attempt.ending,
        fault=_flood_fault(timer) or attempt.fault,
    )
