"""The `store:` of a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store import StoreError, create_store
from monitor.store._urls import _path


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("relative.db", "relative.db"),
        ("a folder/x%20y.db", "a folder/x%20y.db"),
        ("///var/lib/pw.db", "/var/lib/pw.db"),
        ("////var/lib/pw.db", "/var/lib/pw.db"),
    ],
)
def test_what_follows_two_slashes_is_absolute_as_in_every_url(place: str, path: str) -> None:
    assert _path(place) == Path(path)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "not the address of a store"),
        ("/var/lib/pw.db", "not the address of a store"),
        ("mysql://user:pa55@db/x", "not the address of a store"),
        ("postgresql:user:pa55", "not the address of a store"),
        ("sqlite:", "names no file"),
        ("sqlite://", "names no file"),
        ("sqlite://pw.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:////var/lib/", "names no file"),
        ("sqlite::memory:", "names no file"),
        ("sqlite:/pw.db", "names no file"),
        ("sqlite:///pw.db", "is a file in the root folder"),
        ("sqlite:pw.db?mode=ro", "takes no options"),
    ],
)
def test_what_names_no_store_is_refused_in_one_line_without_its_password(url: str, what: str) -> None:
    with pytest.raises(StoreError, match=what) as refusal:
        create_store(url)
    message = str(refusal.value)
    assert "sqlite:///absolute/path.db" in message
    assert "\n" not in message
    assert "pa55" not in message
