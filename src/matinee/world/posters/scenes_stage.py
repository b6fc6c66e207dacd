"""Scenes of stages, halls and signs. For the units see `Canvas`: the horizon is y = 0, the focus x = 0."""

from __future__ import annotations

import math

from matinee.world.posters.canvas import Canvas, Point, short
from matinee.world.posters.colour import mix


def curtain(c: Canvas) -> None:
    """A curtain, a spotlight, a microphone."""
    p = c.palette
    c.fill(mix(p.ink, p.top, 0.35))
    c.polygon([(-5, c.top), (5, c.top), (30, -5), (-30, -5)], p.paper, ' opacity=".35"')
    c.oval(0, -5, 30, 4, p.paper)
    c.line("M0-5v-41m-6 41h12", p.ink, 1.4)
    c.line("M0-47v-5", p.ink, 5.5, ' stroke-linecap="round"')
    _drape(c, c.left, -27)
    _drape(c, c.right, 27)
    n = max(4, round(c.width / 25))
    half = c.width / n / 2
    swags = "".join(f"a{half:.2f} 13 0 0 0 {2 * half:.2f} 0" for _ in range(n))
    left, top = short(c.left), short(c.top)
    c.path(f"M{left} {top}v12{swags}V{top}z", mix(p.accent, p.ink, 0.45))
    c.rect(c.left, -0.3, c.width, 2.2, mix(p.ink, p.accent, 0.35))
    c.ground()


def _drape(c: Canvas, edge: float, inner: float) -> None:
    """Folds of cloth from the edge of the picture inwards, gathered towards the floor."""
    p = c.palette
    n = max(3, round(abs(inner - edge) / 9))
    wide, bend = (inner - edge) / n, short(0.4 * c.top)
    for i in range(n):
        a, b = edge + i * wide, edge + (i + 1.05) * wide
        foot = 1 - 0.28 * i / n
        low, high = short(edge + (a - edge) * foot), short(edge + (b - edge) * foot)
        data = f"M{short(a)} {short(c.top)}H{short(b)}Q{short(b)} {bend} {high} 0H{low}Q{short(a)} {bend} "
        c.path(f"{data}{short(a)} {short(c.top)}z", mix(p.accent, p.ink, 0.32) if i % 2 else p.accent)


def staff(c: Canvas) -> None:
    """Five lines of music in a wave, and the notes on them."""
    p = c.palette
    c.sky()
    c.disc(0, -50, 33, p.accent)
    swing = c.within(14, 22) * (1 if c.random.random() < 0.5 else -1)

    def wave(x: float) -> float:
        return -34 - swing * math.sin(2 * math.pi * (x - c.left) / c.width)

    lines = ""
    for i in range(5):
        xs = [c.left + k * c.width / 12 for k in range(13)]
        lines += "M" + "L".join(f"{short(x)} {short(wave(x) - 7 * i)}" for x in xs)
    c.line(lines, p.ink, 0.8, ' stroke-linejoin="round"')
    n = max(6, int(c.width / 17))
    heads: list[Point] = []
    for i in range(n):
        x = c.left + (i + 0.5) * c.width / n
        heads.append((x, wave(x) - 3.5 * int(c.within(0, 8))))
    c.posts([(x + 3, y - 21) for x, y in heads], 21, p.ink, 1.2)
    pairs = zip(heads[::2], heads[1::2], strict=False)
    beams = (f"M{short(a + 3)} {short(b - 20)}L{short(d + 3)} {short(e - 20)}" for (a, b), (d, e) in pairs)
    c.line("".join(beams), p.ink, 3.4)
    for x, y in heads:
        c.oval(x, y, 4, 3, p.ink)
    c.ground()


def film(c: Canvas) -> None:
    """A strip of film across a globe of lines."""
    p = c.palette
    c.sky()
    y = c.top / 2
    c.group(f'transform="translate(0 {short(y)})"')
    globe = "".join(f"M0-40a{r} 40 0 0 1 0 80a{r} 40 0 0 1 0-80" for r in (14, 28, 40))
    c.line(f"{globe}M-32-24h64M-40 0h80M-32 24h64", p.ink, 0.6, ' opacity=".55"')
    c.group(f'transform="rotate({c.within(-24, -14):.0f})"')
    reach = int(c.width + c.bottom - c.top)
    c.rect(-reach, -21, 2 * reach, 42, p.ink)
    c.line(f"M-{reach}-17h{2 * reach}M-{reach} 17h{2 * reach}", p.paper, 4, ' stroke-dasharray="3.4 3.6"')
    for x in range(-168, 169, 42):
        if c.left - 30 < x < c.right + 30:
            c.rect(x - 19, -12, 38, 24, p.accent if x % 84 else p.low)
            c.path(f"M{x - 19} 12L{x - 6}-4 {x + 2} 4 {x + 9}-2 {x + 19} 12z", p.depth(0.7))
            c.disc(x + 10, -6, 3, p.paper)
    c.close()
    c.close()
    c.ground()


def arcade(c: Canvas) -> None:
    """Arches one behind the other, the light at their end."""
    p = c.palette
    c.fill(p.depth(0.8))
    for half, straight, share in ((46, 46, 0.58), (36, 40, 0.38), (27, 35, 0.2), (19, 31, 0.0)):
        arch = f"M-{half} .5v-{straight}a{half} {half} 0 0 1 {2 * half} 0v{straight}z"
        c.path(arch, p.depth(share) if share else p.accent)
    c.disc(0, -24, 9, p.paper)
    c.line("M-22-7h44M-28-4.4h56M-34-1.8h68", p.ink, 2.2)
    c.ground()


def track(c: Canvas) -> None:
    """A running track that leads into the floodlights."""
    p = c.palette
    c.sky()
    for x in (-36, 36):
        c.path(f"M{x - 8}-74h16L40-20H-40z", p.paper, ' opacity=".16"')
        c.line(f"M{x}-30v-44", p.ink, 1.8)
        c.rect(x - 10, -80, 20, 11, p.ink)
        c.dots([(x + b, -d) for b in (-6, 0, 6) for d in (72, 77)], 3.4, p.paper)
    left, right = short(c.left), short(c.right)
    c.path(f"M{left}-40Q0-24 {right}-40V0H{left}z", p.depth(0.7))
    c.rect(c.left, -29, c.width, 29.5, mix(p.accent, p.ink, 0.5))
    lanes = "".join(f"M{a / 8:g}-29L{a} .5" for a in (-150, -92, -52, -18, 18, 52, 92, 150))
    c.line(lanes, p.paper, 1)
    c.rect(c.left, -31, c.width, 2.4, p.ink)
    c.ground()


def shapes(c: Canvas) -> None:
    """Circles and bars: for a title of which nothing is known."""
    p = c.palette
    c.sky()
    c.disc(-14, -56, 27, p.accent)
    c.disc(17, -36, 27, p.depth(0.55), ' opacity=".85"')
    c.path("M-44 0a22 22 0 0 1 44 0z", p.depth(0.8))
    c.posts([(16 + 7 * i, -10 - 7 * i) for i in range(4)], 32, p.ink, 3.4)
    c.ground()
