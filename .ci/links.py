"""Every relative link in the repository's Markdown leads to a file, and every anchor to a heading. No network.

    python .ci/links.py [FILE …]

Without files: all Markdown files that git knows. Headings are named as GitHub names them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
FOREIGN = re.compile(r"^(https?|mailto):")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", re.MULTILINE)
ANCHOR = re.compile(r"<a id=\"([\w-]+)\"")


def mistakes(page: Path) -> Iterator[str]:
    """What is wrong with the links of a page, as `file:line: what`."""
    text = page.read_text(encoding="utf-8")
    prose = CODE.sub(_blank, FENCE.sub(_blank, text))
    for found in LINK.finditer(prose):
        wrong = _wrong(page, found[1])
        if wrong is not None:
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.relative_to(ROOT) if page.is_relative_to(ROOT) else page}:{line}: {found[1]}: {wrong}"


def _blank(found: re.Match[str]) -> str:
    """As many lines and characters, without a word."""
    return re.sub(r"[^\n]", " ", found[0])


def _wrong(page: Path, target: str) -> str | None:
    if FOREIGN.match(target):
        return None
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return "there is no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
        return "there is no such heading"
    return None


def anchors(text: str) -> set[str]:
    """The names of a page's headings, the second of two equal ones with `-1`, and the anchors written by hand."""
    prose, names = FENCE.sub(_blank, text), list[str]()
    for heading in HEADING.findall(prose):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        names.append(f"{name}-{count}" if (count := names.count(name)) else name)
    return {*names, *ANCHOR.findall(prose)}


def _known() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).exists()]


def main() -> int:
    """1 where a link is broken."""
    pages = [Path(name).resolve() for name in sys.argv[1:]] or _known()
    found = [mistake for page in pages for mistake in mistakes(page)]
    print("\n".join(found) or f"links: {len(pages)} pages, all links lead somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
