"""Build the documentation as a site in build/site. Without warnings, or it fails.

    python .ci/docs_site.py

Links that leave docs/ are right in the repository and nowhere on the site: there they become the name of the file.
Every page has to be in the navigation, and the site may load nothing from another server.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS, BUILD = ROOT / "docs", ROOT / "build"
STAGED, SITE = BUILD / "docs", BUILD / "site"
SETTINGS = DOCS / "zensical.toml"
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^):#\s]+)(#[\w-]+)?\)")
LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\" >]+)|<link[^>]*stylesheet[^>]* href=\"?(https?:[^\" >]+)"
)


def staged(page: Path, text: str) -> str:
    """The text of a page as it goes onto the site."""

    def on_site(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        if target.is_relative_to(DOCS):
            return link[0]
        name = f"`{target.relative_to(ROOT)}`"
        return name if link[1].strip("`") in name else f"{link[1]} ({name})"

    return LINK.sub(on_site, text)


def pages_of(nav: list[dict[str, object]]) -> Iterator[str]:
    """The pages that a navigation names."""
    for entry in nav:
        for value in entry.values():
            if isinstance(value, list):
                yield from pages_of(value)
            else:
                yield str(value)


def stage() -> None:
    """Copy the pages and the settings to where the site is built."""
    shutil.rmtree(STAGED, ignore_errors=True)
    shutil.copytree(DOCS, STAGED, ignore=shutil.ignore_patterns(SETTINGS.name))
    shutil.copy(SETTINGS, BUILD)
    for page in DOCS.rglob("*.md"):
        text = staged(page, page.read_text(encoding="utf-8"))
        (STAGED / page.relative_to(DOCS)).write_text(text, encoding="utf-8")


def problems() -> Iterator[str]:
    """What is wrong with the built site."""
    nav = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))["project"]["nav"]
    known, named = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}, set(pages_of(nav))
    yield from (f"docs/{name} is not in the navigation of docs/zensical.toml" for name in sorted(known - named))
    yield from (f"docs/zensical.toml names {name}, which is not in docs/" for name in sorted(named - known))
    for page in sorted(SITE.rglob("*.html")):
        for script, style in LOADED.findall(page.read_text(encoding="utf-8")):
            yield f"{page.relative_to(ROOT)} loads {script or style}"


def main() -> int:
    """1 where the site has a fault."""
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    build = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    built = subprocess.run(
        build, cwd=BUILD, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    output = re.sub(r"\x1b\[[0-9;]*m", "", built.stdout + built.stderr)
    if built.returncode or "Warning" in output:
        print(output, file=sys.stderr)
        return 1
    found = list(problems())
    print("\n".join(found) or f"the site is in {SITE.relative_to(ROOT)}: {len(list(SITE.rglob('*.html')))} pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
