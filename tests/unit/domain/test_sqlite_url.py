"""Which file a `sqlite:` URL names."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.domain.sqlite_url import SqliteUrlError, sqlite_path


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("///var/lib/pw.db", "/var/lib/pw.db"),
        ("////var/lib/pw.db", "/var/lib/pw.db"),
        ("pw.db", "pw.db"),
        ("a/b", "a/b"),
    ],
)
def test_a_path_is_absolute_behind_an_empty_host_or_else_relative(place: str, path: str) -> None:
    assert sqlite_path(place) == Path(path)


@pytest.mark.parametrize("place", ["", "//", "//pw.db", "///", "////var/lib/", ":memory:", "/pw.db", "a/"])
def test_what_names_no_file_is_refused(place: str) -> None:
    with pytest.raises(SqliteUrlError, match=r"^names no file$"):
        sqlite_path(place)


def test_a_file_in_the_root_folder_is_refused() -> None:
    with pytest.raises(SqliteUrlError, match=r"^is a file in the root folder$"):
        sqlite_path("///pw.db")
