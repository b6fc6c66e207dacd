"""The design's values as data: read from tokens.css, with the contrast of what is put on what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from matinee.console.static import FOLDER

TOKENS = FOLDER / "tokens.css"
TEXT, LARGE = 4.5, 3.0
"""Least contrast of text, and of large text and what shows where a control is (WCAG 2.2, 1.4.3, 1.4.11)."""
_TOKEN = re.compile(r"^ {4}--([a-z0-9-]+): (.+);$", re.MULTILINE)
_THEMED = re.compile(r"light-dark\((#[0-9a-f]{6,8}), (#[0-9a-f]{6,8})\)")
_PLAIN = re.compile(r"#[0-9a-f]{6}")
GROUNDS = ("background", "surface", "raised", "sunken")
STATES = ("good", "warn", "bad", "info")


@dataclass(frozen=True, slots=True)
class Token:
    """One value of the design.

    Attributes
    ----------
    light, dark : str
        Its value in each theme, as CSS.
    """

    name: str
    light: str
    dark: str

    @property
    def is_colour(self) -> bool:
        """Whether it is a colour without transparency."""
        return _PLAIN.fullmatch(self.light) is not None


@dataclass(frozen=True, slots=True)
class Pair:
    """A colour that is put on another, and the contrast that it needs there."""

    front: str
    ground: str
    least: float


def tokens(css: str | None = None) -> dict[str, Token]:
    """The tokens of the style sheet by name, in its order; the first definition of each.

    Examples
    --------
    >>> tokens("    --text: light-dark(#000000, #ffffff);")["text"].dark
    '#ffffff'
    """
    found: dict[str, Token] = {}
    for name, value in _TOKEN.findall(TOKENS.read_text(encoding="utf-8") if css is None else css):
        both = _THEMED.fullmatch(value)
        light, dark = (both[1], both[2]) if both else (value, value)
        found.setdefault(name, Token(name, light, dark))
    return found


def contrast(one: str, other: str) -> float:
    """How much two colours differ in lightness: 1 (not at all) to 21 (black and white).

    Parameters
    ----------
    one, other : str
        As #rrggbb.

    References
    ----------
    W3C, WCAG 2.2, "contrast ratio" and "relative luminance".

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 6), round(contrast("#777777", "#ffffff"), 2)
    (21.0, 4.48)
    """
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def pairs() -> list[Pair]:
    """Everything that the parts put on something, with what it needs."""
    text = [
        *product(("text", "muted"), GROUNDS),
        *product(("link", "accent", "bad"), GROUNDS[:3]),
        *((state, f"{state}-ground") for state in (*STATES, "accent")),
        *(("text", f"{state}-ground") for state in (*STATES, "accent")),
        *product(("on-accent",), ("accent", "accent-strong")),
        *product(("on-picture",), ("picture-ground", *(f"ground-{i}" for i in range(1, 7)))),
        ("background", "text"),
    ]
    marks = [
        *product(("line", "accent", "focus"), GROUNDS),
        ("accent", "faint"),
        ("accent", "accent-ground"),
        ("picture-accent", "picture-ground"),
    ]
    return [Pair(*one, TEXT) for one in text] + [Pair(*one, LARGE) for one in marks]


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def read_layers(path: Path) -> set[str]:
    """Names of the tokens that a style sheet uses."""
    return set(re.findall(r"var\(--([a-z0-9-]+)", path.read_text(encoding="utf-8")))
