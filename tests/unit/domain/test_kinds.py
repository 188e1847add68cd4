"""Kinds of sinks and formats in the configuration: our own modules, and those of third parties."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.domain.kinds import Kinds
from monitor.sinks import SINKS, SinkOptions
from monitor.sinks.ndjson import Ndjson

MODULE = """\
from monitor.sinks import SinkOptions


class Theirs(SinkOptions):
    def create(self, name, origins):
        raise NotImplementedError
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Python packages, one of which registers `their-sink` and `empty-sink`."""
    monkeypatch.syspath_prepend(tmp_path)
    metadata = tmp_path / "their_kinds-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-kinds\nVersion: 1.0\n")
    registered = "[providerwatch.sinks]\ntheir-sink = their_kind\nempty-sink = their_empty_kind\n"
    (metadata / "entry_points.txt").write_text(registered)
    (tmp_path / "their_kind.py").write_text(MODULE)
    (tmp_path / "their_empty_kind.py").write_text("from monitor.sinks import SinkOptions\n")
    return tmp_path


def test_our_own_are_the_modules_without_an_underscore() -> None:
    assert SINKS.own() == ("influx", "ndjson")
    assert list(SINKS) == ["influx", "ndjson"]
    assert len(SINKS) == 2
    assert SINKS["ndjson"] is Ndjson


def test_a_name_has_a_hyphen_where_its_file_has_an_underscore() -> None:
    stores = Kinds("monitor.web", "no.such.group", lambda: SinkOptions)
    assert "rate-limit" in stores.own()


def test_an_unknown_kind_is_missing() -> None:
    assert "kafka" not in SINKS
    assert SINKS.get("kafka") is None


@pytest.mark.usefixtures("theirs")
def test_a_third_party_registers_a_kind() -> None:
    assert list(SINKS) == ["empty-sink", "influx", "ndjson", "their-sink"]
    assert SINKS["their-sink"].__name__ == "Theirs"


@pytest.mark.usefixtures("theirs")
def test_a_module_without_a_class_of_its_own_says_so() -> None:
    with pytest.raises(TypeError, match="their_empty_kind must hold one subclass of SinkOptions, and holds 0"):
        SINKS["empty-sink"]
