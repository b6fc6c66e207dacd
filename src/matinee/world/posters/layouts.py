"""Where picture, people and title stand: eight layouts on one grid, so a shelf looks made by one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from matinee.world.posters import figures
from matinee.world.posters.canvas import Canvas
from matinee.world.posters.colour import Palette, mix, readable
from matinee.world.posters.cues import Cue, Scene
from matinee.world.posters.lettering import (
    SANS,
    VOICES,
    Line,
    Setting,
    Voice,
    breadth,
    set_title,
    text_element,
)

MARGIN = 30.0
CAPTION, CAPTION_SIZE = Voice(SANS, 400, caps=True, tracking=0.2), 11.5
"""The small line beneath a title: its year and genre."""
Box = tuple[float, float, float, float]
"""x, y, width and height on the page."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a layout is given: a scene, the cue it belongs to, the title and the small line."""

    scene: Scene
    cue: Cue
    name: str
    line: str


def scene(page: Canvas, plan: Plan) -> None:
    """The place, and the title on its ground."""
    horizon = 408.0
    _scenery(page, plan, horizon)
    _words(page, plan, _foot(page, horizon), largest=74)


def faces(page: Canvas, plan: Plan) -> None:
    """One or two people near by, the place behind them in the haze."""
    horizon, middle, p = 424.0, page.width / 2, page.palette
    side = page.one_of((-1, 1))
    alone = plan.cue.genre != "romance" and page.random.random() < 0.5
    _scenery(page, plan, horizon, focus=middle + 84 * side if alone else middle, palette=_hazy(p))
    rim, wear = mix(p.accent, p.paper, 0.5), plan.cue.wear
    if plan.cue.genre == "romance":
        figures.profile(page, middle - 140, 161, 184, p.ink)
        figures.profile(page, middle + 140, 178, 168, p.ink, left=True)
    elif alone:
        figures.bust(page, middle - 74 * side, 142, 198, page.one_of(wear), p.ink, rim)
    else:
        first = page.one_of(wear)
        second = page.one_of(tuple(name for name in wear if name != first) or wear)
        figures.bust(page, middle + 92 * side, 170, 160, second, mix(p.ink, p.low, 0.2), rim)
        figures.bust(page, middle - 76 * side, 191, 176, first, p.ink, rim)
    paint = page.fade([(0, p.ink, 0), (1, p.ink, 1)])
    page.rect(0, horizon - 90, page.width, 91, paint)
    page.rect(0, horizon, page.width, page.bottom - horizon, p.ink)
    _words(page, plan, _foot(page, horizon), largest=66)


def framed(page: Canvas, plan: Plan) -> None:
    """The place through a window on a quiet page."""
    p, side, top, wide, tall = page.palette, 52, 52, 296, 350
    paper = p.ink if p.feel == "dark" else mix(p.paper, p.low, 0.09)
    page.fill(paper)
    x, y = side + wide / 2, top + tall * 0.88
    arch = (
        f"M{side} {top + tall}V{top + wide // 2}a{wide // 2} {wide // 2} 0 0 1 {wide} 0v{tall - wide // 2}z"
    )
    circle = f"M{side} {top + tall // 2}a148 148 0 0 1 {wide} 0a148 148 0 0 1-{wide} 0z"
    page.clipped(page.one_of((arch, circle, f"M{side} {top}h{wide}v{tall}h-{wide}z")))
    unit = min(wide, tall * 0.88) / 100
    inner = _canvas(page, p, -wide / 2 / unit, wide / 2 / unit, (top - y) / unit, (top + tall - y) / unit)
    plan.scene(inner)
    page.place(inner, x, y, unit)
    page.close()
    box = (side - 6.0, top + tall + 24.0, wide + 12.0, page.bottom - top - tall - 60.0)
    _words(page, plan, box, largest=40, behind=paper, quiet=True)


def company(page: Canvas, plan: Plan) -> None:
    """Three or more people at the edge of a large place, mist between them and it."""
    horizon = 420.0
    _scenery(page, plan, horizon)
    _people(page, plan, horizon, page.width / 2, page.one_of((3, 4)), (145, 173))
    _words(page, plan, _foot(page, horizon), largest=52, quiet=True)


def type_only(page: Canvas, plan: Plan) -> None:
    """The title fills the page; the place is a band at its foot."""
    p, band = page.palette, 180.0
    page.fill(p.ink)
    edge = page.bottom - band
    page.clipped(f"M0 {edge:.0f}h{page.width:.0f}v{band:.0f}H0z")
    unit = band / 100
    inner = _canvas(page, p, -page.width / 2 / unit, page.width / 2 / unit, -100, 0)
    plan.scene(inner)
    page.place(inner, page.width / 2, page.bottom, unit)
    page.close()
    box = (MARGIN, 36.0, page.width - 2 * MARGIN, edge - 66)
    _words(page, plan, box, largest=170, anchor="start", bold=True)


def still(page: Canvas, plan: Plan) -> None:
    """The place alone."""
    _scenery(page, plan, 520)


def banner(page: Canvas, plan: Plan) -> None:
    """Wide: the title on a dark left half that opens to the place."""
    _scenery(page, plan, 316, focus=450)
    _side(page)
    _words(page, plan, (34, 40, page.width * 0.42, page.bottom - 80), largest=66, anchor="start")


def banner_people(page: Canvas, plan: Plan) -> None:
    """Wide: people in the place, the title beside them."""
    _scenery(page, plan, 316, focus=450)
    _people(page, plan, 316, 450, page.one_of((1, 2, 3)), (146, 165))
    _side(page)
    box = (34.0, 40.0, page.width * 0.42, page.bottom - 80)
    _words(page, plan, box, largest=58, anchor="start", quiet=True)


def _canvas(page: Canvas, palette: Palette, left: float, right: float, top: float, bottom: float) -> Canvas:
    """A canvas for a part of a page; it shares its randomness and its ids."""
    return Canvas(left, right, top, bottom, palette, page.random, page.names)


def _scenery(
    page: Canvas, plan: Plan, horizon: float, *, focus: float | None = None, palette: Palette | None = None
) -> None:
    """The scene over the whole page."""
    x, unit = page.width / 2 if focus is None else focus, min(page.width, horizon) / 100
    inner = _canvas(
        page, palette or page.palette, -x / unit, (page.width - x) / unit, -horizon / unit,
        (page.bottom - horizon) / unit,
    )  # fmt: skip
    plan.scene(inner)
    page.place(inner, x, horizon, unit)


def _people(
    page: Canvas, plan: Plan, horizon: float, middle: float, number: int, tall: tuple[float, float]
) -> None:
    """Whole figures side by side, set off by mist; every second one a child where the title is for them."""
    p = page.palette
    paint = page.fade([(0, p.low, 0), (0.75, p.low, 0.85), (1, p.low, 0.95)])
    page.rect(0, horizon - 200, page.width, 201, paint)
    page.rect(0, horizon, page.width, page.bottom - horizon, p.ink)
    for i in range(number):
        child = plan.cue.genre in ("children", "animation") and i % 2
        x = middle + (i - (number - 1) / 2) * 58
        figures.standing(page, x, horizon + 12, page.within(*tall) * (0.66 if child else 1), p.ink)


def _hazy(p: Palette) -> Palette:
    """A palette in which what stands in front is as pale as what is far."""
    return replace(p, ink=p.depth(0.5))


def _side(page: Canvas) -> None:
    """Ink over the left half; beyond the words it opens to the picture."""
    ink = page.palette.ink
    page.fill(page.fade([(0.48, ink, 1), (0.78, ink, 0)], across=True))


def _foot(page: Canvas, horizon: float) -> Box:
    """Where a title stands on the ground."""
    return MARGIN, horizon + 27, page.width - 2 * MARGIN, page.bottom - horizon - 53


def _words(
    page: Canvas,
    plan: Plan,
    box: Box,
    *,
    largest: float,
    behind: str | None = None,
    quiet: bool = False,
    bold: bool = False,
    anchor: str = "middle",
) -> None:
    """The title and its small line in the middle of a box, in colours that can be read there.

    Parameters
    ----------
    behind : str, optional
        The one colour behind the box. Default: ink.
    quiet : bool
        Whether the second voice of the cue speaks.
    bold : bool
        Whether the title has the accent colour.
    """
    x, y, width, height = box
    p, voice = page.palette, VOICES[plan.cue.voices[quiet]]
    ground = behind or p.ink
    below = 27.0 if plan.line else 0.0
    setting = set_title(plan.name, voice, width, height - below, largest)
    top = y + (height - below - setting.height) / 2
    at = x + width / 2 if anchor == "middle" else x
    fill = readable(ground, (p.accent, p.paper, p.ink) if bold else (p.paper, p.ink))
    page.parts.append(text_element(setting, voice, at, top, fill, anchor=anchor))
    if plan.line:
        ems = breadth(plan.line, CAPTION)
        caption = Setting((Line(plan.line, ems),), CAPTION_SIZE, CAPTION_SIZE * ems, CAPTION_SIZE)
        fill = readable(ground, (p.accent, p.paper, p.ink))
        under = top + setting.height + 15
        page.parts.append(text_element(caption, CAPTION, at, under, fill, anchor=anchor))


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to lay out a page, and the page's size in units."""

    draw: Callable[[Canvas, Plan], None]
    aspect: str
    width: int
    height: int
    text: bool = True


LAYOUTS: dict[str, Layout] = {
    "scene": Layout(scene, "2:3", 400, 600),
    "faces": Layout(faces, "2:3", 400, 600),
    "framed": Layout(framed, "2:3", 400, 600),
    "company": Layout(company, "2:3", 400, 600),
    "type": Layout(type_only, "2:3", 400, 600),
    "still": Layout(still, "2:3", 400, 600, text=False),
    "banner": Layout(banner, "16:9", 640, 360),
    "banner-people": Layout(banner_people, "16:9", 640, 360),
}
"""Name -> layout; those of an aspect in the order in which a title gets them."""
