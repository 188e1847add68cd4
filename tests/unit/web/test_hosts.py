"""A `Host` header is parsed as browsers send it, and only names of this machine are accepted."""

from __future__ import annotations

import pytest

from monitor.web.hosts import LOOPBACK, host_of, own_hosts


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8780", "localhost"),
        ("localhost.", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:8780", "::1"),
        ("[0:0:0:0:0:0:0:1]:8780", "::1"),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1"),
        (" 127.0.0.1 ", "127.0.0.1"),
        ("evil.example:8780", "evil.example"),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("localhost.evil.example", "localhost.evil.example"),
        ("0.0.0.0:8780", "0.0.0.0"),
    ],
)
def test_a_host_has_one_plain_form(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize(
    "header", ["", ":80", "[]", "::1", "a:b", "localhost:80:80", "[::1", "user@localhost:x", "localhost, evil", "\xff:"]
)
def test_what_is_no_host_is_not_ours(header: str) -> None:
    assert host_of(header) not in own_hosts("127.0.0.1")


@pytest.mark.parametrize("listen", ["127.0.0.1", "::1", "localhost", "LOCALHOST", "0:0:0:0:0:0:0:1"])
def test_a_loopback_address_goes_by_the_names_of_this_machine(listen: str) -> None:
    assert own_hosts(listen) == LOOPBACK


def test_another_loopback_address_goes_by_its_own_name_too() -> None:
    assert own_hosts("127.0.0.7") == LOOPBACK | {"127.0.0.7"}
