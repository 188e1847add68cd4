"""Incidents for tests of the store: one by hand, or any that can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from probes._model import ErrorClass
from tests.unit.store.samples import START, moments, names


def make_incident(number: int, **fields: Any) -> Incident:
    """Incident `number` of a row of open ones, one an hour from `START` on; `fields` in place of what it would hold."""
    at = START + timedelta(hours=number)
    plain = Incident(
        id=f"{number:016x}",
        endpoint="steady:smollm2",
        worst=Status.DOWN,
        began_at=at,
        last_at=at + timedelta(minutes=1),
        causes={"connect": 2},
    )
    return replace(plain, **fields)


def ended(number: int, hours: float = 0.5, **fields: Any) -> Incident:
    """The same, over after so many hours."""
    plain = make_incident(number, **fields)
    return replace(plain, ended_at=plain.began_at + timedelta(hours=hours))


_causes = st.dictionaries(st.sampled_from([*map(str, ErrorClass), "slo", "habit"]), st.integers(1, 10**6), min_size=1)

incidents = st.builds(
    Incident,
    id=st.integers(0, 2**64 - 1).map("{:016x}".format),
    endpoint=names,
    worst=st.sampled_from([Status.DEGRADED, Status.DOWN]),
    began_at=moments,
    last_at=moments,
    ended_at=st.none() | moments,
    causes=_causes,
)
"""Any incident that a store keeps exactly."""
