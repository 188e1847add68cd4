"""A provider that cannot be reached: the error class shows how far the probe came."""

from __future__ import annotations

from probes._model import Blame, ErrorClass, Sample
from tests.integration.probes.asking import KEY, probe
from tests.integration.probes.provider import black_hole, refusing_port

UNREACHED = ("status_code", "headers_s", "ttft_s", "e2e_s", "timing", "rx_lag_s", "merged_reads", "cold", "connect_s")


def unreached(sample: Sample, *, refused: bool = False) -> bool:
    """Blamed on the provider, with a word of why, and nothing but the start was measured, and a refusal's time."""
    assert sample.blame is Blame.PROVIDER
    assert sample.detail
    assert KEY not in sample.detail
    assert [name for name in UNREACHED if getattr(sample, name) is not None] == []
    assert (sample.rtt_s is not None and sample.rtt_s > 0) is refused
    return sample.lag_s is not None


async def test_a_name_that_does_not_exist_is_dns() -> None:
    sample = await probe("http://no-such-host.invalid/v1")
    assert unreached(sample)
    assert sample.error is ErrorClass.DNS
    assert sample.detail is not None
    assert sample.detail.startswith("no address found for no-such-host.invalid: ")
    assert (sample.dns_s, sample.connect_s) == (None, None)


async def test_a_port_without_a_listener_is_connect() -> None:
    port = refusing_port()
    sample = await probe(f"http://127.0.0.1:{port}/v1")
    assert unreached(sample, refused=True)
    assert sample.error is ErrorClass.CONNECT
    assert sample.detail == f"connecting to 127.0.0.1:{port} failed: Connection refused"


async def test_a_listener_that_is_not_there_by_any_of_its_names_is_connect() -> None:
    sample = await probe(f"http://localhost:{refusing_port()}/v1")
    assert unreached(sample, refused=True)
    assert sample.error is ErrorClass.CONNECT
    assert sample.dns_s is not None


async def test_an_address_that_never_answers_is_connect_at_the_first_deadline() -> None:
    with black_hole() as base_url:
        sample = await probe(base_url, ttft_s=0.3)
    assert unreached(sample)
    assert sample.error is ErrorClass.CONNECT
    address = base_url.removeprefix("http://").removesuffix("/v1")
    assert sample.detail == f"no answer from {address} while connecting (timed out after 0.3 s)"


async def test_an_https_address_that_never_answers_is_connect_too() -> None:
    with black_hole() as base_url:
        sample = await probe(base_url.replace("http:", "https:"), ttft_s=0.3)
    assert unreached(sample)
    assert sample.error is ErrorClass.CONNECT


async def test_an_address_that_is_none_is_the_monitors_own_fault() -> None:
    for base_url in ("http://", "gopher://127.0.0.1/v1", "http://127.1:80/v1", "not an address"):
        sample = await probe(base_url)
        assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR), base_url


async def test_an_address_that_is_none_does_not_tell_the_password_in_it() -> None:
    for base_url in ("http://user:open-sesame@127.0.0.1:99999/v1", "gopher://user:open-sesame@127.0.0.1/v1"):
        sample = await probe(base_url, api_key=None)
        assert sample.error is ErrorClass.INTERNAL
        assert "open-sesame" not in repr(sample)
