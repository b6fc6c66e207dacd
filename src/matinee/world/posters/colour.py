"""Colours, how they mix, whether type can be read on them, and the palettes that posters are drawn in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

SMALL_TEXT = 4.5
"""Least contrast of type of any size with what is behind it (WCAG 2.2, success criterion 1.4.3)."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours ("#rrggbb") and how they feel.

    Attributes
    ----------
    top, low : str
        The sky: above, and at the horizon.
    ink : str
        What stands in front, and the ground that the title stands on.
    accent : str
        Sun, moon, a lit window: little of it.
    paper : str
        Type on ink, and the page of framed posters.
    feel : str
        Value of the tag "colour".
    """

    top: str
    low: str
    ink: str
    accent: str
    paper: str
    feel: str

    def depth(self, share: float) -> str:
        """A layer between the horizon (0) and the front (1): what is far has the colour of the air."""
        return mix(self.low, self.ink, share)


PALETTES: dict[str, Palette] = {
    "ember": Palette("#2b1220", "#b5432c", "#170b12", "#f6b04e", "#f9ecd8", "warm"),
    "dusk": Palette("#41306b", "#e8866a", "#211538", "#fbd794", "#fdf2e4", "warm"),
    "noir": Palette("#17191d", "#747a80", "#0b0c0f", "#e9dcb4", "#f1eee6", "dark"),
    "steel": Palette("#1f3a4d", "#8db2c2", "#0f1d29", "#f3dfb0", "#f4f0e6", "cold"),
    "night": Palette("#0b1433", "#34558a", "#070b1c", "#f6e7ae", "#f3f0e5", "dark"),
    "crimson": Palette("#64101c", "#cf3a2f", "#1d080c", "#f8dcb6", "#fbefe1", "warm"),
    "dawn": Palette("#f2bd96", "#fbe9d2", "#33435a", "#e5603a", "#fdf6ea", "bright"),
    "meadow": Palette("#8fcbb6", "#edf4dc", "#1d4b41", "#f5b63c", "#fbf8ec", "bright"),
    "sky": Palette("#58aed8", "#dff1f2", "#184470", "#ffcb47", "#fffaf0", "bright"),
    "candy": Palette("#f6948f", "#fee3c8", "#7d2a4d", "#f4574f", "#fff6ec", "bright"),
    "sand": Palette("#e3914f", "#f8dda9", "#582819", "#c63f27", "#fdf2df", "warm"),
    "moss": Palette("#22322a", "#93a681", "#0f1913", "#ece0a4", "#f3f2e2", "dark"),
    "ice": Palette("#a9c9da", "#f0f5f5", "#1e3b54", "#e2574c", "#f8fafa", "cold"),
    "violet": Palette("#170f36", "#7b45a8", "#0b0820", "#6be3da", "#f2edff", "dark"),
    "teal": Palette("#07303a", "#2c989a", "#04181d", "#ffb65a", "#effaf6", "cold"),
    "sepia": Palette("#b99767", "#efdfba", "#3b2a1b", "#933f21", "#faf1dd", "muted"),
    "olive": Palette("#726c50", "#dbcb9d", "#24251d", "#b7341f", "#f5efdc", "muted"),
    "plum": Palette("#3a1534", "#c65b7c", "#1d0a1b", "#ffd0a8", "#fdf0ea", "vivid"),
}
"""Name -> palette. `ink` and `paper` of each can carry small type on one another."""


@cache
def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255.

    Examples
    --------
    >>> channels("#ff8000")
    (255, 128, 0)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@cache
def mix(first: str, second: str, share: float) -> str:
    """`share` (0 to 1) of the second colour in the first.

    Examples
    --------
    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(channels(first), channels(second), strict=True)
    return "#" + "".join(f"{int(a + (b - a) * share + 0.5):02x}" for a, b in pairs)


@cache
def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = (c / 255 for c in channels(colour))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def contrast(first: str, second: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2).

    Examples
    --------
    >>> contrast("#ffffff", "#000000")
    21.0
    """
    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def readable(behind: str, wanted: Iterable[str]) -> str:
    """The first wanted colour in which type can be read on what is behind it, else black or white.

    Examples
    --------
    >>> readable("#f9f9f9", ["#eeeeee", "#203040"])
    '#203040'
    """
    for colour in wanted:
        if contrast(colour, behind) >= SMALL_TEXT:
            return colour
    return max(("#ffffff", "#000000"), key=lambda colour: contrast(colour, behind))
