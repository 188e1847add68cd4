"""Holds samples back that only silence speaks for, until it is known whose silence it is. Pure: time is an argument.

A silence is the provider's own when anybody was heard since. It is the network's when, after asking, nobody was, and
somebody unrelated who is usually heard was silent too. Where neither can be shown the sample goes on as it is: no
evidence excuses nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.vantage.evidence import Answer, Kind, Proof, Reply, Suspicion, excused, proof_in, suspicion_in
from monitor.vantage.origins import Origin
from probes._model import Sample

HOLD = timedelta(seconds=20)
"""The longest that a sample is held back: two rounds of asking (one may be under way already) and the pause between
take 11 s. So it is only reached when asking itself is stuck."""
_FRESH = timedelta(seconds=10)
"""How long a finding that the vantage is offline holds for further silences: then others are asked again, lest a
provider's own outage pass for ours because nobody else happens to be probed."""
_MOST_ASKED = 3
"""Providers that are asked for want of canaries."""
_NEVER = datetime.min.replace(tzinfo=UTC)


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
    found_at: datetime
    """When that was last seen."""


class Vantage:
    """What is known of this place's network, and the samples that wait for it to be known."""

    def __init__(self, origins: Mapping[str, Origin], canaries: Sequence[Origin] = ()) -> None:
        self._origins = origins
        """By endpoint; one that is not in it takes no part."""
        self._canaries = tuple(canaries)
        self._providers = tuple(dict.fromkeys(origins.values()))
        self._queues: dict[str, deque[_Held]] = {}
        self._proofs: dict[tuple[bool, bool], Proof] = {}
        """The newest of each sort: near or not, by name or not."""
        self._heard_at: dict[Origin, datetime] = {}
        self._silent: set[Origin] = set()
        """Who is silent for reasons of their own, so that their silence says nothing about the network."""
        self._outages: dict[Kind, _Outage] = {}
        self._past: dict[Kind, tuple[datetime, datetime]] = {}
        """The last outage of each kind, from its beginning to who was heard first."""
        self._asked_at = _NEVER

    @property
    def online(self) -> bool:
        """Whether nothing speaks against our own network."""
        return not self._outages

    @property
    def in_doubt(self) -> bool:
        """Whether somebody should be asked."""
        return any(True for _ in self._doubted())

    def take(self, sample: Sample, at: datetime) -> list[Sample]:
        """A sample has arrived; those that may go on now, in the order of their endpoints' arrivals."""
        origin = self._origins.get(sample.endpoint)
        if origin is None:
            return [sample]
        proof = proof_in(sample, origin, at)
        released = [] if proof is None else self._prove(proof)
        held = _Held(sample=sample, at=at, doubt=suspicion_in(sample, origin, at))
        self._queues.setdefault(sample.endpoint, deque()).append(held)
        self._settle_at_once(held, at)
        return released + self._flush()

    def ask(self, at: datetime) -> tuple[Origin, ...]:
        """Whom to ask now; their replies go to `answered`, all of them together."""
        self._asked_at = at
        doubts = {(held.doubt.origin, held.doubt.kind): held.doubt for held in self._doubted() if held.doubt}
        chosen = dict.fromkeys(self._canaries if doubts else ())
        for doubt in doubts.values():
            if not any(_can_clear(witness, doubt) and witness not in self._silent for witness in chosen):
                chosen |= dict.fromkeys(self._best_witnesses(doubt))
        return tuple(chosen)

    def answered(self, replies: Iterable[Reply], at: datetime) -> list[Sample]:
        """What came of asking; the samples that may go on now."""
        replies = tuple(replies)
        # Heard since they were asked; later than that is not known.
        heard = [reply.witness for reply in replies if reply.answer is Answer.HEARD]
        proofs = [Proof(origin=each, named=each.is_named, at=self._asked_at) for each in heard]
        for proof in proofs:
            self._note(proof)
        silent = {reply.witness for reply in replies if reply.answer is Answer.SILENT}
        self._silent |= {each for each in silent if any(proof.clears(_kind_of(each)) for proof in proofs)}
        self._decide(silent, at)
        return self._flush()

    def tick(self, at: datetime) -> list[Sample]:
        """Time has passed: samples that were held for too long go on as they are."""
        for held in self._doubted():
            if not timedelta() <= at - held.at < HOLD:  # below 0 the wall clock was set back, and the rest is not known
                held.doubt = None
        return self._flush()

    def release(self) -> list[Sample]:
        """Everything that waits, as it is."""
        for held in self._doubted():
            held.doubt = None
        return self._flush()

    def _doubted(self) -> Iterator[_Held]:
        return (held for queue in self._queues.values() for held in queue if held.doubt is not None)

    def _settle_at_once(self, held: _Held, at: datetime) -> None:
        """Judge a silence by what is known already; with nobody to ask it is taken as it is."""
        doubt = held.doubt
        if doubt is None:
            return
        if not any(_can_clear(witness, doubt) for witness in (*self._canaries, *self._providers)):
            held.doubt = None
        elif any(_clears(proof, doubt) for proof in self._proofs.values()):
            self._own_fault(held, doubt)
        elif doubt.kind in self._outages and at - self._outages[doubt.kind].found_at < _FRESH:
            self._excuse(held)

    def _prove(self, proof: Proof) -> list[Sample]:
        self._note(proof)
        return self._flush()

    def _note(self, proof: Proof) -> None:
        """Somebody was heard: silences before that are the providers' own, and an outage before that is over."""
        origin = proof.origin
        self._silent.discard(origin)
        self._heard_at[origin] = max(proof.at, self._heard_at.get(origin, _NEVER))
        sort = (origin.is_near, proof.named)
        if sort not in self._proofs or self._proofs[sort].at < proof.at:
            self._proofs[sort] = proof
        for kind, outage in tuple(self._outages.items()):
            if proof.clears(kind) and proof.at >= outage.since:
                self._past[kind] = (outage.since, proof.at)
                del self._outages[kind]
        for held in self._doubted():
            if held.doubt is not None and _clears(proof, held.doubt):
                self._own_fault(held, held.doubt)

    def _decide(self, silent: set[Origin], at: datetime) -> None:
        """Judge what is still in doubt after asking. What came since the asking waits for the next, if need be."""
        waiting = [(held, held.doubt) for held in self._doubted() if held.doubt is not None]
        unheard = {doubt.origin for _, doubt in waiting if doubt.unheard}
        missed = (silent | unheard) - self._silent
        for held, doubt in waiting:
            if any(not each.is_related(doubt.origin) for each in missed):
                self._find_offline(doubt, at)
                self._excuse(held)
            elif held.at <= self._asked_at:
                held.doubt = None

    def _find_offline(self, doubt: Suspicion, at: datetime) -> None:
        known = self._outages.get(doubt.kind)
        since = doubt.since if known is None else min(doubt.since, known.since)
        self._outages[doubt.kind] = _Outage(since=since, found_at=at)

    def _own_fault(self, held: _Held, doubt: Suspicion) -> None:
        """The provider's own, unless our network was still down then: the next try may have been due too late."""
        began, ended = self._past.get(doubt.kind, (_NEVER, _NEVER))
        if began <= doubt.since <= ended:
            self._excuse(held)
            return
        held.doubt = None
        if doubt.unheard and self._heard_at.get(doubt.origin, _NEVER) < doubt.since:
            self._silent.add(doubt.origin)

    @staticmethod
    def _excuse(held: _Held) -> None:
        held.doubt, held.sample = None, excused(held.sample)

    def _best_witnesses(self, doubt: Suspicion) -> list[Origin]:
        """Providers whose answer would clear a doubt: those that are usually heard, and were last."""
        able = [each for each in self._providers if _can_clear(each, doubt)]
        able.sort(key=lambda each: (each not in self._silent, self._heard_at.get(each, _NEVER)), reverse=True)
        return able[:_MOST_ASKED]

    def _flush(self) -> list[Sample]:
        """Take off the queues what need not wait any longer."""
        released = []
        for endpoint, queue in tuple(self._queues.items()):
            while queue and queue[0].doubt is None:
                released.append(queue.popleft().sample)
            if not queue:
                del self._queues[endpoint]
        return released


def _can_clear(witness: Origin, doubt: Suspicion) -> bool:
    """Whether hearing a witness would show that a silence is the provider's own."""
    proof = Proof(origin=witness, named=witness.is_named, at=doubt.since)
    return not witness.is_related(doubt.origin) and proof.clears(doubt.kind)


def _clears(proof: Proof, doubt: Suspicion) -> bool:
    return proof.at >= doubt.since and proof.clears(doubt.kind)


def _kind_of(witness: Origin) -> Kind:
    """What has to work for a witness to be heard."""
    return Kind(near=witness.is_near, names=witness.is_named)
