"""What a sample says about the network between its provider and us: heard, silent, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from monitor.vantage.origin import Origin
from probes._errors import clean
from probes._model import ErrorClass, Sample

_NEVER_HEARD = frozenset({ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT, ErrorClass.TIMEOUT_TOTAL})
"""With no connection these say that the provider's machine was not heard."""
_FELL_SILENT = frozenset({ErrorClass.TIMEOUT_TTFT, ErrorClass.STALLED})
"""With a connection these say that it was heard no more, which a cut cable does to every probe under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKind:
    """What has to be shown to work before a silence is the provider's own fault."""

    near: bool
    """The network at hand is enough; else the way out to the world."""
    names: bool
    """Names have to be resolved: who is reached by address shows nothing about that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A silence: the provider's, or our network's."""

    origin: Origin
    kind: EvidenceKind
    since: datetime
    """Whoever is heard at this time or later shows that it was not the network."""
    unheard: bool
    """Whether the machine was not heard at all; else it answered the connection, and then fell silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Somebody was heard, so the network worked."""

    origin: Origin
    named: bool
    """Whether a name was resolved on the way."""
    at: datetime

    def clears(self, kind: EvidenceKind) -> bool:
        """Whether what worked is what a silence of this kind doubts."""
        return (kind.near or not self.origin.is_near) and (self.named or not kind.names)


class CheckResult(Enum):
    """What came of asking a witness."""

    HEARD = "heard"
    SILENT = "silent"
    NOTHING = "nothing"
    """Refused, which a firewall on the way may have done; or not asked, for lack of something on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginCheck:
    """A witness that was asked, and what came of it."""

    origin: Origin
    result: CheckResult


def proof_in(sample: Sample, origin: Origin, at: datetime) -> Proof | None:
    """When a sample that arrived at `at` last heard of its provider; None when it never did.

    A refusal is none: a firewall on the way refuses too, also while the line behind it is dead.
    """
    connected_s = None if sample.connect_s is None else 0.0  # before the request, and so at its beginning at the latest
    figures = (connected_s, sample.headers_s, sample.ttft_s, sample.ttat_s, sample.e2e_s)
    heard_s = max((seconds for seconds in figures if seconds is not None), default=None)
    if heard_s is None:
        return None
    # A wall clock that was set back meanwhile makes nobody heard in the future.
    heard_at = min(sample.started_at + timedelta(seconds=heard_s), at)
    return Proof(origin=origin, named=sample.dns_s is not None, at=heard_at)


def suspicion_in(sample: Sample, origin: Origin, at: datetime) -> Suspicion | None:
    """The silence that a sample tells of; None when it tells of something else.

    A connection is tried again and again, so whoever is heard since the first try shows that the network would have let
    it through. An answer may have come at the last moment before the deadline: it takes somebody heard after that.
    """
    unheard = sample.rtt_s is None and proof_in(sample, origin, at) is None
    if sample.error not in (_NEVER_HEARD if unheard else _FELL_SILENT):
        return None
    return Suspicion(
        origin=origin,
        kind=EvidenceKind(near=origin.is_near, names=sample.error is ErrorClass.DNS),
        since=min(sample.started_at, at) if unheard else at,
        unheard=unheard,
    )


def excused(sample: Sample) -> Sample:
    """The sample as one of a time at which the vantage was offline; what it seemed to be stays in its words."""
    error = ErrorClass.VANTAGE_OFFLINE
    seemed = f"{sample.error}: {sample.detail}" if sample.detail else f"{sample.error}"
    return replace(sample, error=error, blame=error.blame, detail=clean(f"the vantage was offline ({seemed})"))
