"""How wide a text will be, though the viewer's fonts are unknown; texts that fit. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

SIZE: Final = 11
"""The font size of every text in a chart, in pixels; `svg text` in the sheet says the same."""
ASCENT: Final = 9
DESCENT: Final = 3
LINE: Final = 13
"""The distance of the baselines of two texts one above the other."""
_ADVANCES: Final[Mapping[int, str]] = {
    275: "'",
    278: "ijl",
    295: "IJ",
    318: " ,.·",
    337: "/:;\\|",
    355: "f-",
    390: "()[]t!",
    411: "r",
    460: '"',
    500: "*_`\N{EN DASH}",
    523: "sz?",
    553: "cL",
    577: "Fk",
    592: "vxy",
    611: "PTYoa",
    615: "e",
    635: "hnuESbdgpq$0123456789{}µ",
    656: "K",
    685: "AVXZB",
    697: "RC",
    732: "U",
    750: "NH",
    772: "DG&",
    787: "OQ",
    818: "w",
    838: "#+<=>^~\N{MULTIPLICATION SIGN}",
    863: "M",
    974: "m%",
    995: "W@",
}
"""Characters by width in thousandths of the font size, for DejaVu Sans: the widest of the usual interface fonts."""
_WIDTHS: Final = {letter: width for width, letters in _ADVANCES.items() for letter in letters}
_OTHER: Final = 1000
_PICTURE: Final = 1300
_ELLIPSIS: Final = "…"
_ROUNDING: Final = 1e-6
"""Room that was computed from a text's own width holds it."""


@lru_cache(maxsize=8192)
def text_width(text: str) -> float:
    """The estimated width in pixels; rather too wide than too narrow."""
    return sum(_advance(letter) for letter in text) * SIZE / 1000


def fit(text: str, width: float) -> str:
    """The text, or as much of its beginning as fits into `width` pixels, with an ellipsis. Empty if nothing fits."""
    width += _ROUNDING
    if text_width(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle] + _ELLIPSIS) <= width else (low, middle - 1)
    return text[:low].rstrip() + _ELLIPSIS if low else ""


@lru_cache(maxsize=4096)
def _advance(letter: str) -> int:
    known = _WIDTHS.get(letter)
    if known is not None:
        return known
    base = _WIDTHS.get(unicodedata.normalize("NFD", letter)[0])
    if base is not None:
        return base
    if unicodedata.combining(letter):
        return 0
    wide = unicodedata.east_asian_width(letter) in "WF"
    return _PICTURE if wide and unicodedata.category(letter) == "So" else _OTHER
