"""Holds samples without any answer until it is known whether the provider or the local network failed. Pure.

It is the provider's failure when another origin answered since. It is the local network's failure when no checked
origin answered and a reliable, unrelated origin did not answer either. When neither can be shown, the sample is handed
on unchanged: a failure is excluded only with evidence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from monitor.vantage.evidence import (
    CheckResult,
    EvidenceKind,
    OriginCheck,
    Proof,
    Suspicion,
    excused,
    proof_in,
    suspicion_in,
)
from monitor.vantage.origin import Origin
from monitor.vantage.resolver import RESOLVER, Lookup, ResolverRecord
from probes._model import Sample

HOLD: Final = timedelta(seconds=20)
"""The longest that a sample is held. Two rounds of checks (one may be running already) and the pause between them take
11 s, so the limit is reached only when a check is stuck."""
_RECHECK: Final = timedelta(seconds=10)
"""How often origins are checked while the local network is offline, also when no probe runs. Otherwise the end of the
outage could be missed, and a provider's own outage excluded."""
_ROLL_CALL: Final = timedelta(minutes=10)
"""How often canaries are checked while no sample is held: a canary that never answers would make every failure look
like a local one."""
_MOST_ASKED: Final = 3
"""Maximum number of providers that are checked when canaries give no evidence."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_Question: TypeAlias = tuple[EvidenceKind, Origin | None]
"""The parts of the network that must be shown to work, and the suspected origin, which cannot show it."""


@dataclass(slots=True, kw_only=True)
class _Held:
    """A held sample: it waits for its own verdict, or for an earlier sample of its endpoint."""

    sample: Sample
    at: datetime
    doubt: Suspicion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    """The local network is offline."""

    since: datetime
    missed: frozenset[Origin]
    """The origins that did not answer in the last round."""


class Vantage:
    """The state of the local network, and the samples that are held until it is known."""

    def __init__(
        self, origins: Mapping[str, Origin], canaries: Sequence[Origin] = (), resolver: ResolverRecord | None = None
    ) -> None:
        self._origins = origins
        """By endpoint; samples of other endpoints are never held."""
        self._canaries = tuple(canaries)
        self._resolver = resolver
        """Results of own lookups; None: there are none, and other origins have to show that names are resolved."""
        self._providers = tuple(dict.fromkeys(origins.values()))
        self._queues: dict[str, deque[_Held]] = {}
        self._proofs: dict[tuple[bool, bool], Proof] = {}
        """The newest of each kind: near or not, by name or not."""
        self._heard_at: dict[Origin, datetime] = {}
        self._unreliable: set[Origin] = set()
        """Origins that do not answer for a reason of their own, which says nothing about the local network."""
        self._outages: dict[EvidenceKind, _Outage] = {}
        self._past: dict[EvidenceKind, tuple[datetime, datetime]] = {}
        """The last outage of each kind: its start, and the time of the first answer after it."""
        self._asked_at = _NEVER

    @property
    def online(self) -> bool:
        """Whether the local network works, by the evidence so far."""
        return not self._outages

    @property
    def unreliable_canaries(self) -> frozenset[Origin]:
        """Canaries that did not answer when others did, and have not answered since."""
        return frozenset(canary for canary in self._canaries if canary in self._unreliable)

    def is_due(self, at: datetime) -> bool:
        """Whether a round of checks is due: a sample is held, or the last round was too long ago."""
        if any(True for _ in self._doubted()):
            return True
        if self._outages:
            return at - self._asked_at >= _RECHECK
        return bool(self._canaries and self._providers) and at - self._asked_at >= _ROLL_CALL

    def take(self, sample: Sample, at: datetime) -> list[Sample]:
        """Take a sample; returns the samples to hand on now, those of one endpoint in the order of their arrival."""
        origin = self._origins.get(sample.endpoint)
        if origin is None:
            return [sample]
        proof = proof_in(sample, origin, at)
        if proof is not None:
            self._note(proof)
            if self._resolver is not None and proof.named:
                after_s = (sample.connect_s or 0.0) + (sample.tls_s or 0.0)
                self._resolver.note_resolved(sample.started_at - timedelta(seconds=after_s))
        held = _Held(sample=sample, at=at, doubt=suspicion_in(sample, origin, at))
        self._queues.setdefault(sample.endpoint, deque()).append(held)
        if held.doubt is not None:
            self._settle_at_once(held, held.doubt)
        return self._flush()

    def origins_to_check(self, at: datetime, away: Collection[Origin] = ()) -> tuple[Origin, ...]:
        """The origins to check now. Their results go to `take_checks` together. Origins in `away` are not checked.

        These are all canaries and, if no canary gives evidence, a few providers.
        """
        self._asked_at = at
        chosen = dict.fromkeys(self._canaries)
        for question in self._questions():
            if not any(_can_answer(origin, question) and origin not in self._unreliable for origin in chosen):
                chosen |= dict.fromkeys(self._best_providers(question, away))
        return tuple(chosen)

    def looked_up(self, lookup: Lookup) -> list[Sample]:
        """Take the result of an own lookup; returns the samples to hand on now."""
        if self._resolver is None:
            return []
        self._resolver.note(lookup)
        if lookup.result is CheckResult.HEARD:
            outages = self._outages.items()
            over = [kind for kind, outage in outages if outage.missed == {RESOLVER} and lookup.began >= outage.since]
            for kind in over:
                self._past[kind] = (self._outages.pop(kind).since, lookup.ended)
        for held, doubt in tuple(self._doubted()):
            self._ask_resolver(held, doubt)
        return self._flush()

    def take_checks(self, replies: Collection[OriginCheck]) -> list[Sample]:
        """Take the results of a round of checks; returns the samples to hand on now."""
        # The origins answered after the checks began. The exact time is not known.
        heard = [reply.origin for reply in replies if reply.result is CheckResult.HEARD]
        proofs = [Proof(origin=origin, named=origin.is_named, at=self._asked_at) for origin in heard]
        for proof in proofs:
            self._note(proof)
        silent = {reply.origin for reply in replies if reply.result is CheckResult.SILENT}
        self._unreliable |= {origin for origin in silent if any(proof.clears(_kind_of(origin)) for proof in proofs)}
        self._decide(silent)
        return self._flush()

    def tick(self, at: datetime) -> list[Sample]:
        """Hand on unchanged the samples that were held for too long."""
        return self._let_go(held for held, _ in self._doubted() if at - held.at >= HOLD)

    def release(self) -> list[Sample]:
        """Hand on every held sample unchanged."""
        return self._let_go(held for held, _ in self._doubted())

    def clock_stepped(self, at: datetime) -> list[Sample]:
        """The wall clock was stepped to `at`: drop earlier times, and hand on every held sample unchanged."""
        self._proofs.clear()
        self._heard_at.clear()
        self._past.clear()
        if self._resolver is not None:
            self._resolver.forget()
        self._outages = {kind: replace(outage, since=at) for kind, outage in self._outages.items()}
        self._asked_at = at
        return self.release()

    def _doubted(self) -> Iterator[tuple[_Held, Suspicion]]:
        return ((held, held.doubt) for queue in self._queues.values() for held in queue if held.doubt is not None)

    def _settle_at_once(self, held: _Held, doubt: Suspicion) -> None:
        """Decide from earlier evidence. When no origin can be checked, the sample is handed on unchanged."""
        question, outage = (doubt.kind, doubt.origin), self._outages.get(doubt.kind)
        if self._ask_resolver(held, doubt):
            return
        if self._lookups_for(doubt) is None and not any(
            _can_answer(origin, question) for origin in (*self._canaries, *self._providers)
        ):
            held.doubt = None
        elif any(_clears(proof, doubt) for proof in self._proofs.values()):
            self._settle_against(held, doubt)
        elif outage is not None and _is_shared(doubt, outage.missed):
            self._excuse(held)

    def _lookups_for(self, doubt: Suspicion) -> ResolverRecord | None:
        """The own lookups, if they can tell about this suspicion: a name was not resolved."""
        return self._resolver if doubt.kind.names else None

    def _ask_resolver(self, held: _Held, doubt: Suspicion) -> bool:
        """Decide about a name that was not resolved, by other lookups of that time; False: they give no evidence."""
        lookups = self._lookups_for(doubt)
        if lookups is None:
            return False
        result = lookups.result(doubt.since, held.at)
        if result is CheckResult.SILENT:
            self._share(held, doubt, frozenset({RESOLVER}))
        elif result is CheckResult.HEARD:
            self._settle_against(held, doubt)
        return result is not CheckResult.NOTHING

    def _share(self, held: _Held, doubt: Suspicion, missed: frozenset[Origin]) -> None:
        """Record a failure of the local network."""
        known = self._outages.get(doubt.kind)
        since = doubt.since if known is None else min(doubt.since, known.since)
        self._outages[doubt.kind] = _Outage(since=since, missed=missed)
        self._excuse(held)

    def _note(self, proof: Proof) -> None:
        """An origin answered: end the outages before that, and decide about the samples held since before."""
        origin = proof.origin
        self._unreliable.discard(origin)
        self._heard_at[origin] = max(proof.at, self._heard_at.get(origin, _NEVER))
        sort = (origin.is_near, proof.named)
        if sort not in self._proofs or self._proofs[sort].at < proof.at:
            self._proofs[sort] = proof
        for kind, outage in tuple(self._outages.items()):
            if proof.clears(kind) and proof.at >= outage.since:
                self._past[kind] = (outage.since, proof.at)
                del self._outages[kind]
        for held, doubt in self._doubted():
            if _clears(proof, doubt):
                self._settle_against(held, doubt)

    def _decide(self, silent: set[Origin]) -> None:
        """Decide about the held samples after a round of checks. Samples that came later wait for the next round."""
        waiting = tuple(self._doubted())
        missed = frozenset(silent | {doubt.origin for _, doubt in waiting if doubt.unheard}) - self._unreliable
        if self._resolver is not None and self._resolver.is_silent:
            missed |= {RESOLVER}
        self._outages = {kind: replace(outage, missed=missed) for kind, outage in self._outages.items() if missed}
        for held, doubt in waiting:
            if _is_shared(doubt, missed):
                self._share(held, doubt, missed)
            elif held.at <= self._asked_at:
                held.doubt = None

    def _settle_against(self, held: _Held, doubt: Suspicion) -> None:
        """Whether it is the provider's own failure, because another origin answered since.

        Except when the failure began while the local network was offline: the probe's next try may have come too late.
        """
        began, ended = self._past.get(doubt.kind, (_NEVER, _NEVER))
        if began <= doubt.since <= ended:
            self._excuse(held)
            return
        held.doubt = None
        if doubt.unheard and self._heard_at.get(doubt.origin, _NEVER) < doubt.since:
            self._unreliable.add(doubt.origin)

    @staticmethod
    def _excuse(held: _Held) -> None:
        held.doubt, held.sample = None, excused(held.sample)

    def _questions(self) -> Iterable[_Question]:
        """The question of the next checks: the cause of a failure, the end of an outage, or whether canaries answer."""
        doubts = ((doubt.kind, doubt.origin) for _, doubt in self._doubted())
        found: dict[_Question, None] = dict.fromkeys(doubts) | dict.fromkeys((kind, None) for kind in self._outages)
        return found or [(_kind_of(canary), canary) for canary in self._canaries]

    def _best_providers(self, question: _Question, away: Collection[Origin]) -> list[Origin]:
        """Providers whose answer would be evidence: reliable ones first, then by their last answer."""
        able = [provider for provider in self._providers if _can_answer(provider, question) and provider not in away]
        able.sort(
            key=lambda provider: (provider not in self._unreliable, self._heard_at.get(provider, _NEVER)), reverse=True
        )
        return able[:_MOST_ASKED]

    def _let_go(self, freed: Iterable[_Held]) -> list[Sample]:
        for held in tuple(freed):
            held.doubt = None
        return self._flush()

    def _flush(self) -> list[Sample]:
        """Remove the samples with a verdict from the queues."""
        released = []
        for endpoint, queue in tuple(self._queues.items()):
            while queue and queue[0].doubt is None:
                released.append(queue.popleft().sample)
            if not queue:
                del self._queues[endpoint]
        return released


def _can_answer(origin: Origin, question: _Question) -> bool:
    """Whether an answer of this origin would show that the suspected origin itself failed."""
    kind, silent = question
    proof = Proof(origin=origin, named=origin.is_named, at=_NEVER)
    return proof.clears(kind) and (silent is None or not origin.is_related(silent))


def _clears(proof: Proof, doubt: Suspicion) -> bool:
    return proof.at >= doubt.since and proof.clears(doubt.kind)


def _is_shared(doubt: Suspicion, missed: Iterable[Origin]) -> bool:
    """Whether an origin that is unrelated to the suspected provider did not answer."""
    return any(not origin.is_related(doubt.origin) for origin in missed)


def _kind_of(origin: Origin) -> EvidenceKind:
    """The parts of the network that an answer of this origin requires."""
    return EvidenceKind(near=origin.is_near, names=origin.is_named)
