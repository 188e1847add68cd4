"""Names that routers give to endpoints."""

from __future__ import annotations

import pytest

from monitor.domain.router_ids import ROUTERS, Address, RouterIdError, address

GOOD = [
    ("haproxy", "be/srv1", ("be", "srv1")),
    ("haproxy", "llm.v1:a_b-c/10.0.0.1:80", ("llm.v1:a_b-c", "10.0.0.1:80")),
    ("envoy", "llama/10.0.0.1:8000", ("llama", "10.0.0.1:8000")),
    ("envoy", "meta/llama/[::1]:65535", ("meta/llama", "[::1]:65535")),
    ("traefik", "llama/groq", ("llama", "groq")),
    ("traefik", "llama/groq@file", ("llama", "groq@file")),
    ("vllm", "meta-llama/Llama-3.2-1B@http://10.0.0.1:8000", ("meta-llama/Llama-3.2-1B", "http://10.0.0.1:8000")),
    ("vllm", "m@2@https://h/prefix", ("m@2", "https://h/prefix")),
]
BAD = [
    *(("haproxy", value) for value in ("", "be", "be/", "/srv", "a/b/c", "be/sr v", "bé/srv", "be/srv\n")),
    *(("envoy", value) for value in ("10.0.0.1:8000", "c/host:80", "c/10.0.0.1", "c/10.0.0.1:0", "c/10.0.0.1:65536",
                                     "c/10.0.0.256:1", "c/::1:80", "c/[10.0.0.1]x:80", "c/[::g]:80", "c d/1.2.3.4:5")),
    *(("traefik", value) for value in ("llama", "llama/", "/groq", "llama@file/groq", "a/b/c", "a b/c")),
    *(("vllm", value) for value in ("http://h", "m@h:80", "@http://h", "m,n@http://h", "m@http://h,http://i", "m@ftp://h")),
]  # fmt: skip


@pytest.mark.parametrize(("router", "value", "found"), GOOD)
def test_a_name_is_read(router: str, value: str, found: tuple[str, str]) -> None:
    member = ROUTERS[router](value)
    assert (member.group, member.name) == found


@pytest.mark.parametrize(("router", "value"), BAD)
def test_a_name_that_the_router_could_not_understand_is_refused_with_an_example(router: str, value: str) -> None:
    with pytest.raises(RouterIdError, match="write "):
        ROUTERS[router](value)


def test_the_address_of_a_member_of_a_cluster() -> None:
    assert address("10.0.0.1:8000") == Address(host="10.0.0.1", port=8000)
    assert address("[::1]:80") == Address(host="::1", port=80)
