"""What is worth knowing about an endpoint now, in one short text: the last column of the overview. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.status import Status
from monitor.domain.text import age
from monitor.scoreboard.schema import MaintenanceSpan
from monitor.web.pages.overview_facts import EndpointFacts
from monitor.web.pages.page_context import Tone
from monitor.web.pages.when import When, when
from monitor.web.pages.words import cause_words, refusal_words, span_words
from probes._model import ErrorClass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointNote:
    """A text, and what to do about it."""

    tone: Tone | str
    words: str
    title: str = ""
    detail: str = ""
    """What to do, to be read without pointing at it."""
    at: When | None = None
    """A time that follows the words."""


def endpoint_notes(facts: EndpointFacts, now: datetime, *, stranger: bool) -> tuple[EndpointNote, ...]:
    """The notes of an endpoint, the most important first; empty if there is nothing to say."""
    match facts.row.status:
        case Status.PAUSED:
            return (EndpointNote(tone=Tone.QUIET, words="paused", title="`enabled: false` in the configuration"),)
        case Status.MAINTENANCE:
            return (_maintenance(facts.published["maintenance"], now),)
        case _:
            pass
    found = [_account(facts, stranger=stranger), _incident(facts, now), _unknown(facts, now), _coming(facts, now)]
    return tuple(note for note in found if note is not None)


def _maintenance(span: MaintenanceSpan | None, now: datetime) -> EndpointNote:
    until = None if span is None else when(_time(span["to"]), now)
    words = "in maintenance" if until is None else "until"
    return EndpointNote(tone="maintenance", words=words, at=until, title="Not probed during maintenance")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _coming(facts: EndpointFacts, now: datetime) -> EndpointNote | None:
    span = facts.published["maintenance"]
    if span is None:
        return None
    begin = when(_time(span["from"]), now)
    return EndpointNote(tone=Tone.QUIET, words="maintenance from", at=begin)


def _account(facts: EndpointFacts, *, stranger: bool) -> EndpointNote | None:
    trouble = facts.published["account"]
    if trouble is None or stranger:
        return None
    words, remedy = refusal_words(trouble["class"])
    tone = "limit" if trouble["class"] == ErrorClass.RATE_LIMITED else Tone.BAD
    since = when(_time(trouble["since"]), _time(trouble["since"])).utc
    detail = f"Your key, not the provider. {remedy}"
    return EndpointNote(tone=tone, words=f"your key: {words}", title=f"Since {since}", detail=detail)


def _incident(facts: EndpointFacts, now: datetime) -> EndpointNote | None:
    incident = facts.incident
    if incident is None:
        return None
    causes = ", ".join(f"{cause_words(cause)} ({count})" for cause, count in incident.causes.items())
    tone = Tone.BAD if facts.row.status is Status.DOWN else Tone.WARN
    return EndpointNote(
        tone=tone,
        words=f"{span_words(incident.lasted(now))}, {cause_words(incident.cause)}",
        title=f"Incident since {when(incident.began_at, now).utc}; evidence: {causes}",
    )


def _unknown(facts: EndpointFacts, now: datetime) -> EndpointNote | None:
    if facts.row.status is not Status.UNKNOWN:
        return None
    if facts.snapshot.measured_at is not None:
        return _measured_before(facts, facts.snapshot.measured_at, now)
    if facts.next_probe is None:
        return EndpointNote(tone=Tone.QUIET, words="not probed", title="No probe applies to this endpoint")
    wait = span_words(facts.next_probe - now)
    tried = facts.published["uptime"]["1d"]
    others = tried["rate_limited"] + tried["account"] + tried["monitor"] + tried["network"]
    first = "next probe" if others else "first probe"
    return EndpointNote(tone=Tone.QUIET, words=f"{first} in {wait}", title="Nothing measured yet")


def _measured_before(facts: EndpointFacts, measured_at: datetime, now: datetime) -> EndpointNote:
    stale_after = facts.published["stale_after"]
    if stale_after is not None and _time(stale_after) <= now:
        words = f"stale: measured {age(measured_at, now)} ago"
        return EndpointNote(tone=Tone.WARN, words=words, title="Too old for a status; routers may still use it")
    return EndpointNote(tone=Tone.QUIET, words="no success yet", title="No probe has succeeded so far")
