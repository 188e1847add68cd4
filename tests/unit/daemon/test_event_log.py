"""Log records of status changes and incidents: every change once, with its cause."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitor.config.model import EndpointSpec
from monitor.daemon.event_log import EventLog
from monitor.domain.incident import Incident
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.scoreboard.board import Board
from probes._model import ErrorClass, Sample
from tests.support.board_values import make_board, make_spec
from tests.unit.score.values import START, make_sample

ONE, TWO = "a:one", "b:two"
_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@dataclass
class Line:
    """A board that is fed by hand, and the records of its event log."""

    board: Board
    now: datetime
    caplog: pytest.LogCaptureFixture

    def __post_init__(self) -> None:
        self.events = EventLog(self.board, lambda: self.now)
        self.caplog.set_level(logging.DEBUG, "monitor.daemon.event_log")

    def feed(self, *samples: Sample) -> None:
        """Absorb samples one by one, each at its own time."""
        for sample in samples:
            self.now = sample.started_at
            self.events.absorbed(self.board.absorb([sample]))
            self.pass_by(self.now)

    def pass_by(self, moment: datetime) -> None:
        """Let time pass, as the recorder does at the board's next moment."""
        self.now = moment
        self.events.changed(self.board.commit(moment))

    def records(self, *actions: str) -> list[Mapping[str, Any]]:
        """The extras of the records with one of these actions, or of all."""
        found = [{k: v for k, v in vars(record).items() if k not in _FIELDS} for record in self.caplog.records]
        return [each for each in found if not actions or each["action"] in actions]


def line(caplog: pytest.LogCaptureFixture, *specs: EndpointSpec) -> Line:
    board = make_board(*(specs or (make_spec(ONE), make_spec(TWO))))
    made = Line(board=board, now=START, caplog=caplog)
    made.events.start((ONE, TWO), ())
    return made


def samples(errors: Iterable[ErrorClass | None], *, after: int = 0, name: str = ONE) -> list[Sample]:
    """A sample a minute with these errors."""
    return [
        make_sample(START + timedelta(minutes=after + number), error=error, endpoint=name)
        for number, error in enumerate(errors)
    ]


def test_an_outage_is_logged_from_its_beginning_to_its_end_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    bench = line(caplog)
    bench.feed(*samples([None] * 30), *samples([ErrorClass.OVERLOADED] * 8, after=30), *samples([None] * 60, after=38))
    changes = [(each["from"], each["to"]) for each in bench.records("status_changed")]
    assert changes[0][0] == "unknown"
    assert ("up", "up") not in changes
    assert all(later[0] == earlier[1] for earlier, later in pairwise(changes))
    assert changes[-1][1] == "up"
    fell = next(record for record in bench.records("status_changed") if record["to"] == "down")
    assert (fell["endpoint"], fell["cause"]) == (ONE, "overloaded")
    assert "overloaded" in fell["evidence"]
    opened, closed = bench.records("incident_opened", "incident_closed")
    assert (opened["action"], closed["action"]) == ("incident_opened", "incident_closed")
    assert opened["incident"] == closed["incident"]
    assert closed["cause"] == "overloaded"
    assert closed["evidence"] == "8 samples: overloaded 8"


def test_nothing_is_logged_while_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    bench = line(caplog)
    bench.feed(*samples([None] * 30))
    before = len(bench.records())
    bench.feed(*samples([None] * 30, after=30))
    assert len(bench.records()) == before


def test_an_incident_that_began_and_ended_in_one_batch_is_logged_twice(caplog: pytest.LogCaptureFixture) -> None:
    bench = line(caplog)
    bench.feed(*samples([None] * 30))
    bench.now += timedelta(hours=2)
    bench.events.absorbed(
        bench.board.absorb([*samples([ErrorClass.CONNECT] * 6, after=30), *samples([None] * 90, after=36)])
    )
    actions = [record["action"] for record in bench.records("incident_opened", "incident_closed")]
    assert actions == ["incident_opened", "incident_closed"]


def test_a_restart_logs_what_is_still_open_and_no_change_of_status(caplog: pytest.LogCaptureFixture) -> None:
    first = line(caplog)
    outage = samples([None] * 30) + samples([ErrorClass.CONNECT] * 8, after=30)
    absorbed = first.board.absorb(outage)
    (incident,) = absorbed.incidents
    caplog.clear()
    board = make_board(make_spec(ONE), make_spec(TWO))
    board.restore_states(absorbed.states, {})
    gone = replace(incident, id="0" * 16, endpoint="gone:x")
    ended = board.restore_incidents([incident, gone])
    second = Line(board=board, now=outage[-1].started_at, caplog=caplog)
    board.commit(second.now, everything=True)
    second.events.start((ONE, TWO), ended)
    assert [(each["action"], each["endpoint"]) for each in second.records()] == [
        ("incident_restored", ONE),
        ("incident_closed", "gone:x"),
    ]
    second.feed(*samples([None] * 60, after=38))
    assert [record["incident"] for record in second.records("incident_closed")] == ["0" * 16, incident.id]
    assert not second.records("incident_opened")


def test_maintenance_and_silence_are_logged_though_no_sample_comes(caplog: pytest.LogCaptureFixture) -> None:
    begin = START + timedelta(hours=1)
    spec = make_spec(ONE, maintenance=(MaintenanceWindow(begin=begin, end=begin + timedelta(hours=1)),))
    bench = line(caplog, spec, make_spec(TWO))
    bench.feed(*samples([None] * 30))

    for moment in (START + timedelta(minutes=50), begin, begin + timedelta(hours=1)):
        bench.pass_by(moment)
    changes = [(record["from"], record["to"], record["cause"]) for record in bench.records("status_changed")][1:]
    assert changes == [
        ("up", "unknown", "no_recent_sample"),
        ("unknown", "maintenance", "configuration"),
        ("maintenance", "unknown", "no_recent_sample"),
    ]


def test_a_fall_is_a_warning_and_a_recovery_is_not(caplog: pytest.LogCaptureFixture) -> None:
    bench = line(caplog)
    bench.feed(*samples([None] * 30), *samples([ErrorClass.CONNECT] * 8, after=30), *samples([None] * 60, after=38))
    changes = [vars(record) for record in caplog.records if vars(record)["action"] == "status_changed"]
    levels = {change["to"]: change["levelname"] for change in changes}
    assert (levels["up"], levels["down"]) == ("INFO", "WARNING")


def test_a_closed_incident_says_how_long_it_lasted_and_what_it_rests_on(caplog: pytest.LogCaptureFixture) -> None:
    bench = line(caplog)
    incident = Incident(
        id="1" * 16,
        endpoint=ONE,
        worst=Status.DOWN,
        began_at=START,
        last_at=START,
        ended_at=START + timedelta(seconds=90),
        causes={"timeout_ttft": 1, "overloaded": 3},
    )
    bench.events.start((), [incident])
    closed = bench.records("incident_closed")[0]
    assert closed["lasted_s"] == 90
    assert closed["evidence"] == "4 samples: overloaded 3, timeout_ttft 1"
    assert closed["began_at"].endswith("Z")
