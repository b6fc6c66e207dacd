"""The title on an image: balanced lines inside the safe area, on a scrim that makes them legible.

References
----------
Knuth, Plass (1981), breaking paragraphs into lines, doi:10.1002/spe.4380111102 (here: the least widest line).
WCAG 2.2, success criterion 1.4.3 and the definition of contrast ratio (https://www.w3.org/TR/WCAG22/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.picture import Map

if TYPE_CHECKING:
    from PIL import Image

SAFE = 0.07
"""Margin on each side that stays free of text, of the shorter side."""
MOST_LINES = 4
MOST_HEIGHT = 0.3
"""Of the image: height of all lines."""
LARGEST = 0.17
"""Of the shorter side: height of letters, so that a short title does not shout."""
LEADING = 1.12
CONTRAST = 5.0
"""Least ratio of letters to the ground behind them; WCAG asks for 3 for large and 4.5 for other text."""
LEAST_SCRIM = 0.35
FADE = 1.5
"""Length of the scrim's fading edge, in heights of the text."""
TOP_WHEN = 0.5
"""The title goes to the top when that covers less than this share of what the bottom would cover."""
STROKE = 0.022
"""Width that is added to letters of Pillow's own font, whose strokes are thin, of their size."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """An image with its title, and where and how legible it is.

    Attributes
    ----------
    contrast : float, 1 to 21
        Ratio of the letters to the brightest twentieth of the ground behind them.
    """

    image: Image.Image
    lines: tuple[str, ...]
    size_px: int
    at_top: bool
    contrast: float


class TitleFont:
    """A font at any size.

    Parameters
    ----------
    file : Path or None
        TrueType or OpenType; None: the font that Pillow brings (Aileron; letters without accents).
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file

    @property
    def stroke(self) -> float:
        """Width added to strokes, of the size of letters."""
        return STROKE if self.file is None else 0.0

    def at(self, size_px: int) -> Any:
        """The font at a size."""
        from PIL import ImageFont

        if self.file is None:
            return ImageFont.load_default(size_px)
        try:
            return ImageFont.truetype(str(self.file), size_px)
        except OSError:
            raise InputError(
                f"{self.file}: is no font, expected a TrueType or OpenType file (--font)."
            ) from None

    def check(self, text: str) -> None:
        """Refuse text with letters that the font does not have; boxes would stand in their place.

        Raises
        ------
        InputError
            The file is no font, or a letter is missing.
        """
        font = self.at(40)
        none = _glyph(font, "\U0010fffe")
        missing = sorted({c for c in text if not c.isspace() and _glyph(font, c) == none})
        if missing:
            name = self.file or "the font that comes with Pillow"
            raise InputError(
                f'{name}: has no letter for "{"".join(missing)}" of the title. Give --font FILE with one.'
            )


def draw_title(image: Image.Image, text: str, font: TitleFont, important: Map) -> Treatment:
    """Draw a title on a copy of an image, at the bottom or the top, where it covers less of importance."""
    width, height = image.size
    margin = round(SAFE * min(width, height))
    lines, size_px = _fit(text, font, width - 2 * margin, height, min(width, height))
    step = round(size_px * LEADING)
    block = step * len(lines)
    band = min(0.9, (block + 2 * margin) / height)
    rows = max(1, round(band * len(important)))
    at_top = float(important[:rows].sum()) < TOP_WHEN * float(important[-rows:].sum())
    top = margin if at_top else height - margin - block
    shaded = _scrim(image, top, block, at_top)
    letters = _letters(image.size, lines, font, size_px, top, step)
    ground = _ground(np.asarray(shaded), np.asarray(letters))
    return Treatment(_ink(shaded, letters, size_px), lines, size_px, at_top, 1.05 / (ground + 0.05))


def balanced(words: Sequence[str], n_lines: int, widths: Sequence[float], space: float) -> tuple[str, ...]:
    """Break words into lines so that the widest is as narrow as can be.

    Examples
    --------
    >>> balanced(["the", "man", "who", "fell", "to", "earth"], 2, [3, 3, 3, 4, 2, 5], 1)
    ('the man who', 'fell to earth')
    """
    best: tuple[str, ...] = (" ".join(words),)
    least = float("inf")
    for breaks in combinations(range(1, len(words)), n_lines - 1):
        edges = [0, *breaks, len(words)]
        pairs = list(pairwise(edges))
        widest = max(sum(widths[a:b]) + space * (b - a - 1) for a, b in pairs)
        if widest < least:
            best, least = tuple(" ".join(words[a:b]) for a, b in pairs), widest
    return best


def _fit(text: str, font: TitleFont, room: int, height: int, shorter: int) -> tuple[tuple[str, ...], int]:
    """Lines and the size of letters: as large as fits, with as few lines as that allows."""
    words = text.split()
    probe = font.at(100)
    widths = [_width(probe, word, font.stroke * 100) for word in words]
    space = float(probe.getlength(" "))
    choices = []
    for n in range(1, min(MOST_LINES, len(words)) + 1):
        lines = balanced(words, n, widths, space) if len(words) <= 24 else _filled(words, n)
        widest = max(_width(probe, line, font.stroke * 100) for line in lines)
        size = min(100 * room / max(1.0, widest), MOST_HEIGHT * height / (n * LEADING), LARGEST * shorter)
        choices.append((size * (1 - 0.04 * (n - 1)), lines, int(size)))
    _, lines, size_px = max(choices, key=lambda choice: choice[0])
    return lines, max(8, size_px)


def _filled(words: Sequence[str], n: int) -> tuple[str, ...]:
    parts = np.array_split(np.arange(len(words)), n)
    return tuple(" ".join(words[i] for i in part.tolist()) for part in parts)


def _width(font: Any, text: str, stroke: float) -> float:
    return float(font.getlength(text)) + 2 * stroke


def _scrim(image: Image.Image, top: int, block: int, at_top: bool) -> Image.Image:
    """Darken the ground of the title, fading towards the middle, as far as the contrast needs."""
    from PIL import Image

    pixels = np.asarray(image.convert("RGB"), np.float32)
    behind = pixels[max(0, top) : top + block]
    brightest = float(np.quantile(behind.max(axis=2), 0.98)) / 255
    wanted = _encoded(1.05 / (CONTRAST * 1.08) - 0.05)
    alpha = min(0.92, max(LEAST_SCRIM, 1 - wanted / max(brightest, 1e-6)))
    y = np.arange(image.size[1], dtype=np.float32)
    beyond = (y - (top + block)) if at_top else (top - y)
    fade = np.clip(1 - np.maximum(0, beyond) / (FADE * block), 0, 1)
    shade = 1 - alpha * (fade * fade * (3 - 2 * fade))
    return Image.fromarray((pixels * shade[:, None, None]).astype(np.uint8))


def _letters(
    size: tuple[int, int], lines: Sequence[str], font: TitleFont, size_px: int, top: int, step: int
) -> Image.Image:
    from PIL import Image, ImageDraw

    mask = Image.new("L", size, 0)
    drawing = ImageDraw.Draw(mask)
    stroke = max(0, round(font.stroke * size_px))
    for i, line in enumerate(lines):
        where = (size[0] / 2, top + (i + 0.5) * step)
        drawing.text(
            where, line, fill=255, font=font.at(size_px), anchor="mm", stroke_width=stroke, stroke_fill=255
        )
    return mask


def _ink(ground: Image.Image, letters: Image.Image, size_px: int) -> Image.Image:
    """White letters over a soft shadow of themselves."""
    from PIL import Image, ImageFilter

    shadow = letters.filter(ImageFilter.GaussianBlur(max(1, size_px // 12))).point(lambda value: value * 0.6)
    out = Image.composite(Image.new("RGB", ground.size, 0), ground, shadow)
    return Image.composite(Image.new("RGB", ground.size, "white"), out, letters)


def _ground(shaded: Any, letters: Any) -> float:
    """Relative luminance of the brightest twentieth of the ground behind and beside the letters."""
    rows, cols = np.any(letters > 0, axis=1), np.any(letters > 0, axis=0)
    behind = shaded[np.ix_(rows, cols)].astype(np.float64) / 255
    linear = np.where(behind <= 0.04045, behind / 12.92, ((behind + 0.055) / 1.055) ** 2.4)
    return float(np.quantile(linear @ np.array([0.2126, 0.7152, 0.0722]), 0.95))


def _encoded(luminance: float) -> float:
    """Grey value, 0 to 1, of a relative luminance."""
    return float(12.92 * luminance if luminance <= 0.0031308 else 1.055 * luminance ** (1 / 2.4) - 0.055)


def _glyph(font: Any, character: str) -> tuple[Any, bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
