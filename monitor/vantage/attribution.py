"""Holds samples back that only silence speaks for, until it is known whose silence it is. Pure: time is an argument.

A silence is the provider's own when anybody was heard since. It is the network's when, after asking, nobody was, and
somebody unrelated who is usually heard was silent too. Where neither can be shown the sample goes on as it is: no
evidence excuses nobody.
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
"""The longest that a sample is held back: two rounds of asking (one may be under way already) and the pause between
take 11 s. So it is only reached when asking itself is stuck."""
RECHECK: Final = timedelta(seconds=10)
"""How often others are asked while the vantage is offline, also when nobody is probed: lest its end be missed, and a
provider's own outage pass for ours."""
ROLL_CALL: Final = timedelta(minutes=10)
"""How often canaries are asked while there is no doubt: one that is never heard would excuse whatever happens."""
_MOST_ASKED: Final = 3
"""Providers that are asked where canaries show nothing."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_Question: TypeAlias = tuple[EvidenceKind, Origin | None]
"""What has to be shown to work, and who cannot show it because it is their silence."""


@dataclass(slots=True, kw_only=True)
class _Held:
    """A sample that waits: for the verdict on its own silence, or for an earlier sample of its endpoint."""

    sample: Sample
    at: datetime
    doubt: Suspicion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    """Our network does not work."""

    since: datetime
    missed: frozenset[Origin]
    """Whose silence speaks for it, as of the last asking."""


class Vantage:
    """What is known of this place's network, and the samples that wait for it to be known."""

    def __init__(
        self, origins: Mapping[str, Origin], canaries: Sequence[Origin] = (), resolver: ResolverRecord | None = None
    ) -> None:
        self._origins = origins
        """By endpoint; one that is not in it takes no part."""
        self._canaries = tuple(canaries)
        self._resolver = resolver
        """What came of own lookups; None: there are none, and others have to show that names are resolved."""
        self._providers = tuple(dict.fromkeys(origins.values()))
        self._queues: dict[str, deque[_Held]] = {}
        self._proofs: dict[tuple[bool, bool], Proof] = {}
        """The newest of each sort: near or not, by name or not."""
        self._heard_at: dict[Origin, datetime] = {}
        self._unreliable: set[Origin] = set()
        """Who is silent for reasons of their own, so that their silence says nothing about the network."""
        self._outages: dict[EvidenceKind, _Outage] = {}
        self._past: dict[EvidenceKind, tuple[datetime, datetime]] = {}
        """The last outage of each kind, from its beginning to who was heard first."""
        self._asked_at = _NEVER

    @property
    def online(self) -> bool:
        """Whether nothing speaks against our own network."""
        return not self._outages

    @property
    def unreliable_canaries(self) -> frozenset[Origin]:
        """Canaries that were silent when others were heard, and were not heard since."""
        return frozenset(each for each in self._canaries if each in self._unreliable)

    def is_due(self, at: datetime) -> bool:
        """Whether somebody should be asked: a sample waits for it, or the last asking was too long ago."""
        if any(True for _ in self._doubted()):
            return True
        if self._outages:
            return at - self._asked_at >= RECHECK
        return bool(self._canaries and self._providers) and at - self._asked_at >= ROLL_CALL

    def take(self, sample: Sample, at: datetime) -> list[Sample]:
        """A sample has arrived; those that may go on now, in the order of their endpoints' arrivals."""
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

    def ask(self, at: datetime, away: Collection[Origin] = ()) -> tuple[Origin, ...]:
        """Whom to ask now; their replies go to `answered`, all of them together. Nobody is told to ask who is `away`.

        All canaries, and for what none of them can show a few providers.
        """
        self._asked_at = at
        chosen = dict.fromkeys(self._canaries)
        for question in self._questions():
            if not any(_can_answer(origin, question) and origin not in self._unreliable for origin in chosen):
                chosen |= dict.fromkeys(self._best_providers(question, away))
        return tuple(chosen)

    def looked_up(self, lookup: Lookup) -> list[Sample]:
        """What came of an own lookup of a neutral name; the samples that may go on now."""
        if self._resolver is None:
            return []
        self._resolver.note(lookup)
        if lookup.result is CheckResult.HEARD:
            outages = self._outages.items()
            over = [kind for kind, each in outages if each.missed == {RESOLVER} and lookup.began >= each.since]
            for kind in over:
                self._past[kind] = (self._outages.pop(kind).since, lookup.ended)
        for held, doubt in tuple(self._doubted()):
            self._ask_resolver(held, doubt)
        return self._flush()

    def answered(self, replies: Collection[OriginCheck]) -> list[Sample]:
        """What came of asking; the samples that may go on now."""
        # Heard since they were asked; later than that is not known.
        heard = [reply.origin for reply in replies if reply.result is CheckResult.HEARD]
        proofs = [Proof(origin=each, named=each.is_named, at=self._asked_at) for each in heard]
        for proof in proofs:
            self._note(proof)
        silent = {reply.origin for reply in replies if reply.result is CheckResult.SILENT}
        self._unreliable |= {each for each in silent if any(proof.clears(_kind_of(each)) for proof in proofs)}
        self._decide(silent)
        return self._flush()

    def tick(self, at: datetime) -> list[Sample]:
        """Time has passed: samples that were held for too long go on as they are."""
        return self._let_go(held for held, _ in self._doubted() if at - held.at >= HOLD)

    def release(self) -> list[Sample]:
        """Everything that waits, as it is."""
        return self._let_go(held for held, _ in self._doubted())

    def clock_stepped(self, at: datetime) -> list[Sample]:
        """The wall clock reads `at` after a leap: times from before say nothing any more; what waits goes as it is."""
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
        """Judge a silence by what is known already; with nobody to ask it is taken as it is."""
        question, outage = (doubt.kind, doubt.origin), self._outages.get(doubt.kind)
        if self._ask_resolver(held, doubt):
            return
        if not self._can_look_up(doubt) and not any(
            _can_answer(origin, question) for origin in (*self._canaries, *self._providers)
        ):
            held.doubt = None
        elif any(_clears(proof, doubt) for proof in self._proofs.values()):
            self._settle_against(held, doubt)
        elif outage is not None and _is_shared(doubt, outage.missed):
            self._excuse(held)

    def _can_look_up(self, doubt: Suspicion) -> bool:
        return self._resolver is not None and doubt.kind.names

    def _ask_resolver(self, held: _Held, doubt: Suspicion) -> bool:
        """Judge a name that was not resolved by what became of other names meanwhile; False when that is not known."""
        if self._resolver is None or not doubt.kind.names:
            return False
        result = self._resolver.result(doubt.since, held.at)
        if result is CheckResult.SILENT:
            self._share(held, doubt, frozenset({RESOLVER}))
        elif result is CheckResult.HEARD:
            self._settle_against(held, doubt)
        return result is not CheckResult.NOTHING

    def _share(self, held: _Held, doubt: Suspicion, missed: frozenset[Origin]) -> None:
        """It is our network's silence."""
        known = self._outages.get(doubt.kind)
        since = doubt.since if known is None else min(doubt.since, known.since)
        self._outages[doubt.kind] = _Outage(since=since, missed=missed)
        self._excuse(held)

    def _note(self, proof: Proof) -> None:
        """Somebody was heard: an outage before that is over, and silences before that are settled."""
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
        """Judge what is still in doubt after asking. What came since the asking waits for the next, if need be."""
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
        """Somebody was heard since, so the silence is the provider's own.

        Unless it began while our network was down: the next try may have been due too late.
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
        """What is to be found out: whose silence it is, whether an outage is over, else whether canaries are fit."""
        doubts = ((doubt.kind, doubt.origin) for _, doubt in self._doubted())
        found: dict[_Question, None] = dict.fromkeys(doubts) | dict.fromkeys((kind, None) for kind in self._outages)
        return found or [(_kind_of(canary), canary) for canary in self._canaries]

    def _best_providers(self, question: _Question, away: Collection[Origin]) -> list[Origin]:
        """Providers whose answer would tell: those that are usually heard, and were last."""
        able = [each for each in self._providers if _can_answer(each, question) and each not in away]
        able.sort(key=lambda each: (each not in self._unreliable, self._heard_at.get(each, _NEVER)), reverse=True)
        return able[:_MOST_ASKED]

    def _let_go(self, freed: Iterable[_Held]) -> list[Sample]:
        for held in tuple(freed):
            held.doubt = None
        return self._flush()

    def _flush(self) -> list[Sample]:
        """Take off the queues what need not wait any longer."""
        released = []
        for endpoint, queue in tuple(self._queues.items()):
            while queue and queue[0].doubt is None:
                released.append(queue.popleft().sample)
            if not queue:
                del self._queues[endpoint]
        return released


def _can_answer(origin: Origin, question: _Question) -> bool:
    """Whether hearing a witness would show that it works, and that the silence is the other's own."""
    kind, silent = question
    proof = Proof(origin=origin, named=origin.is_named, at=_NEVER)
    return proof.clears(kind) and (silent is None or not origin.is_related(silent))


def _clears(proof: Proof, doubt: Suspicion) -> bool:
    return proof.at >= doubt.since and proof.clears(doubt.kind)


def _is_shared(doubt: Suspicion, missed: Iterable[Origin]) -> bool:
    """Whether somebody is missed who has nothing to do with the provider in doubt."""
    return any(not each.is_related(doubt.origin) for each in missed)


def _kind_of(origin: Origin) -> EvidenceKind:
    """What has to work for a witness to be heard."""
    return EvidenceKind(near=origin.is_near, names=origin.is_named)
