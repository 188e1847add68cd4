"""Samples and incidents as a database returns them, without a database."""

from __future__ import annotations

from typing import Any

from sqlalchemy.types import TypeDecorator

from monitor.domain.incident import Incident
from monitor.store import _rows
from monitor.store._blocks import Row, Value
from monitor.store._codes import WORST
from monitor.store._incidents import to_incident, to_row
from monitor.store._raw import Names, decode_sample
from monitor.store._rows import NAMES
from monitor.store._tables import incident, sample
from probes._model import Sample


def encode_sample(sample_: Sample) -> Row:
    """A sample as stored values; its vantage and probe have the key 1."""
    row: dict[str, Value] = {"seq": 0}
    for name, value in _rows.to_row(sample_).items():
        if name.removesuffix("_id") not in NAMES:
            encoded: Any = _encode(name, value)
            row[name] = int(encoded) if isinstance(encoded, bool) else encoded
    return row | {"vantage": 1, "probe": 1}


def sample_as_stored(sample_: Sample) -> Sample:
    """The sample as a database returns it."""
    names = Names(vantage={1: sample_.vantage}, probe={1: sample_.probe})
    return decode_sample(encode_sample(sample_), sample_.endpoint, names)


def incident_as_stored(found: Incident) -> Incident:
    """The incident as a database returns it. Raises ValueError where a database would reject it."""
    if found.worst not in WORST:
        raise ValueError(f"{found.worst.value!r} cannot be the worst status of an incident")
    row: dict[str, Any] = to_row(found)
    for name in row.keys() & incident.c.keys():
        kind: Any = incident.c[name].type
        if isinstance(kind, TypeDecorator):
            # These types ignore the dialect.
            row[name] = kind.process_result_value(kind.process_bind_param(row[name], None), None)  # type: ignore[arg-type]
    return to_incident(row)


def _encode(name: str, value: object) -> object:
    kind = sample.c[name].type
    if isinstance(kind, TypeDecorator) and type(kind).process_bind_param is not TypeDecorator.process_bind_param:
        # These types ignore the dialect.
        return kind.process_bind_param(value, None)  # type: ignore[arg-type]
    return value
