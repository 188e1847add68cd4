"""Incidents as JSON rows and as an Atom feed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote
from xml.etree import ElementTree as ET  # used only for writing, so that untrusted XML is no risk

from typing_extensions import TypedDict

from monitor.domain.epoch import EPOCH
from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.schema.types import Moment
from monitor.scoreboard.schema import Count, Figure
from probes._serialize import timestamp

FEED_TYPE: Final = "application/atom+xml"
_ATOM: Final = "http://www.w3.org/2005/Atom"
_TAG: Final = "tag:providerwatch,2026:"
"""Prefix of every id of the feed (RFC 4151). Ids contain nothing that may change."""
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot represent, not even escaped."""


class IncidentRow(TypedDict):
    """A time span in which an endpoint was not up."""

    id: str
    """Unique id. It stays the same, also when the endpoint is renamed."""
    endpoint: str
    worst: Literal[Status.DEGRADED, Status.DOWN]
    """The worst status of the endpoint."""
    cause: str
    """The most frequent cause: an error class, or `slo`, `habit`, `provider`."""
    causes: Mapping[str, Count]
    """Number of samples by cause, in order of first appearance."""
    samples: Count
    """Number of samples that are evidence against the endpoint."""
    began_at: Moment
    """Start of the first of these samples."""
    last_at: Moment
    """Start of the newest of these samples."""
    ended_at: Moment | None
    """End of the incident; null while it is open."""
    duration_s: Figure
    """Duration from the beginning to the end, or to the time of the request while the incident is open."""


class IncidentList(TypedDict):
    """Incidents, newest first."""

    data: list[IncidentRow]
    next: str | None
    """The `cursor` of the next page; null on the last page."""


def incident_row(incident: Incident, now: datetime) -> IncidentRow:
    """An incident as JSON values."""
    return IncidentRow(
        id=incident.id,
        endpoint=incident.endpoint,
        worst=Status.DOWN if incident.worst is Status.DOWN else Status.DEGRADED,
        cause=incident.cause,
        causes=dict(incident.causes),
        samples=incident.samples,
        began_at=timestamp(incident.began_at),
        last_at=timestamp(incident.last_at),
        ended_at=None if incident.ended_at is None else timestamp(incident.ended_at),
        duration_s=max(round(incident.lasted(now).total_seconds(), 6), 0.0),
    )


def feed(incidents: Sequence[Incident], vantage: str) -> bytes:
    """The Atom feed of these incidents (RFC 4287), in their order.

    The same incidents give the same bytes: an open incident has its beginning, but no duration.
    """
    root = ET.Element("feed", xmlns=_ATOM)
    name = quote(vantage, safe="", errors="replace")
    _text(root, "id", f"{_TAG}{name}/incidents")
    _text(root, "title", f"Incidents seen from {vantage}")
    _text(root, "updated", timestamp(max(map(_updated, incidents), default=EPOCH)))
    _text(ET.SubElement(root, "author"), "name", "Providerwatch")
    ET.SubElement(root, "link", rel="self", type=FEED_TYPE, href="/v1/incidents.atom")
    for incident in incidents:
        _entry(root, incident, name)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: ET.Element, incident: Incident, vantage: str) -> None:
    entry = ET.SubElement(root, "entry")
    _text(entry, "id", f"{_TAG}{vantage}/incidents/{incident.id}")
    ended = "" if incident.ended_at is None else ", ended"
    _text(entry, "title", f"{incident.endpoint} {incident.worst}: {incident.cause}{ended}")
    _text(entry, "published", timestamp(incident.began_at))
    _text(entry, "updated", timestamp(_updated(incident)))
    ET.SubElement(entry, "category", term=_xml(incident.endpoint), label="endpoint")
    ET.SubElement(entry, "category", term=incident.worst.value, label="worst")
    # An entry without a link to a page must have content (RFC 4287, 4.1.2).
    _text(entry, "content", _story(incident), type="text")


def _story(incident: Incident) -> str:
    shown = ", ".join(f"{cause} ({count})" for cause, count in incident.causes.items())
    found = "1 sample shows" if incident.samples == 1 else f"{incident.samples} samples show"
    begun = f"{incident.endpoint} was {incident.worst} since {_clock(incident.began_at)}."
    evidence = f"{found} a problem: {shown}; the newest began at {_clock(incident.last_at)}."
    if incident.ended_at is None:
        return f"{begun} {evidence} It is open."
    return f"{begun} {evidence} It ended at {_clock(incident.ended_at)}, after {span(incident.lasted(EPOCH))}."


def span(length: timedelta) -> str:
    """A duration in its two largest units."""
    seconds = max(round(length.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _updated(incident: Incident) -> datetime:
    """When the incident last changed, as far as it is known."""
    return max(incident.last_at, incident.ended_at or incident.last_at)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = _xml(text)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
