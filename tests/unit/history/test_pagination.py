"""Every position has a cursor, and no other string is a cursor."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.history.pagination import (
    FORM,
    USE_FORM,
    QueryError,
    before,
    from_cursor,
    from_use_cursor,
    to_cursor,
    to_use_cursor,
)
from monitor.store import PageKey

AT = datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)
moments = st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ids = st.integers(0, 2**64 - 1).map("{:016x}".format)


@given(moments, ids)
def test_a_cursor_leads_back_to_its_place(at: datetime, identity: str) -> None:
    place = PageKey(at=at, id=identity)
    assert from_cursor(to_cursor(place)) == place


def test_a_cursor_is_a_word_that_fits_into_a_query_as_it_is() -> None:
    word = to_cursor(PageKey(at=AT, id="ff" * 8))
    assert len(word) == 22
    assert word.replace("-", "").replace("_", "").isalnum()


@given(st.from_regex(FORM, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_whatever_looks_like_a_cursor_is_one(word: str) -> None:
    assert to_cursor(from_cursor(word)) == word


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True))
def test_any_other_word_is_refused_or_a_cursor_of_its_own(word: str) -> None:
    try:
        place = from_cursor(word)
    except QueryError:
        return
    assert to_cursor(place) == word


@pytest.mark.parametrize("word", ["", "AAAA", "A" * 21, "A" * 23, "_" * 22, "A" * 21 + "B", "A" * 20 + "==", "é" * 22])
def test_these_words_are_none(word: str) -> None:
    with pytest.raises(QueryError):
        from_cursor(word)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dates(), names, names)
def test_a_cursor_leads_back_to_its_use(day: date, endpoint: str, app: str) -> None:
    assert from_use_cursor(to_use_cursor((day, endpoint, app))) == (day, endpoint, app)


@given(st.from_regex(USE_FORM, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_whatever_looks_like_a_cursor_of_uses_is_one_that_a_database_takes(word: str) -> None:
    _, endpoint, app = from_use_cursor(word)
    assert "\0" not in (endpoint + app).encode().decode()


@pytest.mark.parametrize("word", ["", "AAA", "AAAAA", "AA==", "é" * 4, "AAAA\n"])
def test_these_words_are_no_cursors_of_uses(word: str) -> None:
    with pytest.raises(QueryError, match="start over"):
        from_use_cursor(word)


@given(ids)
def test_the_place_before_a_moment_has_nothing_of_that_moment_behind_it(identity: str) -> None:
    assert PageKey(at=AT - timedelta(microseconds=1), id=identity) < before(AT)
    assert not PageKey(at=AT, id=identity) < before(AT)
