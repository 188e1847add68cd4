"""One colour for each provider and each error class, on every panel of every board."""

import colorsys
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

CATALOGUE = Path(__file__).parents[1] / "monitor" / "config" / "catalogue.yaml"
DEMO = ("steady", "slow", "flaky")
GREY = "#808080"
_SHADES = [
    ((hue + 24) % 40 / 40, light, vivid)
    for light in (0.55, 0.38, 0.48, 0.65, 0.75)
    for vivid in (0.85, 0.5)
    for hue in range(40)
]
"""Hue, lightness and saturation of the colours that a provider may have, from blue."""
_DARKEST, _BRIGHTEST = 0.1, 0.5
"""Luminance that is seen on a dark and on a white ground."""

BLAME_COLOURS = {"provider": "#e02f44", "account": "#a352cc", "monitor": GREY, "network": "#5794f2"}
ERROR_COLOURS: Mapping[str, str] = {
    # The provider: red, orange, yellow, brown.
    "dns": "#7a1f1f", "connect": "#b71c1c", "tls": "#d84315", "timeout_ttft": "#ff9830", "timeout_total": "#e0752d",
    "stalled": "#f2cc0c", "overloaded": "#ffee52", "server_error": "#f2495c", "malformed": "#b5651d",
    "truncated": "#ff8f9c", "stream_error": "#e05fa0", "empty": "#8d5a2b", "wrong_answer": "#ffc48a",
    # The account: purple.
    "auth": "#8f3bb8", "payment": "#b877d9", "rate_limited": "#ca95e5", "not_found": "#6f2da8",
    "bad_request": "#9a4fff", "content_filter": "#deb6f2", "geo": "#5c1f87",
    # The monitor: grey. Its network: blue.
    "skipped": "#9fa7b3", "cancelled": "#7b8087", "internal": "#5a5f66", "overrun": "#b8bec6", "budget": "#464c54",
    "tainted": "#d0d5db", "vantage_offline": "#5794f2",
}  # fmt: skip
PHASE_COLOURS = {
    "dns": "#a352cc",
    "connect": "#3274d9",
    "tls": "#8ab8ff",
    "headers": "#ff9830",
    "first token": "#37872d",
    "rest": "#96d98d",
}


def providers(own: Sequence[str] = ()) -> dict[str, str]:
    """The colour of each provider. Those that come first differ most: `own`, then the catalogue's."""
    catalogue = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["providers"]
    names = list(dict.fromkeys((*own, *catalogue, *DEMO)))
    return dict(zip(names, _distinct(len(names)), strict=True))


def _distinct(count: int) -> list[str]:
    """So many colours, each as far as possible from all those before it."""
    shades = [colorsys.hls_to_rgb(*shade) for shade in _SHADES]
    left = [colour for colour in shades if _DARKEST <= _luminance(colour) <= _BRIGHTEST]
    found = [left.pop(0)]
    nearest = [_distance(found[0], other) for other in left]
    while len(found) < count:
        place = max(range(len(left)), key=nearest.__getitem__)
        found.append(left.pop(place))
        nearest.pop(place)
        nearest = [min(known, _distance(found[-1], other)) for known, other in zip(nearest, left, strict=True)]
    return [_hex(colour) for colour in found]


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    """How different two colours look, roughly: the eye sees green best and blue worst ("redmean")."""
    red = (one[0] + other[0]) / 2
    weights = (2 + red, 4, 3 - red)
    return sum(weight * (a - b) ** 2 for weight, a, b in zip(weights, one, other, strict=True))


def _luminance(colour: Sequence[float]) -> float:
    """Of a colour on a screen with a gamma of 2.2."""
    return sum(weight * math.pow(part, 2.2) for weight, part in zip((0.2126, 0.7152, 0.0722), colour, strict=True))


def _hex(colour: Iterable[float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
