"""Words that documentation, comments and messages avoid, and what to write in their place.

    python .ci/prose.py [FILE …]

Without files: README, CONTRIBUTING, SECURITY, docs/, and the Python files that git lists, except migrations. Of a
Python file the check reads docstrings, comments and strings of two words or more: messages, help texts, descriptions.
Of a test it reads docstrings, comments and the names of tests, because the strings of a test are often input.

The reader is on call, at night, and reads English as a second language: field nouns, active voice, the subject named,
no riddles, no personification.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
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
    r"(this place's|(at|from|in|of) this place)": "the local network, this machine, the monitor",
    # Programs are no persons.
    r"(talks?|talked|talking|speaks?|spoke|hears?|heard)": "sends, uses, receives, answers",
    r"(knows? nothing|doubt(s|ed)|suspects?|flatters?|excuses? nobody)": "say what the program computes or does",
    r"nonsense": "an invalid message",
    r"a nuisance": "say what is sent, and how often",
    r"(changed?|changes|changing) (its|their) minds?": "changes its decision, or: changed between usable and unusable",
    r"takes? no notice": "ignores",
    # A default is a value.
    r"if not written": "Default: …",
    r"(what|nothing|all) (is|was) known of": "the state of, the belief about, without a sample",
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


def _pattern(words: str) -> re.Pattern[str]:
    """Whole words, also across lines of text or of comments."""
    return re.compile(rf"\b{words}\b".replace(" ", r"[\s#]+"), re.IGNORECASE)


ANY = _pattern(f"({'|'.join(INSTEAD_OF)})")
STRING_PREFIX = re.compile(r"\b[rRfFbB]{1,2}(?=\")")
NO_WORD = re.compile(r"(?:[^\w']|_)+")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)[^`].*?\1", re.DOTALL)
TARGET = re.compile(r"\]\([^)]*\)|<[^>]*>")
FOLDERS = ("monitor", "probes", "benchmarks", ".ci", "tests")
# Migrations and the change log are never changed once released; this file and its test list the words.
EXCEPTED = re.compile(
    r"monitor/store/migrations/versions/|CHANGELOG\.md$|\.ci/prose\.py$|tests/unit/docs/test_language\.py$"
)
Piece = tuple[int, str]  # the line on which the text begins, and the text


def mistakes(name: str, text: str) -> Iterator[str]:
    """What to write otherwise, as `file:line: …`."""
    if not ANY.search(NO_WORD.sub(" ", STRING_PREFIX.sub("", text))):  # quick: few files have one anywhere
        return
    pieces = python_pieces(text, is_test="tests" in Path(name).parts) if name.endswith(".py") else [(1, text)]
    for first_line, piece in pieces:
        if not ANY.search(piece):
            continue
        prose = piece
        for code in (FENCE, CODE, TARGET):
            prose = code.sub(_blank, prose)
        for words, instead in INSTEAD_OF.items():
            for found in _pattern(words).finditer(prose):
                line = first_line + prose.count("\n", 0, found.start())
                yield f"{name}:{line}: {' '.join(found[0].replace('#', ' ').split())!r}; write: {instead}"


def _blank(found: re.Match[str]) -> str:
    """As many lines and characters, without a word."""
    return re.sub(r"[^\n]", " ", found[0])


def python_pieces(source: str, *, is_test: bool) -> Iterator[Piece]:
    """The texts of a Python file that a person reads."""
    tree = ast.parse(source)
    yield from _comments(source)
    yield from _docstrings(tree)
    yield from _test_names(tree) if is_test else _strings(tree)


def _comments(source: str) -> Iterator[Piece]:
    """Comments, those on consecutive lines as one text."""
    block, first, last = list[str](), 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            yield first, "\n".join(block)
            block, first = [], token.start[0]
        block.append(token.string)
        last = token.start[0]
    yield first, "\n".join(block)


def _docstrings(tree: ast.Module) -> Iterator[Piece]:
    """Strings that are statements: docstrings, also those of fields and constants."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str() as text)):
                yield node.lineno, text


def _strings(node: ast.AST) -> Iterator[Piece]:
    """Strings of two words or more, an f-string as one, docstrings left out: each as one line."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.JoinedStr():
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in child.values)
            case ast.Constant(value=str() as text):
                pass
            case _:
                yield from _strings(child)
                continue
        if " " in text.strip():
            yield child.lineno, text.replace("\n", " ")


def _test_names(tree: ast.Module) -> Iterator[Piece]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")


def pages() -> Iterator[Path]:
    """The files that are checked by default."""
    yield from ROOT.glob("[CRS]*.md")
    yield from (ROOT / "docs").rglob("*.md")
    listed = subprocess.run(["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True)
    yield from (ROOT / name for name in listed.stdout.splitlines() if name.endswith(".py"))


def main() -> int:
    """1 where a word is to be another."""
    named = map(Path, sys.argv[1:]) if sys.argv[1:] else pages()
    checked = sorted(page for page in named if not EXCEPTED.search(page.as_posix()))
    found = [mistake for page in checked if page.exists() for mistake in mistakes(str(page), page.read_text("utf-8"))]
    print("\n".join(found) or f"prose: {len(checked)} files, none of the words that are avoided")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
