"""/console/style: every token and part of the design, as it looks in both themes."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, get
from litestar.di import NamedDependency

from matinee.console.design import Pair, Token, contrast, pairs, tokens
from matinee.console.parts import Console, Part
from matinee.console.visit import AnyRequest

PAGE = "style/page.html.jinja"
KINDS = {
    "type": ("size-", "font", "tight", "normal", "regular", "strong", "measure"),
    "space": ("space-", "gutter", "page-width", "target", "tile-"),
    "edges": ("radius-", "hairline", "shadow-", "focus-"),
    "motion": ("fast", "slow", "ease", "layer-"),
}
"""Part of the page -> how the names of its tokens begin. Colours are told by their values."""
DRAWINGS = (
    "play", "pause", "plus", "check", "close", "search", "up", "down", "info", "person", "look", "copy",
    "left", "right",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """A pair of colours with its contrast in each theme."""

    pair: Pair
    light: float
    dark: float


@get("/console/style", sync_to_thread=False)
def style(request: AnyRequest, console: NamedDependency[Console]) -> Response[bytes]:
    """The page."""
    found = tokens()
    colours = [one for one in found.values() if one.is_colour]
    values = {
        "colours": colours,
        "kinds": {kind: of_kind(found, kind) for kind in KINDS},
        "measured": measured(found),
        "drawings": DRAWINGS,
        "sides": ("light", "dark"),
    }
    return console.rendering.page(request, PAGE, values)


def of_kind(found: dict[str, Token], kind: str) -> list[Token]:
    """The tokens of one part of the page."""
    return [one for one in found.values() if one.name.startswith(KINDS[kind]) and not one.is_colour]


def measured(found: dict[str, Token]) -> list[Measured]:
    """Every pair with its contrasts, the least first."""
    out = []
    for pair in pairs():
        front, ground = found[pair.front], found[pair.ground]
        out.append(Measured(pair, contrast(front.light, ground.light), contrast(front.dark, ground.dark)))
    return sorted(out, key=lambda one: min(one.light, one.dark) / one.pair.least)


PART = Part(routes=(style,), links=(("common.style", "/console/style"),))
