"""Scenes under an open sky. For the units see `Canvas`: the horizon is y = 0, the focus x = 0."""

from __future__ import annotations

from matinee.world.posters.canvas import Canvas, Point, short
from matinee.world.posters.colour import mix


def ridge(c: Canvas, height: float, rough: float, share: float, steps: int = 8) -> None:
    """Hills as one soft line, `share` of the way to the front."""
    ys = [-height - c.within(-rough, rough) for _ in range(steps + 1)]
    wide = c.width / steps
    data = f"M{short(c.left)} {short(ys[0])}"
    for i in range(steps):
        x, y = c.left + (i + 0.5) * wide, ys[i + 1]
        data += f"C{short(x)} {short(ys[i])} {short(x)} {short(y)} {short(x + wide / 2)} {short(y)}"
    c.path(f"{data}V.5H{short(c.left)}z", c.palette.depth(share))


def crags(c: Canvas, number: int, high: tuple[float, float], low: tuple[float, float], share: float) -> None:
    """Peaks and gaps in turn."""
    tops = [
        (c.left + i * c.width / number, -(c.within(*high) if i % 2 else c.within(*low)))
        for i in range(number + 1)
    ]
    c.polygon([(c.left, 0.5), *tops, (c.right, 0.5)], c.palette.depth(share))


def stars(c: Canvas, number: int) -> None:
    """Small stars in the upper part of the sky."""
    points = [(c.within(c.left, c.right), c.within(c.top, 0.3 * c.top)) for _ in range(number)]
    c.dots(points[::3], 0.9, c.palette.paper)
    c.dots(points[1::3] + points[2::3], 0.5, c.palette.paper, ' opacity=".7"')


def cloud(c: Canvas, x: float, y: float, size: float) -> None:
    """A flat-bottomed cloud, `size` wide."""
    more = f' transform="translate({short(x)} {short(y)})scale({size / 100:.2f})"'
    c.path(
        "M-50 0a16 16 0 0 1 15-20a22 22 0 0 1 40-10a18 18 0 0 1 30 12a10 10 0 0 1 10 18z",
        c.palette.paper,
        more,
    )


def peaks(c: Canvas) -> None:
    """Mountains behind mountains, snow on the highest."""
    p = c.palette
    c.sky()
    c.disc(c.within(14, 26), -74, 12, p.accent)
    crags(c, 6, (30, 44), (16, 24), 0.22)
    c.path("M-62 0L-6-68 50 0z", p.depth(0.5))
    c.path("M-6-68L50 0H4L-12-40z", p.depth(0.62))
    c.path("M-6-68L9.5-49 3-52-4-45-11-52-21-50z", p.paper)
    crags(c, 7, (12, 22), (2, 7), 0.85)
    c.ground()


def tree(c: Canvas) -> None:
    """One old tree before a large sun."""
    p = c.palette
    c.sky()
    c.disc(c.within(-12, 12), -48, 35, p.accent)
    ridge(c, 9, 4, 0.35)
    c.path(
        "M-6 2Q-1.5-13-2-33L-13-47-11-49-1-40 0-55H2L2-39 13-49 14-47 3-31Q2-13 8 2z",
        p.ink,
    )
    crown = ((-17, 49), (-9, 60), (3, 65), (14, 59), (20, 49), (8, 53), (-4, 53))
    c.dots([(a + c.within(-2, 2), c.within(-2, 2) - b) for a, b in crown], 21, p.ink)
    c.path(f"M{short(c.left)} .5V-2Q0-12 {short(c.right)}-1V.5z", p.ink)
    c.ground()


def mesa(c: Canvas) -> None:
    """Table mountains and a cactus under a great sun."""
    p = c.palette
    c.sky()
    c.disc(0, -48, 28, p.accent)
    for left, wide, tall, share in ((-58, 44, 30, 0.3), (14, 56, 40, 0.5), (-30, 30, 18, 0.66)):
        right, top = left + wide, -tall
        slope: list[Point] = [(left - 7, 0), (left, top + 10), (left + 2, top)]
        c.polygon([*slope, (right - 4, top), (right - 2, top + 9), (right + 8, 0)], p.depth(share))
    ridge(c, 3, 2, 0.82)
    x = short(-c.within(24, 32))
    cactus = f"M{x} 1v-36M{x}-13h-7q-3 0-3-3v-9M{x}-9h6q3 0 3-3v-12"
    c.line(cactus, p.ink, 4.4, ' stroke-linecap="round"')
    c.ground()


def sea(c: Canvas) -> None:
    """The sun goes down into the sea; a small boat."""
    p = c.palette
    c.sky()
    c.disc(0, -28, 27, p.accent)
    c.rect(c.left, -24, c.width, 24.5, p.depth(0.45))
    glints = "".join(
        f"M{short(c.within(-5, 5) - a)} {4 * i - 21}h{2 * a}" for i, a in enumerate((22, 15, 18, 9, 11))
    )
    c.line(glints, p.accent, 1.3, ' stroke-linecap="round" opacity=".8"')
    boat = "M-8-21h16l-3 4h-10zM0-22v-19l8 18zM-1.5-22v-14l-6 13z"
    c.path(boat, p.ink, f' transform="translate({short(c.within(20, 30))})"')
    c.path(f"M{short(c.left)} .5V-5Q-20-7 5-1T{short(c.right)}-2V.5z", p.ink)
    c.ground()


def wire(c: Canvas) -> None:
    """A bare field at first light: posts, wire, poppies."""
    p = c.palette
    c.sky()
    c.disc(c.within(-8, 8), -24, 17, mix(p.low, p.accent, 0.75))
    ridge(c, 15, 3, 0.3)
    ridge(c, 7, 3, 0.6)
    tops = ((-52, -38), (-27, -32), (-4, -39), (21, -31), (46, -40))
    c.line("".join(f"M{a} {b}L{short(a + c.within(-3, 3))} 1" for a, b in tops), p.ink, 2.2)
    for drop in (4, 14):
        bows = "".join(f"Q{a - 12} {b + drop + 9} {a} {b + drop}" for a, b in tops)
        c.line(f"M-92 {drop - 32}{bows}l40 8", p.ink, 0.7)
    ridge(c, 2, 2, 1.0)
    flowers = [(11 * i - 44 + c.within(-3, 3), -c.within(4, 9)) for i in range(9)]
    c.posts(flowers, 9, p.ink, 0.7)
    c.dots(flowers, 4.2, p.accent)
    c.ground()


def manor(c: Canvas) -> None:
    """A house on a hill, the moon behind it, two windows lit."""
    p = c.palette
    c.sky()
    c.disc(c.within(-6, 10), -60, 31, p.accent)
    ridge(c, 10, 5, 0.45)
    c.path(f"M{short(c.left)} .5Q-30-2-14-24H20Q34-4 {short(c.right)} .5z", p.ink)
    c.path(
        "M-14-23V-43H-17L-8-56-5-52V-65H-8L-1-81 6-65H4V-50L8-54H16L22-42H19V-23z",
        p.ink,
    )
    c.line("M-1.5-59v5", p.accent, 2.8)
    c.line("M12-39v6", p.accent, 3.4)
    bare = "M-34 1q3-20-1-42m1 24l10-17l-1-8m1 8l7-4m-17 11l-10-10v-9m0 9l-6-3"
    c.line(bare, p.ink, 1.7, ' stroke-linecap="round"')
    bats = "".join(
        f"M{short(c.within(-26, 36))} {short(-c.within(68, 92))}q2-3 4 0q2-3 4 0q-3-1-4 2q-1-3-4-2z"
        for _ in range(4)
    )
    c.path(bats, p.ink)
    c.ground()


def castle(c: Canvas) -> None:
    """Towers on a rock above the mist."""
    p = c.palette
    c.sky()
    stars(c, 30)
    c.path("M-16-86a13 13 0 1 0 7 17a11 11 0 1 1-7-17z", p.accent)
    ridge(c, 18, 8, 0.25, 5)
    c.path("M-40 0L-25-18-21-26H25L31-15 44 0z", p.depth(0.7))
    tone = p.depth(0.86)
    towers = ((-20, 8, 22), (-9, 9, 36), (2, 10, 47), (14, 8, 27))
    walls = "".join(f"M{x}-25.5v-{tall}h{wide}v{tall}z" for x, wide, tall in towers)
    c.path(f"M-16-41h34v16h-34z{walls}", tone)
    roofs = (
        f"M{x - 1.5:g} {-25 - tall}l{wide / 2 + 1.5:g} {-1.5 * wide:g} {wide / 2 + 1.5:g} {1.5 * wide:g}z"
        for x, wide, tall in towers
    )
    c.path("".join(roofs), p.ink)
    c.posts([(x + wide / 2, -20 - tall) for x, wide, tall in towers], 4, p.accent, 2)
    ridge(c, 7, 3, 0.92)
    c.ground()


def planet(c: Canvas) -> None:
    """A ringed world above the curve of another."""
    p = c.palette
    c.fill(c.fade([(0, p.ink, 1), (0.5, p.top, 1), (1, mix(p.top, p.low, 0.6), 1)]))
    stars(c, 60)
    body = c.fade([(0, p.low, 1), (1, mix(p.low, p.ink, 0.75), 1)])
    c.group(f'transform="translate(0-58)rotate({c.within(-26, -14):.0f})"')
    c.line("M-45 0a45 11 0 0 1 90 0", p.accent, 2.6)
    c.disc(0, 0, 25, body)
    c.line("M-45 0a45 11 0 0 0 90 0", p.accent, 2.6)
    c.close()
    c.disc(-33, -28, 5, p.paper)
    middle, far = (c.left + c.right) / 2, 1.1 * c.width
    c.disc(middle, far - 15, far, mix(p.low, p.ink, 0.35))
    c.disc(middle, far - 13, far, p.ink)
    c.ground()


def hills(c: Canvas) -> None:
    """Round hills, round trees, round clouds."""
    p = c.palette
    c.sky()
    c.disc(24, -72, 17, p.accent, ' opacity=".25"')
    c.disc(24, -72, 12, p.accent)
    cloud(c, -24, -66, 30)
    cloud(c, 40, -52, 22)
    for place, radius, share in ((-44, 46, 0.3), (42, 52, 0.45), (-6, 38, 0.62)):
        c.disc(place + c.within(-5, 5), radius * 0.35, radius, p.depth(share))
    trees: list[Point] = [(-40, -34), (-30, -29), (34, -35), (45, -40), (-2, -27)]
    c.posts(trees, 12, p.ink, 1.3)
    c.dots(trees, 10, p.depth(0.85))
    c.dots(trees[1::2], 10, p.accent)
    ridge(c, 4, 3, 1.0, 4)
    c.ground()


def balloons(c: Canvas) -> None:
    """A bunch of balloons over the clouds."""
    p = c.palette
    c.sky()
    cloud(c, -34, -26, 36)
    cloud(c, 36, -40, 30)
    tones = (p.accent, p.depth(0.6), mix(p.accent, p.paper, 0.55), p.ink, mix(p.accent, p.ink, 0.35))
    spots = ((-22, -58), (-4, -72), (16, -62), (-9, -50), (9, -46))
    c.line("".join(f"M{a} {b + 15}Q{a} {b + 29} 0 0" for a, b in spots), p.ink, 0.6)
    for (a, b), tone in zip(spots, tones, strict=True):
        c.path(f"M{a} {b + 15}c-22-12-14-31 0-31s22 19 0 31l2 3h-4z", tone)
    glints = "".join(f"M{a - 6} {b - 3}q0-6 4-8" for a, b in spots)
    c.line(glints, p.paper, 1.4, ' stroke-linecap="round" opacity=".75"')
    ridge(c, 5, 3, 1.0, 4)
    c.ground()


def home(c: Canvas) -> None:
    """A lit house, a tree, a fence."""
    p = c.palette
    roof = p.depth(0.8)
    c.sky()
    c.disc(30, -76, 11, p.accent)
    ridge(c, 18, 5, 0.25)
    c.line("M-34 0v-34", p.ink, 2.4)
    c.dots([(-40, -34), (-28, -35), (-34, -44)], 19, p.depth(0.55))
    c.rect(-18, -32, 52, 32, p.paper)
    c.path("M12-61h6v18h-6zM-24-31.5L-8-54H24L40-31.5zM3-20h10V0H3z", roof)
    c.line("M-8-23v9M24-23v9", p.accent, 9)
    pickets = [(c.left + 6 * i, -10.0) for i in range(int(c.width / 6) + 1)]
    c.posts(pickets, 10.5, p.ink, 1.7)
    c.rect(c.left, -7, c.width, 1.7, p.ink)
    c.ground()
