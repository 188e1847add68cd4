"""The evidence of a sample about the local network: an answer, no answer, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from monitor.vantage.origin import Origin
from probes._errors import clean
from probes._model import ErrorClass, Sample

_NEVER_HEARD = frozenset({ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT, ErrorClass.TIMEOUT_TOTAL})
"""Errors that mean, without a connection, that the provider's machine did not answer."""
_FELL_SILENT = frozenset({ErrorClass.TIMEOUT_TTFT, ErrorClass.STALLED})
"""Errors that mean, on an open connection, that the machine stopped answering, as after a cable cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKind:
    """The parts of the network that must be shown to work before a missing answer counts against the provider."""

    near: bool
    """True: the local network suffices. False: the connection to the Internet is needed, too."""
    names: bool
    """Whether names must be resolved. An origin that is reached by its address gives no evidence about that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A missing answer: the failure of the provider, or of the local network."""

    origin: Origin
    kind: EvidenceKind
    since: datetime
    """If another origin answered at this time or later, the network worked."""
    unheard: bool
    """True: the machine did not answer. False: it accepted the connection, and then stopped answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An origin answered, so the network worked."""

    origin: Origin
    named: bool
    """Whether a name was resolved for it."""
    at: datetime

    def clears(self, kind: EvidenceKind) -> bool:
        """Whether the answer shows that all parts of `need` work."""
        return (kind.near or not self.origin.is_near) and (self.named or not kind.names)


class CheckResult(Enum):
    """The result of checking an origin."""

    HEARD = "heard"
    SILENT = "silent"
    NOTHING = "nothing"
    """Refused, perhaps by a firewall on the way; or not checked, because this machine lacks a resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginCheck:
    """A checked origin and the result."""

    origin: Origin
    result: CheckResult


def proof_in(sample: Sample, origin: Origin, at: datetime) -> Proof | None:
    """When the provider last answered, by a sample that arrived at `at`; None: it never did.

    A refused connection is no answer: a firewall on the way refuses, too, also while the line behind it is dead.
    """
    connected_s = None if sample.connect_s is None else 0.0  # the connection existed before the sample's start
    figures = (connected_s, sample.headers_s, sample.ttft_s, sample.ttat_s, sample.e2e_s)
    heard_s = max((seconds for seconds in figures if seconds is not None), default=None)
    if heard_s is None:
        return None
    # Never in the future, as after the wall clock was set back.
    heard_at = min(sample.started_at + timedelta(seconds=heard_s), at)
    return Proof(origin=origin, named=sample.dns_s is not None, at=heard_at)


def suspicion_in(sample: Sample, origin: Origin, at: datetime) -> Suspicion | None:
    """The suspicion that follows from a sample; None: it failed otherwise, or succeeded.

    A connection is tried several times, so an answer of another origin after the first try shows that the network
    worked. An answer to a request could have come until the deadline, so the other origin has to answer after that.
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
    """The sample with the error `vantage_offline`; `detail` keeps the original error."""
    error = ErrorClass.VANTAGE_OFFLINE
    seemed = f"{sample.error}: {sample.detail}" if sample.detail else f"{sample.error}"
    return replace(sample, error=error, blame=error.blame, detail=clean(f"the local network was offline ({seemed})"))
