"""Faults of real servers: signals to a real model's server, and servers of other protocols."""

from __future__ import annotations

import asyncio
import http.server
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes._driver import measure
from probes._model import Blame, ErrorClass, Run, Sample
from tests.integration.probes.asking import CODEC, probe
from tests.integration.probes.certificates import Certificates
from tests.integration.probes.model_process import (
    ModelProcess,
    model_process,
    story_of,
    until_head,
    until_streaming,
)
from tests.integration.probes.provider import STREAM

SHORT_S = 0.7
STORY_S = 6.0
"""Until the end of a probe whose stream falls silent in its first half."""


@pytest.fixture
def model() -> Iterator[ModelProcess]:
    with model_process() as started:
        yield started


async def struck_in_the_stream(run: Run, model: ModelProcess, number: signal.Signals) -> Sample:
    probing = asyncio.create_task(measure(run, CODEC))
    await until_streaming()
    model.send(number)
    return await probing


@pytest.mark.slow
async def test_a_model_that_is_stopped_in_the_middle_is_stalled(model: ModelProcess) -> None:
    sample = await struck_in_the_stream(story_of(model, total_s=STORY_S), model, signal.SIGSTOP)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.STALLED, Blame.PROVIDER, 200)
    assert re.fullmatch(rf"silent for the last \d\.\d s of {STORY_S:g} s", sample.detail or "")
    assert sample.ttft_s is not None
    assert sample.e2e_s is None


async def test_a_model_that_is_stopped_before_its_first_token_is_timed_out(model: ModelProcess) -> None:
    probing = asyncio.create_task(measure(story_of(model, words=900, ttft_s=SHORT_S), CODEC))
    await until_head()
    model.send(signal.SIGSTOP)
    sample = await probing
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER, 200)
    assert sample.detail == f"headers, but no content within {SHORT_S:g} s"
    assert sample.headers_s is not None


async def test_a_model_that_is_stopped_before_it_is_asked_does_not_answer(model: ModelProcess) -> None:
    """Its kernel still takes connections, and the request."""
    model.send(signal.SIGSTOP)
    sample = await measure(story_of(model, ttft_s=SHORT_S), CODEC)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER, None)
    assert sample.detail == f"no answer from 127.0.0.1:{model.port} to the request (timed out after {SHORT_S:g} s)"
    assert sample.connect_s is not None


async def test_a_model_that_is_killed_in_the_middle_is_truncated_and_then_refuses(model: ModelProcess) -> None:
    sample = await struck_in_the_stream(story_of(model), model, signal.SIGKILL)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.TRUNCATED, Blame.PROVIDER, 200)
    assert sample.detail is not None
    assert re.fullmatch(
        r"the (connection broke|stream ended) after \d+ content events and without an end marker", sample.detail
    )
    assert sample.ttft_s is not None
    assert sample.e2e_s is None
    sample = await measure(story_of(model), CODEC)
    assert (sample.error, sample.blame) == (ErrorClass.CONNECT, Blame.PROVIDER)
    assert sample.detail == f"connecting to 127.0.0.1:{model.port} failed: Connection refused"


class OldServer(http.server.BaseHTTPRequestHandler):
    """HTTP/1.0: no chunks, no length; the end of the connection is the end of the answer."""

    protocol_version = "HTTP/1.0"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for at in range(0, len(STREAM), 40):
            self.wfile.write(STREAM[at : at + 40])
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the class it overrides
        """Not on the tests' standard error."""


@contextmanager
def old_server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(("127.0.0.1", 0), OldServer) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # what it says of TLS is no news
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


async def test_a_server_of_http_1_0_is_read_like_any_other() -> None:
    with old_server() as server:
        sample = await probe(f"http://127.0.0.1:{server.server_port}/v1")
    assert (sample.error, sample.status_code, sample.answer_ok) == (None, 200, True)
    assert sample.ttft_s is not None
    assert sample.output_tokens == 6


async def test_plain_text_on_a_tls_port_is_named_in_the_detail() -> None:
    with old_server() as server:
        sample = await probe(f"https://127.0.0.1:{server.server_port}/v1", ttft_s=5.0)
        assert (sample.error, sample.blame) == (ErrorClass.TLS, Blame.PROVIDER)
        peer = f"127.0.0.1:{server.server_port}"
    assert sample.detail == f"the TLS handshake with {peer} failed: it sent no TLS (plain HTTP?)"


async def test_tls_on_a_plain_text_port_is_named_in_the_detail(certificates: Certificates) -> None:
    with old_server() as server:
        context = certificates.shown("valid")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        sample = await probe(f"http://127.0.0.1:{server.server_port}/v1", ttft_s=5.0)
    assert sample.blame is Blame.PROVIDER
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}
    assert sample.detail is not None
    assert f"127.0.0.1:{server.server_port}" in sample.detail
