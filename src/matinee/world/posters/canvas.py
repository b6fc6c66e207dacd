"""A drawing in the making: shapes as short SVG elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from matinee.world.posters.colour import Palette

T = TypeVar("T")
Point = tuple[float, float]


def short(value: float) -> str:
    """A number with at most one decimal, as short as it can be written.

    Examples
    --------
    >>> short(12.04), short(-0.04), short(3.26)
    ('12', '0', '3.3')
    """
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def path_of(points: Iterable[Point]) -> str:
    """Path data of a closed polygon.

    Examples
    --------
    >>> path_of([(0, 0), (10.41, 0), (5, 8)])
    'M0 0L10.4 0 5 8Z'
    """
    first, *others = [f"{short(x)} {short(y)}" for x, y in points]
    return f"M{first}L{' '.join(others)}Z"


@dataclass(slots=True)
class Canvas:
    """Elements in the order in which they are painted.

    A scene has its origin where the eye should go on the horizon, y grows downwards, and its unit is a
    hundredth of the shorter side of the sky: what is at y < 0 stands above the horizon, and a shape from -40
    to 40 fits into any format. A page has its origin at the upper left.

    Attributes
    ----------
    left, right, top, bottom : float
        Edges.
    palette : Palette
    random : Random
        Drawn from in a fixed order, so that the same title gives the same bytes.
    names : iterator of str
        Ids that no other drawing has, so that many can stand in one page.
    people : int
        How many were drawn.
    parts : list of str
    """

    left: float
    right: float
    top: float
    bottom: float
    palette: Palette
    random: Random
    names: Iterator[str]
    people: int = 0
    parts: list[str] = field(default_factory=list)

    @property
    def width(self) -> float:
        """From edge to edge."""
        return self.right - self.left

    def within(self, low: float, high: float) -> float:
        """A random number between two."""
        return low + (high - low) * self.random.random()

    def one_of(self, several: tuple[T, ...]) -> T:
        """One of several, at random."""
        return several[int(self.random.random() * len(several))]

    def path(self, data: str, fill: str, more: str = "") -> None:
        """A filled path."""
        self.parts.append(f'<path d="{data}" fill="{fill}"{more}/>')

    def polygon(self, points: Iterable[Point], fill: str, more: str = "") -> None:
        """A filled polygon."""
        self.path(path_of(points), fill, more)

    def line(self, data: str, stroke: str, width: float, more: str = "") -> None:
        """An open path."""
        self.parts.append(f'<path d="{data}" fill="none" stroke="{stroke}" stroke-width="{width:g}"{more}/>')

    def rect(self, x: float, y: float, width: float, height: float, fill: str, more: str = "") -> None:
        """A filled rectangle."""
        data = f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"
        self.path(data, fill, more)

    def disc(self, x: float, y: float, radius: float, fill: str, more: str = "") -> None:
        """A filled circle."""
        self.parts.append(
            f'<circle cx="{short(x)}" cy="{short(y)}" r="{short(radius)}" fill="{fill}"{more}/>'
        )

    def oval(self, x: float, y: float, wide: float, tall: float, fill: str) -> None:
        """A filled ellipse."""
        self.parts.append(
            f'<ellipse cx="{short(x)}" cy="{short(y)}" rx="{short(wide)}" ry="{short(tall)}" fill="{fill}"/>'
        )

    def dots(self, points: Iterable[Point], diameter: float, fill: str, more: str = "") -> None:
        """Round dots of one size, as one path."""
        data = "".join(f"M{short(x)} {short(y)}h0" for x, y in points)
        self.line(data, fill, diameter, f' stroke-linecap="round"{more}')

    def posts(self, points: Iterable[Point], tall: float, stroke: str, width: float) -> None:
        """Upright strokes of one height, downwards from their points, as one path."""
        self.line("".join(f"M{short(x)} {short(y)}v{short(tall)}" for x, y in points), stroke, width)

    def fade(self, stops: Iterable[tuple[float, str, float]], *, across: bool = False) -> str:
        """Paint that changes downwards (or to the right): (place from 0 to 1, colour, opacity)."""
        name = next(self.names)
        body = "".join(
            f'<stop offset="{place:.3g}" stop-color="{colour}"'
            + (f' stop-opacity="{opacity:g}"/>' if opacity < 1 else "/>")
            for place, colour, opacity in stops
        )
        turn = "" if across else ' x2="0" y2="1"'
        self.parts.append(f'<linearGradient id="{name}"{turn}>{body}</linearGradient>')
        return f"url(#{name})"

    def fill(self, paint: str) -> None:
        """Everything."""
        self.rect(self.left, self.top, self.width, self.bottom - self.top, paint)

    def sky(self) -> None:
        """Everything, as air that grows lighter towards the horizon."""
        horizon = -self.top / (self.bottom - self.top)
        self.fill(self.fade([(0, self.palette.top, 1), (horizon, self.palette.low, 1)]))

    def ground(self) -> None:
        """Everything below the horizon."""
        if self.bottom > 0:
            self.rect(self.left, 0, self.width, self.bottom, self.palette.ink)

    def clipped(self, shape: str) -> None:
        """Begin a part that is seen through a shape only (path data); end it with `close`."""
        name = next(self.names)
        self.parts.append(f'<clipPath id="{name}"><path d="{shape}"/></clipPath><g clip-path="url(#{name})">')

    def group(self, attributes: str) -> None:
        """Begin a group; end it with `close`."""
        self.parts.append(f"<g {attributes}>")

    def close(self) -> None:
        """End the innermost group."""
        self.parts.append("</g>")

    def place(self, other: Canvas, x: float, y: float, scale: float) -> None:
        """Paint another drawing with its origin at a point."""
        self.group(f'transform="translate({short(x)} {short(y)})scale({scale:.3g})"')
        self.parts += other.parts
        self.close()
        self.people += other.people
