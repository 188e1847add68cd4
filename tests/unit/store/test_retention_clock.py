"""Retention does not follow a clock that leaps, until it is known to be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.store import Times
from monitor.store.retention_clock import RetentionClock, horizon_to_restore

NOW = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def times(
    newest: datetime | None = None, counted_from: datetime | None = None, horizon: datetime | None = None
) -> Times:
    return Times(newest=newest, counted_from=counted_from, horizon=horizon)


class Machine:
    """Reads the clock every half minute of real time, as a daemon does."""

    def __init__(self, kept: Times, clock: datetime) -> None:
        self.kept, self.clock, self.real_s = kept, clock, 0.0
        self.retention = RetentionClock()
        self.until = self.retention.read(clock, 0.0, kept).until

    def run(self, span: timedelta) -> datetime:
        """Let real time pass; from when retention counts then."""
        step = timedelta(seconds=30)
        for _ in range(span // step):
            self.clock += step
            self.real_s += step.total_seconds()
            self.until = self.retention.read(self.clock, self.real_s, self.kept).until
        return self.until


def test_a_store_that_has_seen_nothing_vouches_for_any_time() -> None:
    assert RetentionClock().read(NOW, 0.0, times()).until == NOW


@pytest.mark.parametrize("known", [times(NOW - MINUTE), times(NOW, NOW - MINUTE), times(NOW + DAY), times(None, NOW)])
def test_a_clock_that_fits_what_is_known_is_followed(known: Times) -> None:
    reading = RetentionClock().read(NOW, 0.0, known)
    assert (reading.until, reading.is_held) == (NOW, False)


@pytest.mark.parametrize("leap", [2 * HOUR, DAY, 8 * DAY, 30 * DAY, 3650 * DAY])
def test_a_clock_that_leaps_for_less_than_an_hour_deletes_nothing(leap: timedelta) -> None:
    machine = Machine(times(NOW), NOW)
    machine.clock += leap
    assert machine.run(59 * MINUTE) == NOW + 59 * MINUTE
    machine.clock -= leap
    assert machine.run(MINUTE) == machine.clock == NOW + HOUR


def test_samples_of_the_wrong_clock_do_not_vouch_for_it_after_a_restart() -> None:
    kept = times(newest=NOW + 30 * DAY, counted_from=NOW)
    assert Machine(kept, NOW + 30 * DAY + MINUTE).run(30 * MINUTE) == NOW + 30 * MINUTE


def test_after_months_without_samples_retention_waits_and_catches_up_a_day_an_hour() -> None:
    machine = Machine(times(NOW), NOW + 90 * DAY)
    assert machine.until == NOW
    assert NOW + HOUR <= machine.run(HOUR) < NOW + HOUR + DAY
    assert NOW + DAY < machine.run(HOUR) < NOW + 3 * DAY
    assert machine.run(4 * DAY) == machine.clock


def test_a_clock_that_stays_wrong_moves_retention_by_a_day_an_hour_at_most() -> None:
    machine = Machine(times(NOW), NOW + 3650 * DAY)
    assert machine.run(5 * HOUR) <= NOW + 5 * DAY


def test_a_clock_that_comes_back_is_followed_at_once() -> None:
    kept = times(newest=NOW + 30 * DAY, counted_from=NOW + 30 * DAY)
    assert RetentionClock().read(NOW, 0.0, kept).until == NOW


def test_time_that_passed_between_two_looks_is_no_leap() -> None:
    clock = RetentionClock()
    clock.read(NOW, 0.0, times(NOW))
    late = clock.read(NOW + DAY, DAY.total_seconds(), times(NOW))
    assert (late.until, late.ahead) == (NOW + DAY, timedelta())


@pytest.mark.parametrize(
    ("raw", "horizon", "restored"),
    [
        (7 * DAY, None, None),
        (7 * DAY, NOW - 7 * DAY, None),
        (30 * DAY, NOW - 7 * DAY, None),  # retention was made longer: what is gone stays gone
        (7 * DAY, NOW - 3 * DAY, None),
        (7 * DAY, NOW - DAY, NOW - 7 * DAY),
        (7 * DAY, NOW + 23 * DAY, NOW - 7 * DAY),
    ],
)
def test_a_horizon_that_no_retention_allows_is_taken_back(
    raw: timedelta, horizon: datetime | None, restored: datetime | None
) -> None:
    assert horizon_to_restore(NOW, raw, times(horizon=horizon)) == restored
