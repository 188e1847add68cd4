"""measure(): one probe over the network. The only caller of the network and of clocks.

A fresh connection per probe, so that every phase is measured and nobody's half-closed keep-alive is taken for an
outage. Two deadlines run from the moment the request was handed to the kernel; before that, the time to first token's
bounds name resolution, connecting and TLS together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from probes._exchange import Ending, Exchange, sample, unmeasured
from probes._faults import fault_of
from probes._line import Line
from probes._meter import Arrival, read_stream
from probes._model import ErrorClass, Fault, Probe, Request, Run, Sample

MAX_STREAM_BYTES = 8 << 20
MAX_REFUSAL_BYTES = 64 << 10
MAX_HEADER_BYTES = 16 << 10
_READ_BUFFER_BYTES = 1 << 20
"""Above this aiohttp stops reading for a while, and stamps would merge."""
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_SUCCESSES = range(200, 300)


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One probe under way: what is asked over which line, and what came back so far."""

    run: Run
    codec: Probe
    line: Line
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ending: Ending = Ending.END_OF_FILE
    fault: Fault | None = None


async def measure(run: Run, codec: Probe) -> Sample:
    """Make one probe and record it. Never raises but for cancellation: a failure is a sample too."""
    try:
        request = codec.request(run.endpoint, run.task, run.prompt)
    except Exception as error:  # noqa: BLE001  # a codec may be a third party's
        detail = f"{run.endpoint.api} could not ask: {type(error).__name__}"
        return unmeasured(run, ErrorClass.INTERNAL, detail, datetime.now(UTC))
    return sample(run, codec, await exchange(run, codec, request))


async def exchange(run: Run, codec: Probe, request: Request) -> Exchange:
    """Send the request of a probe and bring home what was seen, to be measured and judged later."""
    began_at = datetime.now(UTC)
    line = Line(deadlines=run.deadlines, began_ns=time.monotonic_ns(), tls=request.url.startswith("https:"))
    attempt = _Attempt(run=run, codec=codec, line=line)
    async with _session(line) as session:
        await _ask(session, request, attempt)
        line.finish()
    return _exchange(began_at, attempt)


def _session(line: Line) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(socket_factory=line.open_socket, force_close=True, use_dns_cache=False, limit=0)
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=[line.trace()],
        timeout=_NO_TIMEOUT,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
    )


async def _ask(session: aiohttp.ClientSession, request: Request, attempt: _Attempt) -> None:
    """Send the request, take the answer's head, then its body."""
    line = attempt.line
    try:
        async with asyncio.timeout_at(line.connect_deadline_s) as line.cutoff:
            response = await session.request(
                request.method,
                request.url,
                headers=_headers(request, attempt.run),
                data=request.body,
                allow_redirects=False,
            )
    except Exception as error:  # noqa: BLE001  # every one is told apart in fault_of
        attempt.fault = fault_of(error, line.stage)
        return
    line.head_arrived(response.content)
    attempt.status = response.status
    attempt.headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        await _receive(response.content, attempt)
    finally:
        line.finish()
        response.close()


def _headers(request: Request, run: Run) -> dict[str, str]:
    """The codec's headers above ours, and the endpoint's own above both."""
    ours = {"User-Agent": "providerwatch (synthetic probe)", "Accept-Encoding": "identity"}
    return ours | dict(request.headers) | {name: value.reveal() for name, value in run.endpoint.headers}


async def _receive(content: aiohttp.StreamReader, attempt: _Attempt) -> None:
    """Read until the stream ends or a deadline passes: the first token's unless there was content, then the whole's."""
    deadlines = attempt.run.deadlines
    stages = [(deadlines.total_s, Ending.TOTAL_DEADLINE)]
    if deadlines.ttft_s < deadlines.total_s:
        stages.insert(0, (deadlines.ttft_s, Ending.TTFT_DEADLINE))
    for seconds, ending in stages:
        try:
            async with asyncio.timeout_at(attempt.line.deadline_s(seconds)):
                attempt.ending = await _read_on(content, attempt)
                return
        except TimeoutError:
            attempt.ending = ending
        if not _has_content(attempt):
            return


async def _read_on(content: aiohttp.StreamReader, attempt: _Attempt) -> Ending:
    limit = MAX_STREAM_BYTES if attempt.status in _SUCCESSES else MAX_REFUSAL_BYTES
    while len(attempt.body) <= limit:
        try:
            piece = await content.readany()
        except (aiohttp.ClientError, OSError):
            return Ending.CUT
        if not piece:
            return Ending.END_OF_FILE
        attempt.body += piece
    return Ending.TOO_LARGE


def _has_content(attempt: _Attempt) -> bool:
    body = bytes(attempt.body)
    return bool(read_stream(attempt.codec, body, (Arrival(at_ns=0, end=len(body)),)).content)


def _exchange(began_at: datetime, attempt: _Attempt) -> Exchange:
    line = attempt.line
    return Exchange(
        began_at=began_at,
        began_ns=line.began_ns,
        ended_ns=time.monotonic_ns(),
        connection=line.connection(),
        clocks=line.clocks(),
        t0_ns=line.t0_ns,
        head_ns=line.head_ns,
        status=attempt.status,
        headers=attempt.headers,
        body=bytes(attempt.body),
        arrivals=line.arrivals(),
        ending=attempt.ending,
        fault=attempt.fault,
    )
