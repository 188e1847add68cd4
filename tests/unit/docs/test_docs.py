"""The pages on APIs match the code."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from monitor.backtest.policies import NAMES
from monitor.backtest.replay import Verdict
from probes._loader import codec_class

DOCS = Path(__file__).parents[3] / "docs"
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", (DOCS / "apis.md").read_text(), re.MULTILINE | re.DOTALL))
CODECS = sorted(path.stem for path in (Path(__file__).parents[3] / "probes").glob("[!_]*.py"))


def test_every_api_has_a_section() -> None:
    assert sorted(SECTIONS) == CODECS


@pytest.mark.parametrize("api", CODECS)
def test_a_section_tells_the_tasks_and_every_option_with_its_default(api: str) -> None:
    kind, section = codec_class(api), SECTIONS[api]
    told = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", section, re.MULTILINE)
    defaults = {None: "omitted", True: "`true`", False: "`false`"}
    options = dataclasses.fields(kind)  # type: ignore[arg-type]  # codecs are dataclasses
    assert told == [
        (
            option.name,
            defaults[option.default]
            if option.default in (None, True, False) and not _number(option.default)
            else f"`{option.default}`",
        )
        for option in options
    ]
    line = next(line for line in section.splitlines() if line.startswith("Tasks: "))
    assert set(re.findall(r"`(\w+)`", line)) == set(kind.tasks)


def _number(value: object) -> bool:
    return type(value) in {int, float}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_page_on_backtests_describes_every_policy_and_every_key_of_its_document() -> None:
    page = (DOCS / "backtest.md").read_text()
    kinds = set(re.findall(r"^\| `(\w+)(?:-[\w.]+)?` \|", page, re.MULTILINE))
    assert kinds == {name.partition("-")[0] for name in NAMES}
    keys = set(re.findall(r"\w+", page.partition("## For programs")[2]))
    assert {field.name for field in dataclasses.fields(Verdict)} - {"bins"} <= keys
