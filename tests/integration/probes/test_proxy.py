"""Probes through a proxy: used as configured, timed separately; its failures are never the provider's."""

from __future__ import annotations

from base64 import b64encode

import pytest

from probes._model import Blame, ErrorClass, Sample, Secret
from tests.integration.probes.asking import probe, probe_elsewhere, run_to
from tests.integration.probes.certificates import Certificates
from tests.integration.probes.provider import STREAM, Act, black_hole, head, refusing_port, serving
from tests.integration.probes.proxy import proxying

LOGIN = "watch:open%20sesame@"
TOKEN = b64encode(b"watch:open sesame").decode()
OUTSIDE = "https://api.example.invalid/v1"
"""An address that only a proxy might know."""
NAMES = ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
VARIABLES = {"HTTPS_PROXY": "http://127.0.0.1:1", **dict.fromkeys(NAMES, "")}


async def through(proxy: str, base_url: str = OUTSIDE, ttft_s: float = 5) -> Sample:
    sample = await probe(base_url, proxy=Secret(proxy), ttft_s=ttft_s)
    assert "sesame" not in repr(sample)
    assert TOKEN not in repr(sample)
    return sample


def of_the_proxy(sample: Sample) -> bool:
    assert sample.detail is not None
    assert "the proxy 127.0.0.1:" in sample.detail
    return (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)


async def test_a_request_without_tls_goes_through_the_proxy_with_its_credentials() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider, proxying() as proxy:
        sample = await through(proxy.url(LOGIN), provider.base_url)
    assert (sample.error, sample.answer_ok) == (None, True)
    [asked] = proxy.heads
    assert asked.startswith(f"POST {provider.base_url}/chat/completions ")
    assert f"Proxy-Authorization: Basic {TOKEN}" in asked
    assert sample.connect_s is not None
    assert (sample.dns_s, sample.tls_s, sample.rtt_s, sample.retransmits) == (None, None, None, None)


def test_tls_goes_through_a_tunnel_whose_making_belongs_to_connecting(certificates: Certificates) -> None:
    shown = certificates.shown("valid")
    with serving(Act.ASKED, 0.05, head(), STREAM, tls=shown, host="localhost") as provider, proxying() as proxy:
        run = run_to(provider.base_url, proxy=Secret(proxy.url(LOGIN)))
        (sample,) = probe_elsewhere(run, env={"SSL_CERT_FILE": certificates.authority, **VARIABLES})
    assert (sample.error, sample.answer_ok) == (None, True)
    [asked] = proxy.heads
    assert asked.startswith(f"CONNECT localhost:{provider.port} ")
    assert f"Proxy-Authorization: Basic {TOKEN}" in asked
    assert "Proxy-Authorization" not in provider.visit.head, "the provider is not told"
    assert sample.connect_s is not None
    assert sample.tls_s is not None
    assert sample.headers_s is not None
    assert sample.connect_s > 0
    assert sample.tls_s > 0
    assert sample.headers_s >= 0.05, "t0 is the request's, not the tunnel's"


async def test_a_proxy_that_is_not_there_is_the_monitors() -> None:
    for base_url in (OUTSIDE, "http://api.example.invalid/v1"):
        assert of_the_proxy(await through(f"http://127.0.0.1:{refusing_port()}", base_url))


async def test_a_proxy_whose_name_is_unknown_is_the_monitors() -> None:
    sample = await through("http://no-such-proxy.invalid:3128")
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert "the proxy no-such-proxy.invalid:3128: connection failed" in (sample.detail or "")


async def test_a_proxy_that_never_answers_a_connection_is_the_monitors() -> None:
    with black_hole() as address:
        assert of_the_proxy(await through(address.removesuffix("/v1"), ttft_s=0.3))


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "400 Bad Request"])
async def test_a_proxy_that_gives_no_tunnel_is_the_monitors(status: str) -> None:
    with serving(Act.ASKED, head(status, {"Content-Length": "0"})) as proxy:
        sample = await through(f"http://{LOGIN}127.0.0.1:{proxy.port}")
    assert of_the_proxy(sample)
    assert f"HTTP {status[:3]}" in (sample.detail or "")


async def test_a_proxy_that_wants_a_password_for_a_request_without_tls_is_the_monitors() -> None:
    with serving(Act.ASKED, head("407 Proxy Authentication Required", {"Content-Length": "0"})) as proxy:
        sample = await through(f"http://127.0.0.1:{proxy.port}", "http://api.example.invalid/v1")
    assert of_the_proxy(sample)
    assert sample.status_code == 407


@pytest.mark.parametrize(
    "script", [(), (Act.RESET,), (b"SSH-2.0-OpenSSH\r\n\r\n",)], ids=["closes", "resets", "no HTTP"]
)
async def test_a_proxy_that_breaks_off_before_there_is_a_tunnel_is_the_monitors(script: tuple[bytes, ...]) -> None:
    with serving(Act.ASKED, *script) as proxy:
        assert of_the_proxy(await through(f"http://127.0.0.1:{proxy.port}"))


async def test_a_provider_that_the_proxy_cannot_reach_cannot_be_connected_to() -> None:
    with proxying() as proxy:
        sample = await through(proxy.url(), f"https://127.0.0.1:{refusing_port()}/v1")
    assert (sample.error, sample.blame, sample.rtt_s) == (ErrorClass.CONNECT, Blame.PROVIDER, None)
    assert "HTTP 502" in (sample.detail or "")
    assert f"through the proxy 127.0.0.1:{proxy.port}" in (sample.detail or "")


async def test_a_proxy_that_is_still_connecting_at_the_deadline_has_not_reached_the_provider() -> None:
    with serving(Act.ASKED, Act.LEFT) as proxy:
        sample = await through(f"http://127.0.0.1:{proxy.port}", ttft_s=0.3)
    assert (sample.error, sample.blame) == (ErrorClass.CONNECT, Blame.PROVIDER)
    assert sample.detail is not None
    assert sample.detail.startswith("no connection to api.example.invalid:443 through the proxy 127.0.0.1:")


def test_a_variable_that_is_set_and_not_used_is_said_where_no_connection_could_be_made() -> None:
    base_url = f"http://127.0.0.1:{refusing_port()}/v1"
    plain, chosen = probe_elsewhere(run_to(base_url), run_to(base_url, proxy=Secret("direct")), env=VARIABLES)
    assert plain.error is chosen.error is ErrorClass.CONNECT
    assert (plain.detail or "").endswith("; HTTPS_PROXY is set but not used; set `proxy:` in the configuration")
    assert "PROXY" not in (chosen.detail or ""), "who wrote `proxy: direct` knows"
