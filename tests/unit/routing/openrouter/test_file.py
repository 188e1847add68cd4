"""Documents of a snapshot: rendered once for all clients, and kept until their content changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.config.listing import Listing
from monitor.routing.openrouter.file import OpenRouterFile, endpoints_of
from monitor.routing.openrouter.types import OpenRouterFileDocument
from monitor.routing.router_format import CannotBeMadeError
from monitor.web.openrouter_cache import OpenRouterCache
from probes._model import ErrorClass
from tests.support.board_values import first_tick, make_board, make_spec, sample_at
from tests.support.openrouter_values import valid
from tests.support.router_files import render

SPECS = (make_spec("a:1"), make_spec("b:1"), make_spec("c:1", model="z/z", listing=Listing(tag="c/fast")))
TICK = first_tick(*SPECS, name="a:1")
LLAMA = "meta-llama/llama-3.2-1b-instruct"
MINUTE = timedelta(minutes=1)


def test_a_document_is_made_once_for_a_snapshot() -> None:
    board, cache = make_board(*SPECS), OpenRouterCache()
    snapshot = board.snapshot
    assert cache.models(snapshot) is cache.models(snapshot)
    assert cache.providers(snapshot) is cache.providers(snapshot)
    assert cache.model(snapshot, LLAMA) is cache.model(snapshot, LLAMA)


def test_a_page_that_holds_all_models_is_the_whole_list() -> None:
    snapshot, cache = make_board(*SPECS).snapshot, OpenRouterCache()
    assert cache.models(snapshot, 0, 2) is cache.models(snapshot, 0, 500) is cache.models(snapshot)
    one, other = cache.models(snapshot, 0, 1), cache.models(snapshot, 1)
    for document, name in ((one, LLAMA), (other, "z/z")):
        assert [each["id"] for each in json.loads(document.plain.body)["data"]] == [name]


def test_a_document_stays_the_same_object_until_what_it_tells_changes() -> None:
    board, cache = make_board(*SPECS), OpenRouterCache()

    def told() -> list[object]:
        now = board.snapshot
        return [cache.models(now), cache.providers(now), cache.model(now, LLAMA), cache.model(now, "z/z")]

    before = told()
    board.absorb([sample_at(TICK, name="a:1")])
    board.publish(TICK + MINUTE / 10)
    assert [old is new for old, new in zip(before, told(), strict=True)] == [True, True, False, True]
    for number in range(4):
        board.absorb([sample_at(TICK + number * MINUTE, ErrorClass.CONNECT, "c:1")])
    board.publish(TICK + 3.1 * MINUTE)
    assert [old is new for old, new in zip(before, told(), strict=True)] == [False, True, False, False]


def test_a_model_that_is_not_there_has_no_document_and_no_endpoints() -> None:
    snapshot, cache = make_board(*SPECS).snapshot, OpenRouterCache()
    assert cache.model(snapshot, "nobody/nothing") is None
    assert cache.endpoints(snapshot, "nobody/nothing") == []


def test_endpoints_are_those_of_the_model() -> None:
    snapshot = make_board(*SPECS).snapshot
    assert [endpoint.id for endpoint in OpenRouterCache().endpoints(snapshot, LLAMA)] == ["a:1", "b:1"]


def test_nothing_is_kept_of_models_that_are_asked_for_and_not_there() -> None:
    snapshot, cache = make_board(*SPECS).snapshot, OpenRouterCache()
    for number in range(100):
        cache.model(snapshot, f"nobody/{number}")
    assert not cache._kept
    assert not cache._fresh


def test_the_file_says_of_each_model_what_its_route_says() -> None:
    snapshot, cache = make_board(*SPECS).snapshot, OpenRouterCache()
    written = valid(json.loads(render("openrouter", snapshot)), OpenRouterFileDocument)
    documents = [cache.model(snapshot, name) for name in (LLAMA, "z/z")]
    assert written["data"] == [json.loads(document.plain.body)["data"] for document in documents if document]


def test_what_was_read_from_another_daemon_has_no_facts_to_make_a_file_of() -> None:
    snapshot = make_board(*SPECS).snapshot
    read = replace(snapshot, rows={name: replace(row, endpoint=None) for name, row in snapshot.rows.items()})
    assert endpoints_of(read) == []
    with pytest.raises(CannotBeMadeError, match="does not tell all that it holds"):
        render("openrouter", read)


def test_a_file_that_is_made_again_is_the_same_as_one_that_is_made_anew() -> None:
    board, file = make_board(*SPECS), OpenRouterFile()
    for number in range(6):
        name = ("a:1", "c:1")[number % 2]
        board.absorb([sample_at(TICK + number * MINUTE, name=name)])
        snapshot = board.publish(TICK + number * MINUTE + MINUTE / 10)
        assert file.body(snapshot) == OpenRouterFile().body(snapshot)
        kept = {name: id(body) for name, (_, body) in file._kept.items()}
        assert file.body(snapshot) == OpenRouterFile().body(snapshot)
        assert kept == {name: id(body) for name, (_, body) in file._kept.items()}


def test_a_file_of_nothing_is_an_empty_list() -> None:
    assert OpenRouterFile().body(make_board().snapshot) == b'{"data":[]}\n'
