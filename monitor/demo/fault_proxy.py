"""A process with two faulty providers in front of a good one: a reverse proxy on loopback.

    python -m monitor.demo.fault_proxy --upstream http://127.0.0.1:PORT [--seed N] [--pace N] [--weight FAULT=NUMBER …]

`/slow/v1/…` answers late and slowly, `/flaky/v1/…` fails at random. Both forward bytes immediately. The process prints
`{"address": "http://127.0.0.1:PORT"}` as its only line on stdout, and ends on SIGTERM or at the end of its stdin.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web

from monitor.demo.faults import STREAM_ERROR_EVENT, WEIGHTS, Deck, EventCount, InjectedFault, refusal, weight
from monitor.demo.lifeline import die_with_parent, ignore_interrupts, when_stdin_ends

SLOW_START_S = 1.6
SLOW_CHUNK_S = 0.03
_STALL_S = 120.0
_EVENTS_BEFORE_FAULT = 2
"""llama.cpp's first event contains the role, the second one the first token. A short answer has few more events."""
_UPSTREAM_SILENCE_S = 60.0
_SHUTDOWN_S = 0.5
_PASSED_ON = ("Accept", "Authorization", "Content-Type", "User-Agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultProxy:
    """The routes of both providers. `upstream`: scheme, host and port of the good provider."""

    session: ClientSession
    upstream: str
    deck: Deck
    pace: float = 1.0
    """The factor by which the slow provider is slower than usual."""

    def application(self) -> web.Application:
        """The proxy as an aiohttp application."""
        application = web.Application()
        application.router.add_route("*", "/slow/{path:v1/.*}", self.slow)
        application.router.add_route("*", "/flaky/{path:v1/.*}", self.flaky)
        return application

    async def slow(self, request: web.Request) -> web.StreamResponse:
        """Answer late, with a pause before each chunk, so that the pauses add up."""
        await asyncio.sleep(SLOW_START_S * self.pace)
        return await self._forward(request, InjectedFault.NONE, chunk_delay_s=SLOW_CHUNK_S * self.pace)

    async def flaky(self, request: web.Request) -> web.StreamResponse:
        """Answer, or inject the next fault of the deck."""
        fault = self.deck.draw()
        if (refused := refusal(fault)) is not None:
            return web.Response(
                status=refused.status,
                headers=refused.headers,
                body=refused.body,
                content_type="application/json",
            )
        return await self._forward(request, fault)

    async def _forward(
        self, request: web.Request, fault: InjectedFault, *, chunk_delay_s: float = 0.0
    ) -> web.StreamResponse:
        """Send the request upstream and forward the answer, up to the position of the fault."""
        response = web.StreamResponse()
        try:
            async with self._ask(request) as answer:
                response.set_status(answer.status)
                response.content_type = answer.content_type
                await response.prepare(request)
                struck = await _pass_on(answer, response, fault, chunk_delay_s)
        except (ClientError, TimeoutError):
            if not response.prepared:
                raise web.HTTPBadGateway(text="The model does not answer.\n") from None
            struck, fault = True, InjectedFault.TRUNCATE
        if struck:
            await _strike(request, response, fault, _STALL_S * self.pace)
        return response

    @asynccontextmanager
    async def _ask(self, request: web.Request) -> AsyncIterator[ClientResponse]:
        """Send the unchanged request upstream."""
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        url = f"{self.upstream}/{request.match_info['path']}"
        async with self.session.request(
            request.method, url, params=request.query, headers=headers, data=await request.read()
        ) as answer:
            yield answer


async def _pass_on(
    answer: ClientResponse, response: web.StreamResponse, fault: InjectedFault, chunk_delay_s: float
) -> bool:
    """Copy the body as it arrives. True: stopped at the position of the fault.

    HTTP chunks stay separate (llama.cpp sends one for each token); otherwise a delay would only merge them.
    """
    count = None if fault is InjectedFault.NONE else EventCount(_EVENTS_BEFORE_FAULT)
    async for data, _ in answer.content.iter_chunks():
        if chunk_delay_s:
            await asyncio.sleep(chunk_delay_s)
        offset = count.cut(data) if count else None
        await response.write(data[:offset])
        if offset is not None:
            return True
    return False


async def _strike(request: web.Request, response: web.StreamResponse, fault: InjectedFault, stall_s: float) -> None:
    """Apply the fault to a partly sent answer."""
    match fault:
        case InjectedFault.STALL:
            await asyncio.sleep(stall_s)  # cancelled when the client gives up
        case InjectedFault.STREAM_ERROR:
            await response.write(STREAM_ERROR_EVENT)
        case InjectedFault.TRUNCATE if request.transport is not None:
            request.transport.close()
        case _:
            pass


@asynccontextmanager
async def serving(
    upstream: str, *, chance: random.Random, weights: Mapping[InjectedFault, int] = WEIGHTS, pace: float = 1.0
) -> AsyncIterator[str]:
    """Serve both providers on a free port of loopback; yields the address.

    Connections to llama.cpp are not reused: its server closes them after a stream, even if it announces keep-alive.
    """
    timeout = ClientTimeout(total=None, sock_read=_UPSTREAM_SILENCE_S)
    connector = TCPConnector(force_close=True, limit=0)
    async with ClientSession(timeout=timeout, connector=connector, auto_decompress=False) as session:
        proxy = FaultProxy(session=session, upstream=upstream.rstrip("/"), deck=Deck(chance, weights), pace=pace)
        runner = web.AppRunner(
            proxy.application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()


async def serve(upstream: str, *, chance: random.Random, weights: Mapping[InjectedFault, int], pace: float) -> None:
    """Serve until SIGTERM or the end of stdin."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    when_stdin_ends(lambda: loop.call_soon_threadsafe(ended.set))
    async with serving(upstream, chance=chance, weights=weights, pace=pace) as address:
        sys.stdout.write(json.dumps({"address": address}) + "\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> None:
    """Read the arguments and serve."""
    ignore_interrupts()
    die_with_parent(signal.SIGKILL)
    parser = argparse.ArgumentParser(prog="fault_proxy", description="A slow and a flaky provider.")
    parser.add_argument("--upstream", required=True, help="base URL of the provider behind the proxy")
    parser.add_argument("--seed", type=int, help="makes the faults of a run repeatable")
    about_weight = "weight of a fault; replaces all default weights; repeatable"
    parser.add_argument("--weight", type=weight, action="append", metavar="FAULT=NUMBER", help=about_weight)
    parser.add_argument("--pace", type=float, default=1.0, help="factor by which the slow provider is slower")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311  # faults for show
    weights = dict(arguments.weight or WEIGHTS)
    asyncio.run(serve(arguments.upstream, chance=chance, weights=weights, pace=arguments.pace))


if __name__ == "__main__":
    main()
