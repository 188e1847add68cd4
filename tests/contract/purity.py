"""Finds impure code in source text, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

PURE_NEIGHBOURS = frozenset(
    [
        "_address",
        "_answers",
        "_calls",
        "_chat",
        "_end",
        "_error_object",
        "_errors",
        "_exchange",
        "_finish",
        "_framing",
        "_headers",
        "_json",
        "_loader",
        "_meter",
        "_model",
        "_ports",
        "_serialize",
        "_prompts",
        "_proxy",
        "_quantiles",
        "_sample",
        "_redaction",
        "_secret",
        "_sigv4",
        "_status",
        "_stray",
        "_tokens",
        "_usage",
        "_verdict",
    ]
)
"""Modules of `probes` that touch neither network nor clock. Every other with an underscore may."""
CODEC_LIBRARY = frozenset(
    [
        "__future__",
        "base64",
        "binascii",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "hashlib",
        "hmac",
        "itertools",
        "json",
        "math",
        "re",
        "string",
        "struct",
        "types",
        "typing",
        "urllib.parse",
        "zlib",
    ]
)
"""What a codec may import of the standard library, and nothing of it else."""
CLOCKS_AND_NETWORK = frozenset(
    ["asyncio", "socket", "ssl", "select", "selectors", "time", "sched", "threading", "aiohttp", "http", "urllib"]
)
FOREIGN = frozenset(["monitor", "pydantic", "sqlalchemy", "apscheduler", "prometheus_client"])
"""What no module of `probes` may import, as it is a library of its own."""
_EFFECTS = frozenset(
    ["open", "print", "input", "breakpoint", "eval", "exec", "compile", "globals", "__import__", "__builtins__"]
)
_CLOCK_READINGS = frozenset(["now", "utcnow", "today"])


def imports(source: str) -> set[str]:
    """Full names of all modules that a source imports, wherever in it; of `probes` also what it takes from there."""
    return {name for node in ast.walk(ast.parse(source)) for name in _imported(node)}


def effects(source: str) -> list[str]:
    """Everything in a source that waits, reads a clock, or accesses files or the network, by line."""
    return [
        f"line {node.lineno}: {what}"
        for node in ast.walk(ast.parse(source))
        for what in _effect(node)
        if isinstance(node, ast.stmt | ast.expr)
    ]


def codec_problems(source: str) -> list[str]:
    """Why a source is no codec; empty when it is one."""
    foreign = sorted(name for name in imports(source) if not _is_fit_for_codec(name))
    problems = [f"imports {name}" for name in foreign] + effects(source)
    kinds = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and _is_probe(node)]
    if len(kinds) != 1:
        problems.append(f"{len(kinds)} subclasses of Probe")
    return problems + [f"{kind.name} is not a frozen dataclass" for kind in kinds if not _is_frozen(kind)]


def is_pure_neighbour(name: str) -> bool:
    """Whether a full name is of a pure underscored module of `probes`, or of something in it."""
    return name.startswith("probes.") and name.split(".")[1] in PURE_NEIGHBOURS


def _imported(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module, names, level):
            home = ".".join(filter(None, ["probes" if level else None, module]))
            yield from (f"{home}.{alias.name}" for alias in names) if home == "probes" else (home,)


def _effect(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
            yield "is asynchronous"
        case ast.Global() | ast.Nonlocal():
            yield "keeps state outside of values"
        case ast.Name(name) if name in _EFFECTS:
            yield f"uses {name}"
        case ast.Attribute(_, name) if name in _CLOCK_READINGS:
            yield f"reads a clock: {name}"


def _is_fit_for_codec(name: str) -> bool:
    package = name.partition(".")[0]
    return is_pure_neighbour(name) if package == "probes" else name in CODEC_LIBRARY


def _is_probe(kind: ast.ClassDef) -> bool:
    return any(ast.unparse(parent).rpartition(".")[2] == "Probe" for parent in kind.bases)


def _is_frozen(kind: ast.ClassDef) -> bool:
    return any(
        isinstance(decorator, ast.Call)
        and ast.unparse(decorator.func).rpartition(".")[2] == "dataclass"
        and any(word.arg == "frozen" and ast.unparse(word.value) == "True" for word in decorator.keywords)
        for decorator in kind.decorator_list
    )
