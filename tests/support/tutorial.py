"""Pages of `docs/` that add something to the project: their files, and the commands that they show."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: Path) -> dict[str, str]:
    """The files of a page, by name."""
    return dict(_FILE.findall(page.read_text()))


def shown_by(page: Path) -> list[tuple[str, str]]:
    """The commands of a page, and what each prints."""
    blocks = "".join(_CONSOLE.findall(page.read_text()))
    shown = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", blocks, re.MULTILINE)
    return [(command, output) for command, output in shown]


def grow(tree: Path, page: Path, change: Callable[[str], str] = str) -> None:
    """Lay out the project as it is, with the files of a page."""
    for folder in ("probes", "monitor", "tests"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for name, content in files_of(page).items():
        assert not (tree / name).exists(), f"{name} is there already"
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(change(content))


def environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree)}


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def in_python(command: str) -> Sequence[str]:
    """A shown command as arguments of Python."""
    first, *rest = command.split()
    match first:
        case "providerwatch":
            return ("-m", "monitor.cli.main", *rest)
        case "pytest":
            return ("-m", "pytest", "-q", "-p", "no:cacheprovider", *rest)
        case _:
            return rest
