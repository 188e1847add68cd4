"""Signature Version 4 against the examples that AWS publishes, and what is signed of a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from probes._model import Request
from probes._sigv4 import Credentials, credentials, signed

OWNER = Credentials(access_key_id="AKIDEXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
LENT = Credentials(access_key_id="AKIDEXAMPLE", secret_access_key="secret", session_token="the-token")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
URL = "https://example.amazonaws.com/"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def signed_headers(
    url: str = URL,
    *headers: tuple[str, str],
    method: str = "POST",
    body: bytes = b"",
    owner: Credentials = OWNER,
    at: datetime = AT,
    **place: str,
) -> dict[str, str]:
    asked = Request(method=method, url=url, headers=headers, body=body)
    where: dict[str, Any] = {"region": "us-east-1", "service": "service"} | place
    return dict(signed(asked, owner, at=at, **where).headers)


def proof(url: str = URL, *headers: tuple[str, str], **fields: Any) -> str:
    return signed_headers(url, *headers, **fields)["Authorization"]


@pytest.mark.parametrize(
    ("asked", "names", "signature"),
    [
        (
            Request(method="GET", url=URL, headers=(), body=b""),
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            Request(method="POST", url=URL, headers=(), body=b""),
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            Request(method="POST", url=URL, headers=(FORM,), body=b"Param1=value1"),
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            Request(method="GET", url=URL + "\u1234", headers=(), body=b""),
            "host;x-amz-date",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "post-x-www-form-urlencoded", "get-utf8"],
)
def test_the_examples_of_aws_get_their_signatures(asked: Request, names: str, signature: str) -> None:
    credential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    wanted = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    sent = signed(asked, OWNER, region="us-east-1", service="service", at=AT)
    assert dict(sent.headers)["Authorization"] == wanted


def test_a_signature_comes_behind_the_requests_own_headers() -> None:
    asked = Request(method="POST", url=URL, headers=(FORM, ("Accept", "*/*")), body=b"x")
    sent = signed(asked, OWNER, region="r", service="s", at=AT)
    assert (sent.method, sent.url, sent.body, sent.headers[:2]) == ("POST", URL, b"x", asked.headers)
    assert [name for name, _ in sent.headers[2:]] == ["X-Amz-Date", "Authorization"]
    assert dict(sent.headers)["X-Amz-Date"] == "20150830T123600Z"


def test_a_session_token_is_sent_and_signed() -> None:
    told = signed_headers(owner=LENT)
    assert told["X-Amz-Security-Token"] == "the-token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in told["Authorization"]


def test_a_time_of_any_zone_is_sent_in_utc() -> None:
    east = AT.astimezone(timezone(timedelta(hours=9)))
    assert signed_headers(at=east) == signed_headers(at=AT)


def test_only_headers_that_proxies_do_not_change_are_signed() -> None:
    assert proof(URL, FORM, ("Accept", "*/*"), ("X-Trace", "1")) == proof(URL, FORM)


def test_a_header_is_signed_by_its_words() -> None:
    assert proof(URL, ("content-TYPE", "  a   b ")) == proof(URL, ("Content-Type", "a b"))


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"url": URL + "a"},
        {"url": "https://other.amazonaws.com/"},
        {"url": "https://example.amazonaws.com:8443/"},
        {"body": b"x"},
        {"at": AT + timedelta(seconds=1)},
        {"region": "eu-west-1"},
        {"service": "other"},
        {"owner": LENT},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signature_holds_for_one_request_only(changed: dict[str, Any]) -> None:
    assert proof(**changed) != proof()


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://EXAMPLE.amazonaws.com/", URL),
        ("https://example.amazonaws.com:443/", URL),
        ("http://example.amazonaws.com:80/", "http://example.amazonaws.com/"),
        ("https://user:password@example.amazonaws.com/", URL),
    ],
)
def test_the_host_is_signed_as_clients_send_it(url: str, same: str) -> None:
    assert proof(url) == proof(same)


def test_an_ipv6_host_stands_in_brackets() -> None:
    assert proof("http://[::1]:8000/") != proof("http://[::2]:8000/")


def test_what_is_encoded_in_a_path_is_encoded_once_more() -> None:
    assert proof(URL + "a%2Fb") != proof(URL + "a/b")
    assert proof(URL + "a%253Ab") != proof(URL + "a%3Ab") != proof(URL + "a:b")


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("AKID:secret/+=", Credentials(access_key_id="AKID", secret_access_key="secret/+=")),
        ("ASIA:secret:token", Credentials(access_key_id="ASIA", secret_access_key="secret", session_token="token")),
    ],
)
def test_credentials_are_written_in_one_text(text: str, owner: Credentials) -> None:
    assert credentials(text) == owner


@pytest.mark.parametrize("text", ["", "AKIDSECRET", ":", "AKID:", ":secret", "AKID:secret:", "a:b:c:d"])
def test_credentials_that_lack_a_part_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="ACCESS_KEY_ID:SECRET_ACCESS_KEY") as refused:
        credentials(text)
    assert not text.strip(":") or text not in str(refused.value)


def test_no_secret_is_in_the_repr_of_credentials() -> None:
    assert "secret" not in repr(LENT).replace("secret_access_key", "")
    assert "the-token" not in repr(LENT)
