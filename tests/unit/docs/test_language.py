"""The checks of `make lint` on documentation, comments and messages find the mistakes that they are for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

CI = Path(__file__).parents[3] / ".ci"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ci_{name}", CI / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROSE, LINKS, SITE = script("prose"), script("links"), script("docs_site")


@pytest.mark.parametrize(
    "text",
    [
        "Slow clients hold up nobody.",
        "A client is\ntold the newest rows.",
        "## They or us",
        "the probing process ended",
    ],
)
def test_a_word_that_is_avoided_is_found_with_its_line(text: str) -> None:
    (mistake,) = PROSE.mistakes("page.md", f"\n{text}\n")
    assert mistake.startswith("page.md:2: ")


@pytest.mark.parametrize("text", ["`nobody`", "```\nnobody\n```", "[a page](they-or-us.md)", "the user of that name"])
def test_code_and_targets_are_not_prose(text: str) -> None:
    assert list(PROSE.mistakes("page.md", text)) == []


SOURCE = '''"""Nobody reads
of this place."""

log.info(
    f"{name}: the worker talks "
    "nonsense"
)
raise ValueError("nobody")  # one word is an identifier, and nobody
whoever = 1
"""Whoever reads."""
# The store is
# told the newest.
def test_nobody_is_told(): ...
'''


def found_in(name: str) -> list[tuple[int, str]]:
    """Line and words of each mistake in `SOURCE`."""
    found = (mistake.split(":", 2) for mistake in PROSE.mistakes(name, SOURCE))
    return sorted((int(line), words.split("'")[1].lower()) for _, line, words in found)


def test_of_a_python_file_docstrings_comments_and_messages_are_checked() -> None:
    assert found_in("monitor/a.py") == [
        (1, "nobody"),
        (2, "of this place"),
        (5, "nonsense"),
        (5, "talks"),
        (8, "nobody"),
        (10, "whoever"),
        (11, "is told"),
    ]


def test_of_a_test_the_names_are_checked_and_not_its_input() -> None:
    assert found_in("tests/unit/test_a.py") == [
        (1, "nobody"),
        (2, "of this place"),
        (8, "nobody"),
        (10, "whoever"),
        (11, "is told"),
        (13, "is told"),
        (13, "nobody"),
    ]


def test_a_link_to_nowhere_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text('# A `title`, with words\n\n## Twice\n\n## Twice\n\n<a id="by-hand"></a>\n')
    page = tmp_path / "a.md"
    good = "[a](b.md) [a](b.md#a-title-with-words) [a](b.md#twice-1) [a](b.md#by-hand) [a](https://x.test/none)"
    page.write_text(f"{good}\n```\n[no](link)\n```\n`[no](link)`\n[a](c.md)\n[a](b.md#gone)\n[a](#gone)\n")
    found = [mistake.rpartition("a.md:")[2] for mistake in LINKS.mistakes(page)]
    assert found == [
        "6: c.md: there is no such file",
        "7: b.md#gone: there is no such heading",
        "8: #gone: there is no such heading",
    ]


def test_a_link_out_of_the_documentation_becomes_a_name_on_the_site() -> None:
    page = CI.parent / "docs" / "history.md"
    text = (
        "([measured](../benchmarks/README.md)), [`config/x`](../config/x), [http](http.md#limits), ![b](images/b.svg)"
    )
    assert SITE.staged(page, text) == (
        "(measured (`benchmarks/README.md`)), `config/x`, [http](http.md#limits), ![b](images/b.svg)"
    )
