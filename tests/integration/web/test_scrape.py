"""Many readers of the metrics share one rendering, in either format, plain or gzipped."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from monitor.web.scrape import Scrapes
from tests.integration.daemon.parts import PATIENT_S, breathe
from tests.integration.web.serving import Serve

MODERN = "application/openmetrics-text;version=1.0.0"
LONG = b"".join(b'metric{endpoint="p:%07d"} 1.0\n' % number for number in range(100_000))


class Renderer:
    """Counts how often it is asked, and how often while it is at work."""

    def __init__(self, body: bytes = b"a 1\n") -> None:
        self.body = body
        self.gate = asyncio.Event()
        self.gate.set()
        self.times = self.running = self.most = 0

    async def __call__(self, *, openmetrics: bool) -> bytes:
        self.times += 1
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        self.running -= 1
        return self.body + b"# EOF\n" * openmetrics


class Clock:
    """Set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def test_all_who_ask_at_the_same_time_share_one_rendering() -> None:
    renderer, clock = Renderer(LONG), Clock()
    scrapes = Scrapes(renderer, clock)
    renderer.gate.clear()
    asked = [asyncio.create_task(scrapes.document("")) for _ in range(131)]
    await breathe()
    renderer.gate.set()
    found = await asyncio.gather(*asked)
    assert (renderer.times, len({id(document) for document in found})) == (1, 1)
    assert found[0].gzipped is not None
    assert gzip.decompress(found[0].gzipped.body) == found[0].plain.body == LONG


async def test_a_rendering_is_good_for_a_second() -> None:
    renderer, clock = Renderer(), Clock()
    scrapes = Scrapes(renderer, clock)
    for now_s, times in ((100.0, 1), (100.9, 1), (101.0, 2), (101.5, 2), (500.0, 3)):
        clock.now_s = now_s
        await scrapes.document("")
        assert renderer.times == times


async def test_one_is_made_at_a_time_whatever_formats_are_asked_for() -> None:
    renderer = Renderer()
    scrapes = Scrapes(renderer, Clock())
    renderer.gate.clear()
    asked = [asyncio.create_task(scrapes.document(accept)) for accept in ("", MODERN) * 20]
    await breathe()
    renderer.gate.set()
    found = await asyncio.gather(*asked)
    assert (renderer.times, renderer.most) == (2, 1)
    assert {document.plain.body for document in found} == {b"a 1\n", b"a 1\n# EOF\n"}


async def test_a_rendering_that_fails_is_tried_again() -> None:
    fails = True

    async def text(*, openmetrics: bool) -> bytes:
        if fails:
            raise RuntimeError
        return b""

    scrapes = Scrapes(text, Clock())
    with pytest.raises(RuntimeError):
        await scrapes.document("")
    fails = False
    assert (await scrapes.document("")).plain.body == b""


# Over a real connection


async def test_a_large_body_comes_whole_and_a_slow_reader_is_no_trouble_for_others(serve: Serve) -> None:
    served = await serve(metrics=Renderer(LONG))
    slow = [await asyncio.open_connection(served.host, served.port) for _ in range(20)]
    for _, writer in slow:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await served.ask("/metrics", Accept_Encoding="identity"))[1] == LONG
    head, nothing = await served.ask("/metrics", "HEAD", Accept_Encoding="identity")
    assert (head.headers["Content-Length"], nothing) == (str(len(LONG)), b"")
    async with asyncio.timeout(PATIENT_S):
        for reader, writer in slow:
            assert (await reader.read()).endswith(LONG)
            writer.close()


async def test_prometheus_gets_it_gzipped(serve: Serve) -> None:
    served = await serve(metrics=Renderer(LONG))
    response, body = await served.ask("/metrics", Accept_Encoding="gzip")
    assert (response.headers["Content-Encoding"], body) == ("gzip", LONG)
    assert int(response.headers["Content-Length"]) < len(LONG) / 5
    assert response.headers["Vary"] == "Accept-Encoding"
