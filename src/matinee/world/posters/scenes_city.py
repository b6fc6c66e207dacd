"""Scenes of streets and rooms. For the units see `Canvas`: the horizon is y = 0, the focus x = 0."""

from __future__ import annotations

from matinee.world.posters.canvas import Canvas, Point, short
from matinee.world.posters.colour import mix


def houses(c: Canvas, low: float, high: float, share: float, *, windows: float = 0.0) -> None:
    """A row of tall houses; `share` of the way to the front, `windows` of their windows lit."""
    points: list[Point] = [(c.left, 0.5)]
    lit: list[Point] = []
    x = c.left
    while x < c.right:
        wide, top = c.within(9, 17), -c.within(low, high)
        points += [(x, top), (min(x + wide, c.right), top)]
        for row in range(int(-top / 7)):
            spots = ((x + share * wide, top + 5 + 7 * row) for share in (0.28, 0.72))
            lit += [spot for spot in spots if c.random.random() < windows]
        x += wide
    c.polygon([*points, (c.right, 0.5)], c.palette.depth(share))
    if lit:
        c.posts(lit, 2.5, c.palette.accent, 1.8)


def rain(c: Canvas) -> None:
    """Slanted lines over the sky."""
    drops = "".join(
        f"M{short(c.within(c.left, c.right + 8))} {short(c.within(c.top, -8))}l-{short(a)} {short(4 * a)}"
        for a in (c.within(1.2, 3) for _ in range(34))
    )
    c.line(drops, c.palette.paper, 0.35, ' opacity=".4"')


def skyline(c: Canvas) -> None:
    """A wet city at night."""
    c.sky()
    c.disc(c.within(-18, 18), -72, 13, c.palette.accent)
    houses(c, 40, 66, 0.35)
    houses(c, 18, 44, 0.72, windows=0.3)
    rain(c)
    c.ground()


def blinds(c: Canvas) -> None:
    """A dark office: light through blinds, a lamp, a hat on the desk."""
    p = c.palette
    c.fill(mix(p.ink, p.low, 0.22))
    bars = "".join(f"M-46 {8 * i - 86}l92-16v3.6l-92 16z" for i in range(9))
    c.path(bars, mix(p.low, p.accent, 0.35), ' opacity=".85"')
    c.polygon([(-7, -60), (7, -60), (34, 0), (-34, 0)], p.accent, ' opacity=".3"')
    c.line(f"M0 {short(c.top)}V-66", p.ink, 0.8)
    c.path("M-12-58q12-20 24 0z", p.ink)
    c.path("M-20-13q20 7 40 0q-4-3-9-3q-1-14-7-13q-4 4-8 0q-6-1-7 13q-5 0-9 3z", p.ink)
    c.rect(-48, -9.5, 96, 10, p.ink)
    c.ground()


def door(c: Canvas) -> None:
    """A door ajar at the end of a dark room."""
    p = c.palette
    c.fill(c.fade([(0, p.top, 1), (1, mix(p.top, p.low, 0.45), 1)]))
    boards = [(c.left + i * c.width / 7, c.top) for i in range(1, 7)]
    c.posts(boards, -c.top, mix(p.top, p.ink, 0.4), 0.5)
    c.rect(c.left, -12, c.width, 12.5, mix(p.top, p.ink, 0.6))
    c.rect(-22, -85, 44, 73, p.ink)
    c.rect(-19, -82, 38, 70, p.accent)
    c.path("M-19-12H19L46 .5H-30z", p.accent, ' opacity=".55"')
    c.path("M-19-82 6-77V-5L-19-12z", p.depth(0.8))
    c.disc(2, -43, 1.7, p.accent)
    c.ground()


def spiral(c: Canvas) -> None:
    """Rings that draw the eye into their middle."""
    p = c.palette
    c.fill(p.ink)
    turn, n, y = c.within(0, 6), 11, c.top * 0.48
    reach = max(c.width, -c.top) * 0.82
    for i in range(n):
        radius = reach * (1 - i / n) ** 1.25
        x = 0.13 * radius * (1 if (i + turn) % 4 < 2 else -1)
        rise = 0.13 * radius * (1 if (i + turn) % 3 < 1.5 else -1)
        c.disc(x, y + rise, radius, mix(p.top, p.low, i / n) if i % 2 else p.ink)
    c.disc(0, y, 6, p.accent)
    c.ground()


def road(c: Canvas) -> None:
    """Rays of a low sun over a straight road."""
    p = c.palette
    c.fill(p.low)
    ends: tuple[tuple[float, float, float, float], ...] = (  # where a ray's two edges go, in units of 50
        (-9, 0.7, -9, 2.7),
        (-9, 5.6, -6.7, 9),
        (-4, 9, -1.8, 9),
        (0.4, 9, 2.7, 9),
        (5.2, 9, 8.5, 9),
        (9, 6, 9, 3),
        (9, 1.2, 9, -0.2),
    )
    rays = (f"M0-20L{50 * a:g} {-20 - 50 * b:g} {50 * d:g} {-20 - 50 * e:g}z" for a, b, d, e in ends)
    c.path("".join(rays), p.top)
    c.disc(0, -20, 25, p.accent)
    hills = [(c.left + i * c.width / 9, -20 - c.within(1, 8)) for i in range(10)]
    c.polygon([(c.left, 0), *hills, (c.right, 0)], p.depth(0.75))
    c.rect(c.left, -17, c.width, 17.5, p.ink)
    c.path("M-.4-17h.8L26 .5H-26z", p.depth(0.7))
    c.path("M0-15L1.8 .5H-1.8z", p.accent)
    c.ground()


def street(c: Canvas) -> None:
    """A row of gabled houses in different colours on a fine day."""
    p = c.palette
    c.sky()
    c.disc(-26, -78, 10, p.accent)
    tones = (p.depth(0.45), p.accent, p.depth(0.7), mix(p.top, p.ink, 0.25), mix(p.accent, p.ink, 0.3))
    x, n = c.left - 4, int(c.within(0, 5))
    while x < c.right:
        wide, top = c.within(19, 25), -c.within(30, 50)
        gable = [(x, 0.0), (x, top), (x + wide / 2, top - 11), (x + wide, top), (x + wide, 0.0)]
        c.polygon(gable, tones[n % len(tones)])
        rows = range(int((-top - 14) / 12) + 1)
        c.posts([(x + wide * share, top + 5 + 12 * k) for k in rows for share in (0.3, 0.7)], 6, p.paper, 4)
        c.rect(x + wide * 0.4, -11, wide * 0.22, 11, p.ink)
        x, n = x + wide, n + 1
    c.ground()


def window(c: Canvas) -> None:
    """A tall window at evening, its light on the floor, one chair."""
    p = c.palette
    wall = mix(p.top, p.ink, 0.35)
    c.fill(wall)
    c.rect(c.left, -16, c.width, 16.5, mix(wall, p.ink, 0.55))
    c.rect(-28, -88, 40, 56, c.fade([(0, p.low, 1), (1, p.accent, 1)]))
    c.line("M-8-88v56M-28-62h40", wall, 1.8)
    c.path("M-22-14h42L38 .5H-10z", p.accent, ' opacity=".45"')
    c.line("M16-8v-19h17V-8M33-27l3-25M34-38", p.ink, 2.2, ' stroke-linejoin="round"')
    c.ground()


def study(c: Canvas) -> None:
    """A desk at night: a lamp, books, an open page."""
    p = c.palette
    c.sky()
    c.disc(0, -46, 40, p.accent, ' opacity=".22"')
    c.disc(0, -46, 25, p.accent, ' opacity=".4"')
    for i, tone in enumerate((p.depth(0.85), p.accent, p.depth(0.6), p.paper, p.depth(0.75))):
        c.rect(c.within(-44, -39), -11 - 6 * i, c.within(24, 31), 5.6, tone)
    c.path("M8-5q10-8 18 0q8-8 18 0z", p.paper)
    c.line("M-2-5v-30l14-24", p.ink, 1.8)
    c.path("M4-49l22 2q-1-17-14-17zM-8-8h14v3h-14z", p.ink)
    c.rect(c.left, -5, c.width, 5.5, p.ink)
    c.ground()
