"""Published changes, and the rows that a reader at any position gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.status import Status
from monitor.scoreboard.changes import Changes
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot, assemble, opening
from monitor.web.sse import KEEP_ALIVE, EventKind, event
from tests.support.board_values import make_board, make_spec
from tests.unit.score.values import START

SECOND = timedelta(seconds=1)
NAMES = ("a:1", "b:2", "c:3")
ROWS = {name: replace(row, score=0.9) for name, row in make_board(*map(make_spec, NAMES)).snapshot.rows.items()}


def snapshot(at: datetime = START, rows: dict[str, Row] | None = None, **changed: Row) -> Snapshot:
    return assemble("fra1", at, {**(ROWS if rows is None else rows), **{row.id: row for row in changed.values()}})


def other(name: str, **fields: object) -> Row:
    """A row of other bytes; `news` as it was, unless given."""
    return replace(ROWS[name], **{"body": ROWS[name].body + b" ", **fields})  # type: ignore[arg-type]


def names(rows: Sequence[Row] | None) -> list[str] | None:
    return None if rows is None else [row.id for row in rows]


def test_at_first_there_is_no_news() -> None:
    changes = Changes(snapshot())
    assert changes.position == 0
    assert not changes.follow(snapshot(START + 3600 * SECOND))
    assert changes.since(0) == []


@pytest.mark.parametrize(
    ("fields", "later_s", "news"),
    [
        ({}, 1, False),
        ({}, 59.9, False),
        ({}, 60, True),
        pytest.param({}, -3600, True, id="the clock was set back"),
        ({"news": (Status.DOWN,)}, 0, True),
        ({"score": 0.9099}, 1, False),
        ({"score": 0.91001}, 1, True),
        ({"score": 0.88999}, 1, True),
        ({"score": None}, 1, True),
    ],
)
def test_a_row_is_news_by_what_changed_in_it(fields: dict[str, object], later_s: float, news: bool) -> None:
    changes = Changes(snapshot())
    row = other("b:2", **fields)
    assert changes.follow(snapshot(START + later_s * SECOND, row=row)) is news
    assert changes.position == int(news)
    assert changes.since(0) == ([row] if news else [])


def test_a_first_score_is_news_and_one_that_is_still_unknown_is_none() -> None:
    rows = {name: replace(row, score=None) for name, row in ROWS.items()}
    changes = Changes(snapshot(rows=rows))
    assert not changes.follow(snapshot(rows=rows, row=other("a:1", score=None)))
    assert changes.follow(snapshot(rows=rows, row=other("a:1", score=0.0)))


def test_a_slowly_drifting_score_is_published_once_it_moved_far_enough() -> None:
    changes = Changes(snapshot())
    found = [changes.follow(snapshot(row=other("a:1", score=0.9 - step * 0.004))) for step in range(1, 7)]
    assert found == [False, False, True, False, False, True]


def test_who_is_behind_is_owed_the_newest_of_each_row_once() -> None:
    changes = Changes(snapshot())
    first, second = other("a:1", news=("1",)), other("a:1", news=("2",))
    third = other("c:3", news=("3",))
    changes.follow(snapshot(row=first))
    changes.follow(snapshot(row=second))
    changes.follow(snapshot(row=second, another=third))
    assert changes.position == 3
    assert changes.since(0) == changes.since(1) == [second, third]
    assert changes.since(2) == [third]
    assert changes.since(3) == []


@pytest.mark.parametrize("position", [-2, -1, 1, 99])
def test_a_position_that_never_was_is_owed_everything(position: int) -> None:
    assert Changes(snapshot()).since(position) is None


@pytest.mark.parametrize("kept", [["a:1", "b:2"], []])
def test_when_endpoints_come_or_go_everyone_begins_anew(kept: list[str]) -> None:
    changes = Changes(snapshot())
    changes.follow(snapshot(row=other("a:1", news=("1",))))
    fewer = {name: ROWS[name] for name in kept}
    assert changes.follow(snapshot(rows=fewer))
    assert [changes.since(position) for position in (0, 1)] == [None, None]
    assert changes.since(2) == []
    assert changes.follow(snapshot())
    assert changes.since(2) is None


steps = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3), st.floats(0, 1)), max_size=30)


@given(steps, st.integers(0, 30))
def test_readers_from_any_position_end_with_the_same_rows(steps: list[tuple[str, int, float]], joined: int) -> None:
    """Told one by one or all at once, a reader knows the same; and knows what is published but for drift."""
    changes, rows = Changes(snapshot()), dict(ROWS)
    eager, lazy, lazy_position = dict(ROWS), dict(ROWS), 0
    for step, (name, news, score) in enumerate(steps):
        rows[name] = replace(rows[name], news=(news,), score=score, body=b"%d" % step)
        before = changes.position
        changes.follow(snapshot(START + step * SECOND, rows=rows))
        eager |= {row.id: row for row in changes.since(before) or ()}
        if step == joined:
            lazy |= {row.id: row for row in changes.since(lazy_position) or ()}
            lazy_position = changes.position
    lazy |= {row.id: row for row in changes.since(lazy_position) or ()}
    assert eager == lazy
    for name, row in rows.items():
        assert eager[name].news == row.news
        assert abs((eager[name].score or 0) - (row.score or 0)) < 0.01


# Events


def data_of(raw: bytes) -> tuple[dict[str, str], object]:
    """The fields of one event, and its data as JSON."""
    assert raw.endswith(b"\n\n")
    lines = [line.split(": ", 1) for line in raw.decode().rstrip("\n").split("\n")]
    assert all(len(line) == 2 for line in lines)
    data = "\n".join(value for name, value in lines if name == "data")
    return {name: value for name, value in lines if name != "data"}, json.loads(data)


@pytest.mark.parametrize("number", [0, 1, 2, 50])
def test_an_event_is_a_scores_document_in_lines(number: int) -> None:
    board = make_board(*(make_spec(f"p:{place}") for place in range(number)))
    head = opening(board.snapshot.vantage, board.snapshot.generated_at)
    lumps = list(event(EventKind.SNAPSHOT, "abc-7", head, list(board.snapshot.rows.values())))
    raw = b"".join(lumps)
    fields, data = data_of(raw)
    assert fields == {"event": "snapshot", "id": "abc-7"}
    assert data == json.loads(board.snapshot.body)
    assert all(len(lump) <= 16_384 for lump in lumps)
    assert max(map(len, raw.split(b"\n"))) < 4_000
    assert KEEP_ALIVE.startswith(b":")


def test_a_row_that_is_longer_than_a_lump_goes_alone() -> None:
    row = replace(ROWS["a:1"], body=json.dumps("x" * 40_000).encode())
    lumps = list(event(EventKind.CHANGE, "i", b"[", [row, row]))
    assert len(lumps) == 4
    assert data_of(b"".join(lumps).replace(b"]}\n\n", b"]\n\n"))[1] == ["x" * 40_000] * 2
