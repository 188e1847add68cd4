"""Whose fault a failed probe is: the published table, and what the configuration moved in it. Pure.

What was moved holds wherever samples are read, stored ones too, so a change of it is a change of the past as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from probes._model import Blame, ErrorClass, Sample

BlameOverrides: TypeAlias = Mapping[ErrorClass, Blame]
"""The classes whose blame is another than the table's."""


def blame_of(error: ErrorClass, blame_overrides: BlameOverrides) -> Blame:
    """Whose fault a class is here."""
    return blame_overrides.get(error, error.blame)


def blamed(sample: Sample, blame_overrides: BlameOverrides) -> Sample:
    """The sample with the blame that its class has here."""
    blame = None if sample.error is None else blame_of(sample.error, blame_overrides)
    return sample if blame is sample.blame else replace(sample, blame=blame)
