"""Words that the documentation avoids, and what to write in their place. Code is not looked at.

    python .ci/prose.py [FILE …]

Without files: README, CONTRIBUTING, SECURITY and docs/. The reader is on call, at night, and reads English as a second
language: field nouns, active voice, the subject named, no riddles, no personification.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTEAD_OF = {
    # The subject is not named.
    r"nobody": "name the subject: no client, no endpoint, no host",
    r"(somebody|someone|anybody|whoever)": "name the subject: a client, the operator, another host",
    r"(is|are|was|were|be|been) told": "gets, receives, is configured; or the active voice",
    r"tells? (of|that|how|when|whether|what)": "describes, says, logs, is the number of",
    r"the same of": "the same for, or the thing itself",
    r"this place('s)?": "the local network, this machine, the monitor",
    # Programs are no persons.
    r"(talks?|talked|talking|speaks?|spoke|hears?|heard)": "sends, uses, receives, answers",
    r"(knows? nothing|doubt(s|ed)|suspects?|flatters?|excuses? nobody)": "say what the program computes or does",
    r"nonsense": "an invalid message",
    r"a nuisance": "say what is sent, and how often",
    # Headings that were riddles.
    r"they or us": "Local network failures",
    r"(is|are|be) left alone": "is not probed, is not changed, waits",
    r"whose fault": "Blame",
    r"kept by readers": "Caching",
    r"what is usual": "Baselines, or: is usual",
    # Words of this project alone, and what the field says.
    r"tidy(ing)?": "housekeeping",
    r"habits?": "baseline",
    r"unfit": "unreliable",
    r"made[- ]up": "simulated, or: an example",
    r"(probing|prober) process(es)?": "worker process",
    r"piecemeal": "poison queue",
    r"respites?": "Retry-After",
    r"(lookouts?)": "network gate",
    r"witness(es)?": "another host",
    r"dockets?": "incident tracker",
    r"outlooks?": "belief about the provider",
    r"(sidebyside|entrance|shelf|intake|offerings?|standing)": "see the folders in README",
}
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)[^`].*?\1", re.DOTALL)
TARGET = re.compile(r"\]\([^)]*\)|<[^>]*>")


def mistakes(name: str, text: str) -> Iterator[str]:
    """What to write otherwise, as `file:line: …`."""
    prose = text
    for code in (FENCE, CODE, TARGET):
        prose = code.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), prose)
    for words, instead in INSTEAD_OF.items():
        for found in re.finditer(rf"\b{words}\b".replace(" ", r"\s+"), prose, re.IGNORECASE):
            line = prose.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: {' '.join(found[0].split())!r}; write: {instead}"


def main() -> int:
    """1 where a word is to be another."""
    named = [Path(name) for name in sys.argv[1:]]
    pages = named or [*ROOT.glob("[CRS]*.md"), *(ROOT / "docs").rglob("*.md")]
    pages = [page for page in pages if page.name != "CHANGELOG.md"]
    found = [each for page in sorted(pages) for each in mistakes(str(page), page.read_text(encoding="utf-8"))]
    print("\n".join(found) or f"prose: {len(pages)} pages, none of the words that are avoided")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
