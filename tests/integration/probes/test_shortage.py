"""A missing resource or permission on this machine is the monitor's fault and never the provider's."""

from __future__ import annotations

import pytest

from probes._model import Blame, ErrorClass, Sample
from tests.integration.probes.asking import probe_elsewhere, run_to
from tests.integration.probes.provider import STREAM, Act, head, serving


def short_of(of: str, value: str, host: str = "127.0.0.1") -> Sample:
    """The sample of a probe of a healthy provider, made by a process that is short of something."""
    with serving(Act.ASKED, head(), STREAM, host=host) as provider:
        (sample,) = probe_elsewhere(run_to(provider.base_url), module="short_machine", arguments=(of, value))
    return sample


@pytest.mark.parametrize(("call", "error"), [("socket", "ENFILE"), ("connect", "EADDRNOTAVAIL"), ("connect", "EPERM")])
def test_an_error_that_only_this_machine_gives_is_internal(call: str, error: str) -> None:
    sample = short_of(call, error)
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert sample.detail is not None
    assert sample.detail.startswith("connecting to 127.0.0.1:")
    assert "this machine" in sample.detail


def test_without_file_descriptors_a_name_cannot_be_looked_up_nor_a_connection_made() -> None:
    sample = short_of("descriptors", "0", host="localhost")
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert "raise its limit of open files" in (sample.detail or "")


def test_without_a_thread_for_the_resolver_a_probe_is_internal() -> None:
    sample = short_of("clone", "EAGAIN", host="localhost")
    assert (sample.error, sample.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert "cannot start another thread" in (sample.detail or "")
