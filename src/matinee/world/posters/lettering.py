"""Setting a title: how wide it is, where its lines break, how large it can be, and the SVG text.

No font file is used: the reader's own fonts are named in stacks. Widths are estimated by class of character,
and each line is given its width (`textLength`), so that another font is fitted to it instead of cut off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

LONGEST = 160
"""Characters of a title that are set; a longer one ends in an ellipsis."""
MAX_LINES = 7
CAP_SHARE, DESCENT = 0.74, 0.24
"""Of the size: how far letters rise above the line (accents more), and hang below it."""
NARROW, WIDE = frozenset("ijlIft.,:;'!|()[]-’‘·\"“”"), frozenset("mwMW@%—…")
TALL_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH")
BREAKS_ANYWHERE = (*TALL_SCRIPTS, "THAI", "LAO", "KHMER", "MYANMAR")


@dataclass(frozen=True, slots=True)
class Voice:
    """A way to set a title.

    Attributes
    ----------
    family : str
        Font stack.
    weight : int
    style : str
        "normal" or "italic".
    caps : bool
        In capitals, where the script has them.
    spread : float
        Width against that of a plain grotesque; below 1 makes any font condensed.
    tracking : float
        Space between letters, in ems.
    leading : float
        From line to line, in ems.
    even : float, optional
        Width of every Latin letter in ems, for typewriter faces.
    """

    family: str
    weight: int = 700
    style: str = "normal"
    caps: bool = False
    spread: float = 1.0
    tracking: float = 0.0
    leading: float = 1.08
    even: float | None = None


SANS = "Helvetica Neue,Arial,sans-serif"
SERIF = "Times New Roman,serif"
MONO = "Courier New,monospace"
VOICES: dict[str, Voice] = {
    "poster": Voice(SANS, caps=True, spread=0.8, leading=0.98),
    "wide": Voice(SANS, 400, caps=True, tracking=0.16, leading=1.24),
    "friendly": Voice(SANS, leading=1.04, tracking=-0.015),
    "roman": Voice(SERIF, 700, spread=0.95, leading=1.06),
    "inscription": Voice(SERIF, 400, caps=True, tracking=0.1, spread=0.96, leading=1.2),
    "italic": Voice(SERIF, 400, "italic", spread=0.86, leading=1.08),
    "typewriter": Voice(MONO, 700, leading=1.14, even=0.6),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its width in ems."""

    text: str
    width: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A title in lines.

    Attributes
    ----------
    lines : tuple of Line
    size : float
        Of the type, in units of the picture.
    width, height : float
        What it takes of the picture, with accents and descenders.
    """

    lines: tuple[Line, ...]
    size: float
    width: float
    height: float


def plain(name: str) -> str:
    r"""A name as it may stand in XML: no control characters, single spaces; never empty.

    Examples
    --------
    >>> plain(" A\x00  b\n"), plain("")
    ('A b', '·')
    """
    kept = "".join(
        " " if unicodedata.category(ch)[0] in "CZ" and ch not in "\u200c\u200d" else ch for ch in name
    )
    text = " ".join(kept.replace("\u2028", " ").split())
    text = "".join(ch for ch in text if ord(ch) not in (0xFFFE, 0xFFFF))
    return (text[: LONGEST - 1].rstrip() + "…" if len(text) > LONGEST else text) or "·"


def right_to_left(text: str) -> bool:
    """Whether the first strong letter reads from right to left.

    Examples
    --------
    >>> right_to_left("2046 عمر"), right_to_left("2046 Omar")
    (True, False)
    """
    strong = (unicodedata.bidirectional(ch) for ch in text)
    return next((kind != "L" for kind in strong if kind in ("L", "R", "AL")), False)


@lru_cache(maxsize=8192)
def advance(ch: str, voice: Voice) -> float:
    """Width of a character in ems, without tracking."""
    if unicodedata.combining(ch) or ch in "\u200c\u200d":
        return 0.0
    if ch == " ":
        return (voice.even or 0.29) * voice.spread
    name = unicodedata.name(ch, "")
    if name.startswith(TALL_SCRIPTS) or unicodedata.east_asian_width(ch) in "WF":
        return 1.02
    if voice.even is not None and ord(ch) < 0x250:
        return voice.even
    base = unicodedata.normalize("NFD", ch)[0]
    if base in NARROW:
        width = 0.34
    elif base in WIDE:
        width = 0.9
    elif base.isupper():
        width = 0.7
    elif base.isdigit() or (base.islower() and ord(base) < 0x250):
        width = 0.565
    else:
        width = 0.66
    return width * voice.spread


def breadth(text: str, voice: Voice) -> float:
    """Width of a line in ems."""
    return sum(advance(ch, voice) for ch in text) + voice.tracking * max(len(text) - 1, 0)


def pieces(text: str) -> list[tuple[str, str]]:
    """Parts between which a line may break: (text, what joins it to the next on the same line).

    Examples
    --------
    >>> pieces("A b"), pieces("映画")
    ([('A', ' '), ('b', ' ')], [('映', ''), ('画', ' ')])
    """
    out: list[tuple[str, str]] = []
    for word in text.split(" "):
        if not any(unicodedata.name(ch, "").startswith(BREAKS_ANYWHERE) for ch in word):
            out.append((word, " "))
            continue
        parts: list[str] = []
        for ch in word:
            if parts and unicodedata.category(ch)[0] in "MP" and unicodedata.category(ch) not in ("Ps", "Pi"):
                parts[-1] += ch
            else:
                parts.append(ch)
        out += [(part, "") for part in parts[:-1]] + [(parts[-1], " ")]
    return out


@lru_cache(maxsize=4096)
def set_title(name: str, voice: Voice, width: float, height: float, largest: float) -> Setting:
    """The largest setting of a name in a box, its lines as even as they can be.

    For each number of lines the widest line is made as narrow as possible (the linear partition problem,
    solved for each possible width of a line); then the number of lines that gives the largest type wins,
    fewer lines where it hardly matters. A word that would make the type tiny is broken.

    Parameters
    ----------
    name : str
        As `plain` gives it.
    width, height, largest : float
        Of the box, and of the type at most, in units of the picture.
    """
    text = name.upper() if voice.caps and not right_to_left(name) and _has_capitals(name) else name
    parts = pieces(text)
    longest = max(breadth(part, voice) for part, _ in parts)
    least = width / (9.5 if len(text) < 60 else 12)
    if longest * least > width:
        parts = _cut(parts, voice, width / least)
    best: tuple[float, Setting] | None = None
    for n in range(1, min(MAX_LINES, len(parts)) + 1):
        lines = _balanced(parts, n, voice)
        broad = max(line.width for line in lines)
        tall = (len(lines) - 1) * voice.leading + CAP_SHARE + DESCENT
        size = min(width / broad, height / tall, largest)
        worth = size * 0.97 ** len(lines)
        if best is None or worth > best[0] * 1.0001:
            best = worth, Setting(tuple(lines), size, size * broad, size * tall)
    assert best is not None
    return best[1]


def _has_capitals(text: str) -> bool:
    return any(unicodedata.name(ch, "").startswith(("LATIN", "GREEK", "CYRILLIC")) for ch in text)


def _cut(parts: Sequence[tuple[str, str]], voice: Voice, ems: float) -> list[tuple[str, str]]:
    """Break words that are wider than a line, with a hyphen, at half of the line or more."""
    out: list[tuple[str, str]] = []
    for word, joint in parts:
        rest = word
        while breadth(rest, voice) > ems and len(rest) > 3:
            n = max(2, min(len(rest) - 2, int(len(rest) * ems * 0.9 / breadth(rest, voice))))
            out.append((f"{rest[:n]}-", ""))
            rest = rest[n:]
        out.append((rest, joint))
    return out


def _balanced(parts: Sequence[tuple[str, str]], n: int, voice: Voice) -> list[Line]:
    """At most n lines whose widest is as narrow as possible."""
    widths = [breadth(part, voice) + voice.tracking for part, _ in parts]
    gaps = [advance(" ", voice) + voice.tracking if joint else 0.0 for _, joint in parts]
    low, high = max(widths), sum(widths) + sum(gaps[:-1])
    for _ in range(12):
        middle = (low + high) / 2
        if len(_filled(widths, gaps, middle)) <= n:
            high = middle
        else:
            low = middle
    out = []
    for start, end in _filled(widths, gaps, high + 1e-9):
        text = "".join(part + joint for part, joint in parts[start:end]).strip()
        out.append(Line(text, breadth(text, voice)))
    return out


def _filled(widths: Sequence[float], gaps: Sequence[float], limit: float) -> list[tuple[int, int]]:
    """Lines as (first, end) parts, each as full as `limit` allows."""
    out, start, used = [], 0, widths[0]
    for i in range(1, len(widths)):
        more = gaps[i - 1] + widths[i]
        if used + more > limit:
            out.append((start, i))
            start, used = i, widths[i]
        else:
            used += more
    return [*out, (start, len(widths))]


def text_element(
    setting: Setting, voice: Voice, x: float, top: float, fill: str, *, anchor: str = "middle"
) -> str:
    """The lines as one SVG text whose upper edge is at `top`.

    Parameters
    ----------
    x : float
        Middle of the lines, or their left edge if `anchor` is "start".
    """
    size = setting.size
    rtl = any(right_to_left(line.text) for line in setting.lines)
    at = x + (setting.width if rtl and anchor == "start" else 0)
    if anchor == "middle":
        at += voice.tracking * size / 2  # the space after the last letter counts as part of a line
    spans = "".join(
        f'<tspan x="{at:.0f}" y="{top + size * (CAP_SHARE + i * voice.leading):.1f}" '
        f'textLength="{(line.width + voice.tracking) * size:.1f}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(line.text)}</tspan>"
        for i, line in enumerate(setting.lines)
    )
    more = "" if voice.style == "normal" else ' font-style="italic"'
    more += "" if voice.weight == 400 else f' font-weight="{voice.weight}"'
    more += f' letter-spacing="{voice.tracking * size:.1f}"' if voice.tracking else ""
    more += "" if anchor == "start" else ' text-anchor="middle"'
    more += ' direction="rtl"' if rtl else ""
    family = quoteattr(voice.family)
    return f'<text font-family={family} font-size="{size:.1f}" fill="{fill}"{more}>{spans}</text>'
