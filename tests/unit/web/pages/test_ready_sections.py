"""Ready sections of a page: they stand where their marks are, plain and gzipped, and no text can make a mark."""

from __future__ import annotations

import gzip

from markupsafe import escape

from monitor.scoreboard.compression import packed_section
from monitor.web.pages.rendering import page_document

MARK = "<!-- charts -->"
SECTIONS = {MARK: packed_section("<svg>ü</svg>".encode())}


def test_a_section_replaces_its_mark_in_both_encodings() -> None:
    document = page_document(f"<p>before</p>{MARK}<p>after</p>", SECTIONS)
    assert document.plain.body.decode() == "<p>before</p><svg>ü</svg><p>after</p>"
    assert document.gzipped is not None
    assert gzip.decompress(document.gzipped.body) == document.plain.body


def test_a_page_without_the_mark_is_a_page_as_any_other() -> None:
    assert page_document("<p>text</p>", SECTIONS).plain.body == page_document("<p>text</p>").plain.body


def test_an_escaped_text_is_no_mark() -> None:
    document = page_document(f"<p>{escape(MARK)}</p>", SECTIONS)
    assert b"<svg>" not in document.plain.body
