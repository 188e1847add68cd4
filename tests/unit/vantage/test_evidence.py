"""The evidence of a sample about the network: an answer, a missing answer, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from monitor.vantage.evidence import EvidenceKind, Proof, excused, proof_in, suspicion_in
from probes._model import Blame, ErrorClass, Sample
from tests.unit.score.values import after, make_sample
from tests.unit.vantage.values import CANARY, NEAR, P, fell_silent, spoke, unheard

NOW = after(0)
SILENCES = {ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT, ErrorClass.TIMEOUT_TOTAL}


def heard_at(sample: Sample, at: datetime = NOW) -> datetime | None:
    proof = proof_in(sample, P, at)
    return None if proof is None else proof.at


def since(sample: Sample, at: datetime = NOW) -> datetime | None:
    suspicion = suspicion_in(sample, P, at)
    return None if suspicion is None else suspicion.since


@pytest.mark.parametrize("error", ErrorClass)
def test_without_a_connection_these_classes_are_silence_since_the_probe_began(error: ErrorClass) -> None:
    sample = unheard(0, error=error)
    assert (since(sample), heard_at(sample)) == (after(-10) if error in SILENCES else None, None)


@pytest.mark.parametrize("error", ErrorClass)
def test_with_a_connection_these_errors_are_a_missing_answer_after_an_earlier_one(error: ErrorClass) -> None:
    sample = fell_silent(0, headers_s=2.0)
    sample = replace(sample, error=error)
    silent = error in {ErrorClass.TIMEOUT_TTFT, ErrorClass.STALLED}
    assert (since(sample), heard_at(sample)) == (NOW if silent else None, after(-8))


@pytest.mark.parametrize(
    ("figures", "heard_s"),
    [
        ({"connect_s": 0.1}, 0.0),
        ({"connect_s": None, "cold": False}, None),
        ({"connect_s": None, "cold": False, "headers_s": 0.5}, 0.5),
        ({"connect_s": 0.1, "headers_s": 0.5}, 0.5),
        ({"connect_s": 0.1, "headers_s": 0.5, "ttft_s": 1.5}, 1.5),
        ({"connect_s": 0.1, "headers_s": 0.5, "ttft_s": 1.5, "ttat_s": 2.0}, 2.0),
        ({"connect_s": 0.1, "headers_s": 0.5, "ttft_s": 1.5, "ttat_s": 2.0, "e2e_s": 4.0}, 4.0),
    ],
)
def test_a_provider_answered_at_the_last_measured_time(figures: dict[str, float], heard_s: float | None) -> None:
    """Not when the sample arrived: the network may have failed while the probe waited, or a reused connection did."""
    expected = None if heard_s is None else after(heard_s - 10)
    assert heard_at(make_sample(after(-10), ErrorClass.SERVER_ERROR, **figures)) == expected


def test_no_answer_and_no_missing_answer_is_in_the_future() -> None:
    """A wall clock that was set back makes such samples."""
    assert heard_at(spoke(3600)) == NOW
    assert since(unheard(3600)) == NOW


def test_a_refusal_is_neither_silence_nor_proof() -> None:
    sample = unheard(0, rtt_s=0.02)
    assert (since(sample), heard_at(sample)) == (None, None)


def test_a_missing_answer_records_whether_the_machine_answered_at_all() -> None:
    found = [suspicion_in(sample, P, NOW) for sample in (unheard(0), fell_silent(0))]
    assert [each.unheard for each in found if each] == [True, False]


@pytest.mark.parametrize("error", [ErrorClass.DNS, ErrorClass.CONNECT])
def test_only_a_name_without_an_address_needs_name_resolution(error: ErrorClass) -> None:
    suspicions = [suspicion_in(unheard(0, error=error), origin, NOW) for origin in (P, NEAR)]
    names = error is ErrorClass.DNS
    assert [suspicion.kind for suspicion in suspicions if suspicion] == [
        EvidenceKind(near=False, names=names),
        EvidenceKind(near=True, names=names),
    ]


@pytest.mark.parametrize(
    ("named", "clears"),
    [
        (True, {"far", "far names", "near", "near names"}),
        (False, {"far", "near"}),
    ],
)
def test_a_far_origin_shows_everything_except_name_resolution_that_it_did_not_use(
    named: bool, clears: set[str]
) -> None:
    assert cleared(Proof(origin=P, named=named, at=NOW)) == clears


def test_who_is_near_shows_nothing_of_the_way_out() -> None:
    assert cleared(Proof(origin=NEAR, named=True, at=NOW)) == {"near", "near names"}


def cleared(proof: Proof) -> set[str]:
    kinds = {
        "far": EvidenceKind(near=False, names=False),
        "far names": EvidenceKind(near=False, names=True),
        "near": EvidenceKind(near=True, names=False),
        "near names": EvidenceKind(near=True, names=True),
    }
    return {name for name, kind in kinds.items() if proof.clears(kind)}


def test_a_name_counts_as_resolved_where_resolving_was_timed() -> None:
    proofs = [proof_in(spoke(0, dns_s=dns_s), CANARY, NOW) for dns_s in (0.1, None)]
    assert [proof.named for proof in proofs if proof] == [True, False]


def test_an_excused_sample_keeps_what_it_seemed_to_be_and_what_was_measured() -> None:
    seemed = fell_silent(0, detail="no answer to the request")
    sample = excused(seemed)
    assert sample == replace(
        seemed,
        error=ErrorClass.VANTAGE_OFFLINE,
        blame=Blame.NETWORK,
        detail="the local network was offline (timeout_ttft: no answer to the request)",
    )


def test_an_excuse_is_short_also_where_the_words_were_long_or_none() -> None:
    assert excused(unheard(0, detail=None)).detail == "the local network was offline (connect)"
    assert len(excused(unheard(0, detail="x" * 200)).detail or "") == 200
