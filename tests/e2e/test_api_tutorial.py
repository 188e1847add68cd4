"""The tutorial for a new wire API works: its files are taken from the page and tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.tutorial import ROOT, files_of, grow, run

PAGE = ROOT / "docs" / "adding-an-api.md"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is, with the tutorial's files added."""
    tree = tmp_path_factory.mktemp("tutorial")
    grow(tree, PAGE)
    return tree


@pytest.mark.slow
def test_a_made_up_api_of_one_file_and_recordings_passes_the_contract_suite(tree: Path) -> None:
    added = {name for name in files_of(PAGE) if name.startswith(("probes/", "monitor/"))}
    assert added == {"probes/acme_talk.py"}
    written = run(tree, "write_recordings.py")
    assert written.returncode == 0, written.stderr
    proved = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "acme_talk")
    assert proved.returncode == 0, proved.stdout[-4000:]
    assert int(re.findall(r"(\d+) passed", proved.stdout)[0]) > 100
    whole = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/test_purity.py")
    assert whole.returncode == 0, whole.stdout[-4000:]


def test_the_tutorials_configuration_is_accepted(tree: Path) -> None:
    checked = run(tree, "-m", "monitor.cli.main", "check")
    assert checked.returncode == 0
    assert all("warning: " in line for line in checked.stderr.splitlines())
    assert checked.stdout in PAGE.read_text()


@pytest.mark.slow
def test_the_tutorials_code_is_formatted_and_typed_as_the_projects_own(tree: Path) -> None:
    for command in (("ruff", "format", "--check", "probes"), ("ruff", "check", "probes"), ("mypy", "probes")):
        done = run(tree, "-m", *command)
        assert done.returncode == 0, done.stdout
