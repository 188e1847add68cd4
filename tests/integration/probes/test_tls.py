"""TLS: measured as a separate phase, timed as exactly as plain text, and refused for an invalid certificate."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Mapping

import pytest

from probes._model import Blame, ErrorClass, Run, Sample, Timing
from tests.integration.probes.asking import probe, probe_elsewhere, run_to
from tests.integration.probes.certificates import Certificates
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    DONE,
    ROLE,
    STOP,
    STREAM,
    Act,
    Step,
    black_hole,
    chunk,
    delta,
    head,
    serving,
)

GAP_S = 0.05
SHORT_S = 0.4


def trusted(certificates: Certificates, *runs: Run) -> list[Sample]:
    """Probes made where the tests' own authority is trusted."""
    return probe_elsewhere(*runs, env={"SSL_CERT_FILE": certificates.authority})


def seen(certificates: Certificates, *script: Step, tls: ssl.SSLContext | None = None, **deadlines: float) -> Sample:
    """The sample of one probe over TLS."""
    with serving(*script, tls=tls or certificates.shown("valid"), host="localhost") as provider:
        (sample,) = trusted(certificates, run_to(provider.base_url, **deadlines))
        assert len(provider.visits) == 1
    return sample


def test_a_success_over_tls_is_measured_in_all_its_phases(certificates: Certificates) -> None:
    script = (Act.ASKED, GAP_S, head(), GAP_S, ROLE, GAP_S, delta("1, 2"), GAP_S, delta(", 3"), GAP_S, STOP + DONE)
    sample = seen(certificates, *script)
    assert (sample.error, sample.detail, sample.timing, sample.cold) == (None, None, Timing.KERNEL, True)
    phases = (sample.dns_s, sample.connect_s, sample.tls_s, sample.rtt_s)
    assert [phase for phase in phases if phase is None or phase <= 0] == []
    assert sample.headers_s is not None
    assert sample.ttft_s is not None
    assert sample.e2e_s is not None
    assert sample.headers_s >= GAP_S, "tickets that come before the head are not the head"
    assert sample.headers_s + GAP_S < sample.ttft_s
    assert sample.ttft_s + GAP_S < sample.e2e_s
    assert sample.itl_max_s is not None
    assert GAP_S / 2 < sample.itl_max_s < sample.e2e_s - sample.ttft_s
    assert sample.merged_reads == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head() + STREAM,), id="all in one record"),
        pytest.param((head(headers=CHUNKED), chunk(STREAM), chunk(b"")), id="chunks"),
        pytest.param((head(), ROLE + ANSWER, STOP + DONE, Act.RESET), id="a connection broken after the end"),
    ],
)
def test_an_answer_over_tls_is_read_however_it_comes(
    certificates: Certificates, version: ssl.TLSVersion, script: tuple[Step, ...]
) -> None:
    context = certificates.shown("valid")
    context.maximum_version = version
    sample = seen(certificates, Act.ASKED, *script, tls=context)
    assert (sample.error, sample.timing) == (None, Timing.KERNEL)
    assert sample.headers_s is not None
    assert sample.ttft_s is not None
    assert 0 < sample.headers_s <= sample.ttft_s


def test_text_over_tls_without_proof_of_its_end_is_truncated(certificates: Certificates) -> None:
    assert seen(certificates, Act.ASKED, head(), ANSWER).error is ErrorClass.TRUNCATED
    assert seen(certificates, Act.ASKED, head(), ANSWER, Act.RESET).error is ErrorClass.TRUNCATED
    assert seen(certificates, Act.ASKED).error is ErrorClass.TRUNCATED


def test_silence_over_tls_ends_at_the_deadlines_and_leaves_no_word_behind(certificates: Certificates) -> None:
    """A process that says nothing on standard error, though closing TLS sends once more after the deadline."""
    sample = seen(certificates, Act.ASKED, Act.LEFT, ttft_s=SHORT_S)
    assert (sample.error, sample.status_code) == (ErrorClass.TIMEOUT_TTFT, None)
    assert sample.tls_s is not None
    sample = seen(certificates, Act.ASKED, head(), ROLE, Act.LEFT, ttft_s=SHORT_S)
    assert (sample.error, sample.status_code) == (ErrorClass.TIMEOUT_TTFT, 200)
    sample = seen(certificates, Act.ASKED, head(), ANSWER, Act.LEFT, ttft_s=SHORT_S, total_s=SHORT_S)
    assert sample.error is ErrorClass.STALLED


REFUSED: Mapping[str, str] = {"expired": "has expired", "elsewhere": "ostname mismatch", "self_signed": "self-signed"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_does_not_hold_is_tls(certificates: Certificates, name: str) -> None:
    with serving(Act.ASKED, head(), STREAM, tls=certificates.shown(name), host="localhost") as provider:
        (sample,) = trusted(certificates, run_to(provider.base_url))
        assert [bytes(visit.received) for visit in provider.visits] == [b""], "the key was not sent"
    assert (sample.error, sample.blame) == (ErrorClass.TLS, Blame.PROVIDER)
    assert sample.detail is not None
    assert sample.detail.startswith(f"certificate of localhost:{provider.port} (127.0.0.1) rejected: ")
    assert REFUSED[name] in sample.detail
    assert (sample.status_code, sample.ttft_s, sample.tls_s) == (None, None, None)
    assert sample.connect_s is not None


async def test_a_certificate_of_an_unknown_authority_is_tls(certificates: Certificates) -> None:
    with serving(Act.ASKED, head(), STREAM, tls=certificates.shown("valid"), host="localhost") as provider:
        sample = await probe(provider.base_url)
        assert [bytes(visit.received) for visit in provider.visits] == [b""]
    assert (sample.error, sample.blame) == (ErrorClass.TLS, Blame.PROVIDER)
    assert sample.detail is not None
    assert sample.detail.startswith("certificate of localhost:")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head(), STREAM), id="plain HTTP"),
        pytest.param((b"220 mail.example ESMTP\r\n",), id="mail"),
        pytest.param((), id="the end"),
        pytest.param((Act.RESET,), id="a reset"),
        pytest.param((Act.LEFT,), id="silence"),
        pytest.param((b"\x16\x03\x03", Act.LEFT), id="a handshake that stops"),
    ],
)
async def test_a_peer_without_tls_gives_the_error_class_tls(script: tuple[Step, ...]) -> None:
    with serving(0.05, *script) as provider:
        sample = await probe(provider.base_url.replace("http:", "https:"), ttft_s=SHORT_S)
        assert all(visit.over.wait(5) for visit in provider.visits)
    assert (sample.error, sample.blame) == (ErrorClass.TLS, Blame.PROVIDER)
    assert sample.detail
    assert sample.connect_s is not None
    assert (sample.tls_s, sample.status_code) == (None, None)


async def test_plain_text_to_a_tls_port_is_a_failure(certificates: Certificates) -> None:
    with serving(Act.ASKED, head(), STREAM, tls=certificates.shown("valid")) as provider:
        sample = await probe(provider.base_url.replace("https:", "http:"))
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}
    assert sample.blame is Blame.PROVIDER


async def test_an_old_version_of_tls_is_refused(certificates: Certificates) -> None:
    context = certificates.shown("valid")
    context.set_ciphers("@SECLEVEL=0:ALL")
    with pytest.deprecated_call():
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(Act.ASKED, head(), STREAM, tls=context, host="localhost") as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.TLS


async def test_an_address_that_never_answers_is_connect_not_tls() -> None:
    with black_hole() as base_url:
        sample = await probe(base_url.replace("http:", "https:"), ttft_s=SHORT_S)
    assert sample.error is ErrorClass.CONNECT
    gc.collect()
