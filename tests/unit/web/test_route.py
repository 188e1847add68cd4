"""Parameters: valid values, and the messages about invalid ones."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monitor.web.route import Parameter, choice, endpoint_id, moment, number, text, whole


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def asked(**query: str) -> web.Request:
    """A request with this query; no part of the path is bound."""
    return make_mocked_request("GET", str(URL("/x").with_query(query)))


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (text("p", "…"), "a b", "a b"),
        (text("p", "…"), "", ""),
        (choice("p", "…", Size), "large", Size.LARGE),
        (number("p", "…", low=0, high=1), "1e-3", 0.001),
        (number("p", "…", low=0, high=1), "1", 1.0),
        (whole("p", "…", low=1, high=1000), "1000", 1000),
        (whole("p", "…", low=1, high=1000), "0001", 1),
        (moment("p", "…"), "2026-11-22T08:00:00+01:00", datetime(2026, 11, 22, 7, tzinfo=UTC)),
        (moment("p", "…"), "2026-11-22T07:00:00Z", datetime(2026, 11, 22, 7, tzinfo=UTC)),
    ],
)
def test_what_is_right_is_read(parameter: Parameter[Any], given: str, value: object) -> None:
    assert parameter.read(asked(p=given)) == value
    assert parameter.need(asked(p=given)) == value
    assert parameter.read(asked()) is None


@pytest.mark.parametrize(
    ("parameter", "given", "words"),
    [
        (choice("p", "…", Size), "Large", "p must be one of small, large, not 'Large'"),
        (choice("p", "…", Size), "", "p must be one of small, large, not ''"),
        (number("p", "…", low=0, high=1), "1.01", "p must be a number from 0 to 1, not '1.01'"),
        (number("p", "…", low=0, high=1), "nan", "p must be a number from 0 to 1, not 'nan'"),
        (number("p", "…", low=0, high=1), "much", "p must be a number from 0 to 1, not 'much'"),
        (whole("p", "…", low=1, high=1000), "1001", "p must be a whole number from 1 to 1000, not '1001'"),
        (whole("p", "…", low=1, high=1000), "0", "p must be a whole number from 1 to 1000, not '0'"),
        (whole("p", "…", low=1, high=1000), "-1", "p must be a whole number from 1 to 1000, not '-1'"),
        (whole("p", "…", low=1, high=1000), "1_0", "p must be a whole number from 1 to 1000, not '1_0'"),
        (whole("p", "…", low=1, high=1000), "٣", "p must be a whole number from 1 to 1000, not '٣'"),
        (moment("p", "…"), "yesterday", "p must be a date and time with a zone, such as 2026-11-22T07:00:00Z"),
        (moment("p", "…"), "2026-11-22T07:00:00", "p must be a date and time with a zone"),
        (moment("p", "…"), "0001-01-01T00:00:00+14:00", "p must be a date and time with a zone"),
    ],
)
def test_what_is_wrong_is_refused_with_what_would_be_right(parameter: Parameter[Any], given: str, words: str) -> None:
    with pytest.raises(web.HTTPBadRequest) as refused:
        parameter.read(asked(p=given))
    assert words in (refused.value.text or "")


def test_a_required_parameter_is_asked_for() -> None:
    parameter = Parameter(name="metric", about="the name of a figure", parse=str, required=True)
    with pytest.raises(web.HTTPBadRequest) as refused:
        parameter.read(asked())
    assert refused.value.text == "the parameter metric is missing: the name of a figure"


def test_a_part_of_the_path_is_not_looked_for_in_the_query() -> None:
    with pytest.raises(LookupError, match="the route has no parameter id"):
        endpoint_id().need(asked(id="x"))
    assert endpoint_id().need(make_mocked_request("GET", "/x", match_info={"id": "a:b/c"})) == "a:b/c"


@given(st.text(max_size=30))
def test_no_text_is_more_than_wrong(text: str) -> None:
    for parameter in (
        choice("p", "…", Size),
        number("p", "…", low=0, high=1),
        whole("p", "…", low=0, high=10**12),
        moment("p", "…"),
    ):
        with suppress(ValueError):
            parameter.parse(text)
