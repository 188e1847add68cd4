"""Gzip, entity tags and caching over a real connection, seen as they go over the wire."""

from __future__ import annotations

import gzip
import json

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from tests.integration.web.serving import MINUTE, TICK, Served

LARGE = ["/v1/scores", "/v1/scores?provider=groq", "/v1/scores/groq:llama", "/openapi.json", "/v1/scores.schema.json"]


async def raw(served: Served, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    """An answer whose body is not unpacked."""
    url = URL(f"http://{served.host}:{served.port}{path}", encoded=True)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    skipped = {"Accept-Encoding", "Accept"} - named.keys()
    async with (
        ClientSession(auto_decompress=False) as session,
        session.get(url, headers=named, skip_auto_headers=skipped) as response,
    ):
        return response, await response.read()


@pytest.mark.parametrize("path", LARGE)
async def test_who_takes_gzip_gets_it_and_who_does_not_gets_the_same_plain(served: Served, path: str) -> None:
    plain, body = await raw(served, path)
    packed, small = await raw(served, path, Accept_Encoding="gzip, deflate, br")
    refused, same = await raw(served, path, Accept_Encoding="br, gzip;q=0")
    assert gzip.decompress(small) == body == same
    assert len(small) < len(body) / 2
    assert (packed.headers["Content-Encoding"], packed.headers["Content-Length"]) == ("gzip", str(len(small)))
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    for response in (plain, packed, refused):
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["Cache-Control"] == "no-cache"
    assert packed.headers["ETag"] != plain.headers["ETag"] == refused.headers["ETag"]


@pytest.mark.parametrize("path", LARGE)
async def test_a_tag_is_good_for_its_own_form_only(served: Served, path: str) -> None:
    plain, _ = await raw(served, path)
    packed, _ = await raw(served, path, Accept_Encoding="gzip")
    forms = {"identity": plain.headers["ETag"], "gzip": packed.headers["ETag"]}
    for wanted, own in forms.items():
        for known in forms.values():
            again, body = await raw(served, path, Accept_Encoding=wanted, If_None_Match=known)
            assert again.status == (304 if known == own else 200)
            assert again.headers["ETag"] == own
            assert again.headers["Vary"] == "Accept-Encoding"
            assert bool(body) is (known != own)
        both, _ = await raw(served, path, Accept_Encoding=wanted, If_None_Match=", ".join(forms.values()))
        assert (both.status, both.headers["ETag"]) == (304, own)


async def test_a_row_keeps_its_tag_while_others_change(served: Served) -> None:
    path = "/v1/scores/p:50%25%2Fa%3Fb%23c%20%22%C3%A9%E6%97%A5"
    before, _ = await raw(served, path)
    whole, _ = await raw(served, "/v1/scores")
    served.board.publish(TICK + 60 * MINUTE, sweep=True)
    after, _ = await raw(served, path)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert (await raw(served, "/v1/scores"))[0].headers["ETag"] != whole.headers["ETag"]


async def test_every_change_is_seen_at_once_in_either_form(served: Served) -> None:
    for number in range(6, 12):
        served.board.publish(TICK + number * MINUTE, sweep=True)
        for path in ("/v1/scores", "/v1/scores?min_score=0"):
            _, plain = await raw(served, path)
            _, packed = await raw(served, path, Accept_Encoding="gzip")
            assert gzip.decompress(packed) == plain == served.board.snapshot.body


async def test_a_selection_of_nothing_is_a_document_too(served: Served) -> None:
    response, body = await raw(served, "/v1/scores?provider=nobody", Accept_Encoding="gzip")
    assert "Content-Encoding" not in response.headers
    assert json.loads(body)["endpoints"] == []
