"""For all samples in all orders: no sample is lost or waits for long, and none is excluded against the evidence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from monitor.vantage.attribution import HOLD, Vantage
from monitor.vantage.evidence import CheckResult, OriginCheck, excused, proof_in
from probes._model import ErrorClass, Sample
from tests.unit.score.values import after, make_sample, unhurried
from tests.unit.vantage.values import CANARY, NAMED_CANARY, NEAR, ORIGINS, fell_silent, spoke, unheard

ALL = {**ORIGINS, "gpu:one": NEAR}
ENDPOINTS = (*ALL, "local:one")
BOUND_S = HOLD.total_seconds()


@dataclass(frozen=True)
class Arrival:
    """A sample comes."""

    sample: Sample


@dataclass(frozen=True)
class Asking:
    """Others are asked; the answers come after a while, and meanwhile more may happen."""

    answers: tuple[CheckResult, ...]


@dataclass(frozen=True)
class Answers:
    """The answers to the last asking come."""


@dataclass(frozen=True)
class Leap:
    """The wall clock was stepped; how far makes no difference."""


Step: TypeAlias = Arrival | Asking | Answers | Leap

SAMPLES = st.one_of(
    st.builds(lambda name, s: spoke(-s, name), st.sampled_from(ENDPOINTS), st.floats(0, 15)),
    st.builds(
        lambda name, error, s, **fields: unheard(-s, name, error, **fields),
        st.sampled_from(ENDPOINTS),
        st.sampled_from([ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT]),
        st.floats(0, 15),
        rtt_s=st.sampled_from([None, None, None, 0.1]),
    ),
    st.builds(lambda name: fell_silent(0, name), st.sampled_from(ENDPOINTS)),
    st.builds(
        lambda name, error: make_sample(after(0), error, endpoint=name, lag_s=None),
        st.sampled_from(ENDPOINTS),
        st.sampled_from([ErrorClass.OVERRUN, ErrorClass.CANCELLED, ErrorClass.AUTH]),
    ),
)
STEPS = st.tuples(
    st.floats(0, 15),
    st.one_of(
        st.builds(Arrival, SAMPLES),
        st.builds(Arrival, SAMPLES),
        st.builds(Asking, st.lists(st.sampled_from(CheckResult), min_size=8, max_size=8).map(tuple)),
        st.builds(Answers),
        st.builds(Leap),
    ),
)


@dataclass
class History:
    """What went in and what came out, with the second of each."""

    vantage: Vantage
    now_s: float = 0.0
    arrived: dict[str, Sample] = field(default_factory=dict)
    arrived_s: dict[str, float] = field(default_factory=dict)
    left: list[Sample] = field(default_factory=list)
    left_s: dict[str, float] = field(default_factory=dict)
    replies: tuple[OriginCheck, ...] | None = None
    offline_s: list[tuple[float, float]] = field(default_factory=list)
    """The spans in which the vantage was held for offline."""

    def follow(self, after_s: float, step: Step) -> None:
        if not self.vantage.online:
            self.offline_s.append((self.now_s, self.now_s + after_s))
        self.wait(after_s)
        match step:
            case Arrival(sample):
                self.come(sample)
            case Asking(answers) if self.replies is None:
                asked = self.vantage.origins_to_check(after(self.now_s))
                self.replies = tuple(
                    OriginCheck(origin=origin, result=result) for origin, result in zip(asked, answers, strict=False)
                )
            case Answers() if self.replies is not None:
                replies, self.replies = self.replies, None
                self.go(self.vantage.take_checks(replies))
            case Leap():
                self.go(self.vantage.clock_stepped(after(self.now_s)))
            case _:
                pass

    def wait(self, seconds: float) -> None:
        """As the gate does: look at the bound every second."""
        for _ in range(int(seconds)):
            self.now_s += 1
            self.go(self.vantage.tick(after(self.now_s)))
        self.now_s += seconds - int(seconds)

    def come(self, sample: Sample) -> None:
        name = f"{len(self.arrived):016x}"
        began = after(self.now_s) + (sample.started_at - after(0))
        sample = replace(sample, id=name, started_at=began)
        self.arrived[name], self.arrived_s[name] = sample, self.now_s
        self.go(self.vantage.take(sample, after(self.now_s)))

    def was_offline(self, since: datetime, until: datetime) -> bool:
        return any(after(begin) <= until and after(end) >= since for begin, end in self.offline_s)

    def go(self, samples: list[Sample]) -> None:
        self.left += samples
        self.left_s |= {sample.id: self.now_s for sample in samples}


def told(steps: list[tuple[float, Step]], *, canaries: bool) -> History:
    history = History(Vantage(ALL, (CANARY, NAMED_CANARY) if canaries else ()))
    for after_s, step in steps:
        history.follow(after_s, step)
    return history


HISTORIES = st.builds(
    lambda steps, canaries: told(steps, canaries=canaries), st.lists(STEPS, max_size=40), st.booleans()
)


@unhurried
@given(HISTORIES)
def test_no_sample_is_lost_and_none_comes_twice(history: History) -> None:
    history.go(history.vantage.release())
    assert sorted(sample.id for sample in history.left) == sorted(history.arrived)
    assert history.vantage.release() == []


@unhurried
@given(HISTORIES)
def test_samples_of_an_endpoint_leave_in_the_order_of_their_arrival(history: History) -> None:
    history.go(history.vantage.release())
    by_endpoint = defaultdict(list)
    for sample in history.left:
        by_endpoint[sample.endpoint].append(sample.id)
    assert all(ids == sorted(ids) for ids in by_endpoint.values())


@unhurried
@given(HISTORIES)
def test_whatever_is_asked_or_not_every_sample_leaves_within_the_bound(history: History) -> None:
    history.wait(BOUND_S + 1)
    assert history.left_s.keys() == history.arrived.keys()
    waited = [history.left_s[name] - history.arrived_s[name] for name in history.arrived]
    assert all(seconds < BOUND_S + 2 for seconds in waited)


@unhurried
@given(HISTORIES)
def test_a_sample_is_either_as_it_was_or_excused_from_a_silence(history: History) -> None:
    history.go(history.vantage.release())
    silences = {ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT}
    for sample in history.left:
        original = history.arrived[sample.id]
        assert sample == original or (original.error in silences and sample == excused(original))
        assert sample == original or sample.endpoint in ALL


@unhurried
@given(HISTORIES)
def test_a_failure_with_another_answer_is_excluded_only_if_it_began_in_an_outage(history: History) -> None:
    """Answers of far origins by name, which show that everything works, and are known at the time of the verdict."""
    heard = [
        (history.arrived_s[sample.id], proof.at)
        for sample in history.arrived.values()
        if (origin := ORIGINS.get(sample.endpoint)) is not None
        and (proof := proof_in(sample, origin, after(history.arrived_s[sample.id]))) is not None
        and proof.named
    ]
    for sample in history.left:
        if sample.error is ErrorClass.VANTAGE_OFFLINE:
            original, left_s = history.arrived[sample.id], history.left_s[sample.id]
            since = after(history.arrived_s[sample.id]) if original.cold else original.started_at
            against = [at for known_s, at in heard if known_s < left_s and at >= since]
            assert not against or history.was_offline(since, after(left_s))


@unhurried
@given(HISTORIES)
def test_when_everybody_answers_the_vantage_is_online(history: History) -> None:
    history.wait(BOUND_S + 1)
    for endpoint in ORIGINS:
        history.come(spoke(0, endpoint))
    assert history.vantage.online
