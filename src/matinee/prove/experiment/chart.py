"""One drawing (SVG) of what every look showed: the difference, and how large it had to be.

Looks keep the difference, its error and how many errors count. The interval of a readout is another one: of
a ratio, it reaches further on one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from matinee.prove.experiment.findings import Look, Readout
from matinee.types import DAY_US

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 16, 34
COLOURS = ("--one", "--two", "--three", "--four")
"""CSS colours of the arms, in order."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Places on the drawing of days and differences."""

    days: float
    low: float
    high: float

    def x(self, day: float) -> float:
        """Horizontal place of a day."""
        return LEFT + (WIDTH - LEFT - RIGHT) * day / self.days

    def y(self, value: float) -> float:
        """Vertical place of a difference."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def chart(readout: Readout) -> Markup:
    """The drawing; empty where nothing has been seen.

    Differences are shown as shares of the control, or in the metric's own measure where that is not above 0.
    The band is where a difference does not count.
    """
    shown = {one.arm: one for one in readout.primary}
    looks = [look for look in readout.looks if any(look.error.get(arm) for arm in shown)]
    if not looks:
        return Markup()
    share = next(iter(shown.values())).lift is not None
    days = [(look.until_us - readout.started_us) / DAY_US for look in looks]
    length = days[-1] if readout.ends_us is None else (readout.ends_us - readout.started_us) / DAY_US
    scale = Scale(max(length, days[-1], 1e-9) * 1.03, *_range(looks, list(shown)))
    parts = [_axes(scale, share)]
    for i, arm in enumerate(shown):
        parts.append(_series(looks, days, arm, scale, share, (i, len(shown))))
    label = escape(f"Difference in {readout.primary_metric} at each of {len(looks)} looks")
    return Markup(  # every text in it is escaped
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _range(looks: Sequence[Look], arms: Sequence[str]) -> tuple[float, float]:
    """Lowest and highest difference that is drawn: of the intervals, the widest first ones cut off."""
    ends = [0.0]
    widths = []
    for look in looks:
        for arm in arms:
            value, half = _figures(look, arm)
            if value is not None:
                widths.append((value, half))
    usual = float(np.median([half for _, half in widths])) if widths else 1.0
    for value, half in widths:
        ends += [value - min(half, 2.5 * usual), value + min(half, 2.5 * usual)]
    low, high = min(ends), max(ends)
    room = 0.06 * ((high - low) or 1.0)
    return low - room, high + room


def _figures(look: Look, arm: str) -> tuple[float | None, float]:
    value, error, bound = look.estimate.get(arm), look.error.get(arm), look.bound.get(arm)
    if value is None or error is None or bound is None:
        return None, 0.0
    return value, bound * error


def _axes(scale: Scale, share: bool) -> str:
    out = []
    for value in _ticks(scale.low, scale.high):
        y, zero = scale.y(value), abs(value) < 1e-12
        text = f"{100 * value:+.4g} %" if share else f"{value:+.4g}"
        out.append(
            f'<line class="{"zero" if zero else "grid"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{"0" if zero else text}</text>'
        )
    for day in _ticks(0.0, scale.days):
        if day <= scale.days:
            x = scale.x(day)
            out.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{_day(day)}</text>')
    return "".join(out)


def _day(day: float) -> str:
    return f"day {day:g}" if day else "start"


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers."""
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough))
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    return [round(k * step, 10) for k in range(first, last + 1)]


def _series(
    looks: Sequence[Look], days: Sequence[float], arm: str, scale: Scale, share: bool, place: tuple[int, int]
) -> str:
    """Band, intervals, line and points of one arm; `place` is its number and how many there are."""
    colour = COLOURS[place[0] % len(COLOURS)]
    shift = (place[0] - (place[1] - 1) / 2) * 5
    found = []
    for look, day in zip(looks, days, strict=True):
        value, half = _figures(look, arm)
        if value is not None:
            found.append((scale.x(day) + shift, value, half))
    if not found:
        return ""

    def y(value: float) -> float:
        return scale.y(min(max(value, scale.low), scale.high))

    top = [f"{x:.1f},{y(half):.1f}" for x, _, half in found]
    bottom = [f"{x:.1f},{y(-half):.1f}" for x, _, half in reversed(found)]
    line = " ".join(f"{x:.1f},{y(value):.1f}" for x, value, _ in found)
    out = [
        f'<g style="--c: var({colour})">',
        f'<polygon class="band" points="{" ".join(top + bottom)}"/>' if len(found) > 1 else "",
        f'<polyline class="line" points="{line}"/>',
    ]
    for x, value, half in found:
        title = f"{arm}: {100 * value:+.2f} %" if share else f"{arm}: {value:+.4g}"
        low, high = y(value - half), y(value + half)
        out.append(
            f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{y(value):.1f}" r="4">'
            f"<title>{escape(title)}</title></circle>"
        )
    return "".join([*out, "</g>"])
