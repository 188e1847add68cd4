"""Ready documents: rendered once per change for all clients; the number of filtered documents is limited."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest

from monitor.scoreboard.board import Board
from monitor.scoreboard.snapshot import RowFilter, Snapshot, select
from monitor.web.response_cache import CacheLimits, ResponseCache
from monitor.web.responses import Document, ready, with_gzip
from tests.support.board_values import first_tick, make_board, make_spec, sample_at

TICK = first_tick()
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NAMES = [f"p{number % 5}:m{number}" for number in range(40)]


def board_of_many() -> Board:
    return make_board(*(make_spec(name) for name in NAMES), now=TICK)


def decompressed(document: Document) -> bytes:
    assert document.gzipped is not None
    return gzip.decompress(document.gzipped.body)


def names_in(document: Document) -> list[str]:
    return [row["id"] for row in json.loads(document.plain.body)["endpoints"]]


# Documents


def test_each_form_has_a_tag_and_headers_of_its_own() -> None:
    document = ready(b"x" * 2000, "text/plain", cache_control="max-age=60")
    assert document.gzipped is not None
    plain, gzipped = document.plain, document.gzipped
    assert gzipped.etag == f'{plain.etag[:-1]}-gzip"' != plain.etag
    for form in (plain, gzipped):
        for headers in (form.headers, form.unchanged):
            assert (headers["ETag"], headers["Vary"]) == (form.etag, "Accept-Encoding")
            assert headers["Cache-Control"] == "max-age=60"
        assert form.headers["Content-Type"] == "text/plain"
        assert "Content-Type" not in form.unchanged
        assert "Content-Encoding" not in form.unchanged
    assert gzipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert document.size_bytes == 2000 + len(gzipped.body)


def test_a_short_document_has_one_form() -> None:
    document = ready(b"{}")
    assert document.gzipped is None
    assert document.size_bytes == 2
    assert ready(b"{}", etag="known").plain.etag == '"known"'
    assert with_gzip(b"{}", b"packed", etag="e").gzipped is not None


# The whole


def test_the_whole_is_the_snapshots_in_both_forms_and_made_once() -> None:
    board, cache = board_of_many(), ResponseCache()
    for number in range(3):
        board.absorb([sample_at(TICK + number * MINUTE, name=NAMES[number])])
        snapshot = board.publish(TICK + number * MINUTE)
        document = cache.whole(snapshot)
        assert document.plain.body is snapshot.body
        assert decompressed(document) == snapshot.body
        assert document.plain.etag == f'"{snapshot.etag}"'
        assert cache.whole(snapshot) is document


def test_an_empty_document_is_not_gzipped() -> None:
    assert ResponseCache().whole(make_board().snapshot).gzipped is None


# Rows


def test_a_row_is_made_once_and_again_when_it_changed() -> None:
    board, cache = board_of_many(), ResponseCache()
    before = cache.row(board.snapshot.rows[NAMES[0]])
    other = cache.row(board.snapshot.rows[NAMES[1]])
    board.absorb([sample_at(TICK, name=NAMES[0])])
    snapshot = board.publish(TICK + SECOND)
    after = cache.row(snapshot.rows[NAMES[0]])
    assert after.plain.body == snapshot.rows[NAMES[0]].body != before.plain.body
    assert after.plain.etag != before.plain.etag
    assert cache.row(snapshot.rows[NAMES[1]]) is other
    assert cache.row(snapshot.rows[NAMES[0]]) is after


# Selections


def test_a_selection_holds_what_passes_and_is_made_once_per_snapshot() -> None:
    board, cache = board_of_many(), ResponseCache()
    wanted = RowFilter(provider="p1")
    document = cache.selected(board.snapshot, wanted)
    assert names_in(document) == [name for name in NAMES if name.startswith("p1:")]
    assert decompressed(document) == document.plain.body == select(board.snapshot, wanted).body
    assert cache.selected(board.snapshot, RowFilter(provider="p1")) is document


def test_a_selection_in_which_nothing_changed_stands_for_half_a_minute() -> None:
    board, cache = board_of_many(), ResponseCache()
    mine, other = RowFilter(provider="p1"), RowFilter(provider="p0")
    first = {wanted: cache.selected(board.snapshot, wanted) for wanted in (mine, other)}

    def after(seconds: float) -> Snapshot:
        board.absorb([sample_at(TICK + seconds * SECOND, name=NAMES[0])])
        return board.publish(TICK + seconds * SECOND)

    snapshot = after(29)
    assert cache.selected(snapshot, mine) is first[mine]
    assert cache.selected(snapshot, other) is not first[other]
    again = cache.selected(after(31), mine)
    assert again is not first[mine]
    assert names_in(again) == names_in(first[mine])
    assert json.loads(again.plain.body)["generated_at"] == json.loads(board.snapshot.body)["generated_at"]


def test_an_endpoint_that_leaves_a_selection_changes_it() -> None:
    board, cache = board_of_many(), ResponseCache()
    wanted = RowFilter(status="unknown")
    before = cache.selected(board.snapshot, wanted)
    board.absorb([sample_at(TICK, name=NAMES[0])])
    after = cache.selected(board.publish(TICK + SECOND), wanted)
    assert (len(names_in(before)), len(names_in(after))) == (40, 39)


@pytest.mark.parametrize("limits", [CacheLimits(selections=3), CacheLimits(selection_bytes=600_000)])
def test_readers_wishes_take_bounded_memory_and_the_oldest_goes_first(limits: CacheLimits) -> None:
    board, cache = board_of_many(), ResponseCache(limits)
    often = RowFilter(min_score=0.5)
    kept = cache.selected(board.snapshot, often)
    for number in range(100):
        cache.selected(board.snapshot, RowFilter(min_score=number / 1000))
        assert cache.selected(board.snapshot, often) is kept
        assert cache.selection_bytes <= 600_000


def test_a_wish_that_is_too_large_to_keep_is_still_met() -> None:
    board, cache = board_of_many(), ResponseCache(CacheLimits(selection_bytes=1))
    for score in (0.1, 0.2):
        document = cache.selected(board.snapshot, RowFilter(min_score=score))
        assert len(names_in(document)) == 40
