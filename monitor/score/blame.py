"""The blame of a failed probe: the published table, and the overrides of the configuration. Pure.

Overrides apply wherever samples are read, stored samples included. So a changed override changes past results, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from probes._model import Blame, ErrorClass, Sample

BlameOverrides: TypeAlias = Mapping[ErrorClass, Blame]
"""Error classes whose blame differs from the published table."""


def blame_of(error: ErrorClass, blame_overrides: BlameOverrides) -> Blame:
    """The blame of an error class under these overrides."""
    return blame_overrides.get(error, error.blame)


def blamed(sample: Sample, blame_overrides: BlameOverrides) -> Sample:
    """The sample with the blame that its error class has under these overrides."""
    blame = None if sample.error is None else blame_of(sample.error, blame_overrides)
    return sample if blame is sample.blame else replace(sample, blame=blame)
