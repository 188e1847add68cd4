"""A provider gets exactly one request, as the codec makes it, and without a foreign proxy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes._driver import measure
from probes._model import Blame, Endpoint, ErrorClass, Fault, Frame, Headers, Prompt, Request, Secret, Task
from probes.openai_chat import OpenAIChat
from tests.integration.probes.asking import CODEC, KEY, PROMPT, probe, probe_elsewhere, run_to
from tests.integration.probes.provider import STREAM, Act, Step, head, serving

USER_AGENT = "providerwatch (synthetic probe)"


async def test_the_request_is_what_the_codec_wants_and_no_more() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        await probe(provider.base_url)
    visit = provider.visit
    assert visit.head.split("\r\n")[0] == "POST /v1/chat/completions HTTP/1.1"
    told = dict(visit.headers)
    assert len(told) == len(visit.headers), "each header once"
    assert told.pop("content-length") == str(len(visit.body))
    assert told == {
        "host": f"127.0.0.1:{provider.port}",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "authorization": f"Bearer {KEY}",
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        "connection": "close",
    }
    body = json.loads(visit.body)
    assert body["messages"] == [{"role": "user", "content": PROMPT.text}]
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


async def test_without_a_key_there_is_no_authorization() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        await probe(provider.base_url, api_key=None)
    assert "authorization" not in dict(provider.visit.headers)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_an_endpoints_own_header_stands_in_place_of_ours_however_it_is_written(name: str) -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        await probe(provider.base_url, headers=((name, Secret("Basic eDp5")), ("user-agent", Secret("me"))))
    assert [value for header, value in provider.visit.headers if header == "authorization"] == ["Basic eDp5"]
    assert [value for header, value in provider.visit.headers if header == "user-agent"] == ["me"]


async def test_a_header_that_http_forbids_is_the_monitors_fault_and_is_not_told() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        sample = await probe(provider.base_url, headers=(("X-Secret", Secret("open\r\nsesame")),))
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert "sesame" not in repr(sample)
    assert [visit.head for visit in provider.visits if visit.received] == []


async def test_a_cookie_is_never_sent_back() -> None:
    with serving(Act.ASKED, head(headers={"Set-Cookie": "who=you; Path=/"}), STREAM) as provider:
        await probe(provider.base_url)
        await probe(provider.base_url)
    assert ["cookie" in dict(visit.headers) for visit in provider.visits] == [False, False]


async def test_a_provider_that_offers_to_keep_the_connection_gets_a_fresh_one_anyway() -> None:
    kept = {"Connection": "keep-alive", "Keep-Alive": "timeout=60", "Content-Length": str(len(STREAM))}
    with serving(Act.ASKED, head(headers=kept) + STREAM, Act.LEFT) as provider:
        samples = [await probe(provider.base_url) for _ in range(2)]
    assert len(provider.visits) == 2
    assert [(sample.error, sample.cold) for sample in samples] == [(None, True)] * 2


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((Act.RESET,), id="reset at once"),
        pytest.param((Act.ASKED,), id="closed unanswered"),
        pytest.param((Act.ASKED, Act.RESET), id="reset unanswered"),
        pytest.param((Act.ASKED, b"nonsense\r\n\r\n"), id="no HTTP"),
        pytest.param((Act.ASKED, head("503 Busy", {"Retry-After": "0"})), id="a refusal that asks to try again"),
        pytest.param((Act.ASKED, head("408 Timeout", {"Connection": "close"})), id="408"),
        pytest.param((Act.ASKED, head("421 Misdirected")), id="421"),
        pytest.param((Act.ASKED, head("401 No", {"WWW-Authenticate": "Basic"})), id="a challenge"),
        pytest.param((Act.ASKED, head("407 No", {"Proxy-Authenticate": "Basic"})), id="a proxy's challenge"),
        pytest.param((Act.ASKED, head(), STREAM[:20], Act.RESET), id="broken off"),
    ],
)
async def test_a_failure_is_never_tried_again(script: tuple[Step, ...]) -> None:
    with serving(*script) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is not None
    assert len(provider.visits) == 1


def test_proxies_and_credentials_of_the_environment_are_not_used(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    with serving(Act.ASKED, head(), STREAM) as proxy, serving(Act.ASKED, head(), STREAM) as provider:
        address = f"http://127.0.0.1:{proxy.port}"
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        env = dict.fromkeys(names, address) | {"NETRC": str(netrc), "no_proxy": ""}
        (sample,) = probe_elsewhere(run_to(provider.base_url, api_key=None), env=env)
        assert proxy.visits == []
    assert sample.error is None
    assert "authorization" not in dict(provider.visit.headers)


class Mute(OpenAIChat):
    """A third party's codec that fails at every turn."""

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        raise RuntimeError(f"with {endpoint.api_key.reveal() if endpoint.api_key else None}")


class Illiterate(OpenAIChat):
    """A third party's codec that asks well and reads nothing."""

    def read(self, frame: Frame) -> list[None]:  # type: ignore[override]
        raise ZeroDivisionError

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        raise ZeroDivisionError


async def test_a_codec_that_cannot_ask_is_the_monitors_fault() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        sample = await measure(run_to(provider.base_url), Mute())
        assert provider.visits == []
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert KEY not in repr(sample)


async def test_a_codec_that_cannot_read_is_malformed() -> None:
    for answer in (head() + STREAM, head("500 Oops")):
        with serving(Act.ASKED, answer) as provider:
            sample = await measure(run_to(provider.base_url), Illiterate())
        assert sample.error is ErrorClass.MALFORMED


async def test_one_codec_serves_many_probes() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        run = run_to(provider.base_url)
        samples = [await measure(replace(run, id=f"{number:016x}"), CODEC) for number in range(3)]
    assert [sample.id for sample in samples] == [f"{number:016x}" for number in range(3)]
