"""Draw the images of a title. The same title, variant and seed give the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count
from random import Random
from xml.sax.saxutils import escape

from matinee.errors import InputError, unknown_name
from matinee.observe.importers.film_facts import TitleFacts
from matinee.types import derive_seed
from matinee.world.posters.canvas import Canvas
from matinee.world.posters.colour import PALETTES
from matinee.world.posters.cues import Cue, Scene, cues_of, for_kids, palettes_of
from matinee.world.posters.layouts import LAYOUTS, Plan
from matinee.world.posters.lettering import plain

SCALE = 1.5
"""Pixels to a unit in the stated width and height; SVG can be shown at any size."""
PRECISE = "geometricPrecision"
"""How letters are set: as shapes that grow with the picture. Without it a browser takes a font of each size
in which the picture is shown, and lays the words out again: a fifth of what an image costs Chromium."""
BY_ASPECT = {
    aspect: tuple(name for name, layout in LAYOUTS.items() if layout.aspect == aspect)
    for aspect in ("2:3", "16:9")
}
"""Aspect -> its variants; the first is the default of a title."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image of a title.

    Attributes
    ----------
    variant : str
        Name of its layout.
    svg : str
        The whole file: no script, nothing from elsewhere; its ids occur in no other drawing.
    tags : tuple of str
        From `artwork_tags.VOCABULARY`: people, emotion, genre, setting, text, colour.
    aspect : str
    width_px, height_px : int
    language : str or None
        "und" (undetermined: the name is as the catalogue has it); None for an image without text.
    """

    variant: str
    svg: str
    tags: tuple[str, ...]
    aspect: str
    width_px: int
    height_px: int
    language: str | None


def draw(title: TitleFacts, *, variant: str = "scene", seed: int = 0) -> Drawn:
    """One image of a title.

    Variants of a title differ in layout, scene, palette and people. Each of its genres has its turn, the most
    telling first, and no other genre is ever shown. Titles for small children get bright palettes and cues
    without fright.

    Parameters
    ----------
    title : TitleFacts
        Its id, name, genres, age and year are looked at.
    variant : str
        "scene", "faces", "framed", "company", "type" or "still" (2:3); "banner" or "banner-people" (16:9).

    Raises
    ------
    InputError
        There is no such variant.

    Notes
    -----
    Cost: about half a millisecond, and about 3 kB.

    Examples
    --------
    >>> alien = TitleFacts("t1", "Alien", "1979-05-25", genres=("Horror", "Sci-Fi"), maturity=16)
    >>> draw(alien).tags[:4]
    ('people:0', 'emotion:none', 'genre:science-fiction', 'setting:space')
    >>> draw(alien) == draw(alien) != draw(alien, seed=1)
    True
    """
    if variant not in LAYOUTS:
        raise InputError(unknown_name("draw", "variant", variant, LAYOUTS))
    layout = LAYOUTS[variant]
    cue, scene, setting, palette = _choice(title, variant, seed)
    name = plain(title.name)
    mark = _digest("\x1f".join([str(seed), variant, title.title_id]))
    page = Canvas(
        0, layout.width, 0, layout.height, PALETTES[palette],
        Random(derive_seed(seed, "poster", title.title_id, variant)), (f"p{mark}-{i}" for i in count(1)),
    )  # fmt: skip
    layout.draw(page, Plan(scene, cue, name, _line(title, cue)))
    tags = [f"people:{page.people if page.people < 3 else '3+'}"]
    tags.append(f"emotion:{cue.emotion if page.people else 'none'}")
    tags += [f"genre:{cue.genre}"] if cue.genre else []
    tags += [f"setting:{setting}", f"text:{'yes' if layout.text else 'no'}"]
    tags.append(f"colour:{PALETTES[palette].feel}")
    wide, tall = round(layout.width * SCALE), round(layout.height * SCALE)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" '
        f'viewBox="0 0 {layout.width} {layout.height}" role="img" text-rendering="{PRECISE}">'
        f"<title>{escape(name)}</title>"
        f"{''.join(page.parts)}</svg>\n"
    )
    return Drawn(variant, svg, tuple(tags), layout.aspect, wide, tall, "und" if layout.text else None)


def variants(title: TitleFacts, n: int = 5, *, aspect: str = "2:3", seed: int = 0) -> list[Drawn]:
    """The first n images of a title in one aspect; the first is the one to show by default.

    Raises
    ------
    InputError
        There are not that many, or the aspect is not drawn.

    Examples
    --------
    >>> [one.variant for one in variants(TitleFacts("t1", "Alien", None), 3)]
    ['scene', 'faces', 'framed']
    """
    if aspect not in BY_ASPECT:
        raise InputError(unknown_name("variants", "aspect", aspect, BY_ASPECT))
    names = BY_ASPECT[aspect]
    if not 1 <= n <= len(names):
        raise InputError(f"variants: n is {n}, expected 1 to {len(names)} for aspect {aspect}.")
    return [draw(title, variant=name, seed=seed) for name in names[:n]]


def _choice(title: TitleFacts, variant: str, seed: int) -> tuple[Cue, Scene, str, str]:
    """Cue, scene, setting and palette of a variant: each goes round, so that variants differ."""
    place = BY_ASPECT[LAYOUTS[variant].aspect].index(variant)
    cues = cues_of(title)
    cue, turn = cues[place % len(cues)], place // len(cues)
    start = derive_seed(seed, "look", title.title_id)
    scene, setting = cue.scenes[(start + turn) % len(cue.scenes)]
    palettes = palettes_of(cue, kids=for_kids(title))
    return cue, scene, setting, palettes[((start >> 8) + turn) % len(palettes)]


def _line(title: TitleFacts, cue: Cue) -> str:
    """The small line: what is known of the title."""
    year = (title.release_date or "")[:4]
    genre = (cue.genre or "").replace("-", " ").upper()
    return " · ".join(part for part in (year if year.isdigit() else "", genre) if part)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
