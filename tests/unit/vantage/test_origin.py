"""Origins: endpoints with an origin, near origins, and related origins."""

from __future__ import annotations

import pytest

from monitor.config import Canary
from monitor.vantage.origin import Origin, canary_origins, origin_of
from probes._model import Endpoint


def at(base_url: str, provider: str = "groq") -> Origin | None:
    return origin_of(Endpoint(id="x", provider=provider, model="m", api="openai_chat", base_url=base_url))


@pytest.mark.parametrize(
    ("base_url", "host", "port"),
    [
        ("https://api.groq.com/openai/v1", "api.groq.com", 443),
        ("http://API.groq.com./v1", "api.groq.com", 80),
        ("https://api.groq.com:8443/v1", "api.groq.com", 8443),
        ("http://[2001:db8::7]:8000/v1", "2001:db8::7", 8000),
    ],
)
def test_an_origin_is_a_provider_at_the_address_of_its_api(base_url: str, host: str, port: int) -> None:
    assert at(base_url) == Origin(name="groq", host=host, port=port)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.8.7:1",
        "localhost:8000",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "[::1]",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_takes_no_part(host: str) -> None:
    assert at(f"http://{host}/v1") is None


@pytest.mark.parametrize("base_url", ["", "http://", "http://[::1/v1", "http://a:99999/v1", "unix:///run/vllm.sock"])
def test_what_is_no_address_of_a_network_takes_no_part(base_url: str) -> None:
    assert at(base_url) is None


@pytest.mark.parametrize(
    ("host", "near", "named"),
    [
        ("api.groq.com", False, True),
        ("203.0.113.7", False, False),
        ("2001:db8::7", False, False),
        ("10.1.2.3", True, False),
        ("172.31.0.1", True, False),
        ("192.168.178.20", True, False),
        ("100.100.1.1", True, False),
        ("169.254.1.1", True, False),
        ("fd00::7", True, False),
        ("fe80::7", True, False),
        ("gpu1", True, True),
        ("gpu1.example.internal", True, True),
        ("gpu1.local", True, True),
        ("nas.fritz.lan", True, True),
        ("gpu1.home.arpa", True, True),
    ],
)
def test_the_host_determines_whether_an_origin_is_near_and_named(host: str, near: bool, named: bool) -> None:
    origin = Origin(name="x", host=host, port=80)
    assert (origin.is_near, origin.is_named) == (near, named)


def test_one_company_or_one_machine_may_fail_together() -> None:
    one = Origin(name="groq", host="a.example", port=443)
    assert one.is_related(Origin(name="groq", host="b.example", port=443))
    assert one.is_related(Origin(name="copy", host="a.example", port=8443))
    assert not one.is_related(Origin(name="copy", host="b.example", port=443))


def test_a_canary_is_related_only_to_origins_on_its_host() -> None:
    six, name = canary_origins([Canary(host="2001:db8::1", port=443), Canary(host="API.Example.", port=80)])
    assert (str(six.name), six.host, six.port) == ("[2001:db8::1]:443", "2001:db8::1", 443)
    assert not six.is_related(name)
    assert name.is_related(Origin(name="groq", host="api.example", port=443))
