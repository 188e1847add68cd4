"""Words and units as they lie in the database."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.types import TypeDecorator

from monitor.store import StoreError
from monitor.store._codes import ERRORS
from monitor.store._columns import Code, Count, Duration, HexId, Moment, Note, Real
from probes._model import ErrorClass

SQLITE = dialect()
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])


@given(st.datetimes(timezones=ZONES, min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_a_moment_survives_to_the_microsecond_in_any_zone(moment: datetime) -> None:
    stored = Moment().process_bind_param(moment, SQLITE)
    assert Moment().process_result_value(stored, SQLITE) == moment


def test_a_moment_is_microseconds_since_1970() -> None:
    assert Moment().process_bind_param(datetime(1970, 1, 2, 0, 0, 0, 7, tzinfo=UTC), SQLITE) == 86_400_000_007


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), SQLITE)  # noqa: DTZ001


@given(st.floats(-1e6, 1e6))
def test_a_duration_is_off_by_half_a_microsecond_at_most(duration_s: float) -> None:
    stored = Duration().process_bind_param(duration_s, SQLITE)
    read = Duration().process_result_value(stored, SQLITE)
    assert read is not None
    assert abs(read - duration_s) <= 0.5001e-6


@pytest.mark.parametrize("duration_s", [math.inf, -math.inf, math.nan, 1e300])
def test_a_duration_beyond_any_clock_is_not_measured(duration_s: float) -> None:
    assert Duration().process_bind_param(duration_s, SQLITE) is None


def test_a_count_beyond_63_bits_is_not_measured() -> None:
    assert Count().process_bind_param(2**63 - 1, SQLITE) == 2**63 - 1
    assert Count().process_bind_param(2**63, SQLITE) is None


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_real_that_is_no_number_is_not_measured(value: float) -> None:
    assert Real().process_bind_param(value, SQLITE) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [("grün 😀", "grün 😀"), ("half a \ud83d pair", "half a \ufffd pair"), ("nul\0", "nul\ufffd"), ("", "")],
)
def test_a_note_keeps_text_and_marks_what_is_none(text: str, kept: str) -> None:
    assert Note().process_bind_param(text, SQLITE) == kept


@given(st.integers(0, 2**64 - 1))
def test_an_id_is_a_signed_64_bit_integer(number: int) -> None:
    stored = HexId().process_bind_param(f"{number:016x}", SQLITE)
    assert stored is not None
    assert -(2**63) <= stored < 2**63
    assert HexId().process_result_value(stored, SQLITE) == f"{number:016x}"


@pytest.mark.parametrize("text", ["", "ff", "0" * 17, "0" * 15 + "G", "0" * 15 + "A", " " + "0" * 15, "0_0" + "0" * 13])
def test_an_id_that_is_not_16_lower_case_hexadecimal_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="16 lower-case hexadecimal digits"):
        HexId().process_bind_param(text, SQLITE)


def test_a_word_is_its_number() -> None:
    code = Code(ERRORS)
    assert code.process_bind_param(ErrorClass.STALLED, SQLITE) == 6
    assert code.process_result_value(6, SQLITE) is ErrorClass.STALLED


def test_a_number_that_a_newer_program_wrote_is_named() -> None:
    with pytest.raises(StoreError, match="unknown code 999, written by a newer providerwatch"):
        Code(ERRORS).process_result_value(999, SQLITE)


@pytest.mark.parametrize("column", [Moment(), Duration(), Count(), Real(), Note(), HexId(), Code(ERRORS)], ids=repr)
def test_none_is_stored_as_none(column: TypeDecorator[object]) -> None:
    assert column.process_bind_param(None, SQLITE) is None


@pytest.mark.parametrize("column", [Moment(), Duration(), HexId(), Code(ERRORS)], ids=repr)
def test_none_is_read_as_none(column: TypeDecorator[object]) -> None:
    assert column.process_result_value(None, SQLITE) is None
