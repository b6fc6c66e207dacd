"""People as silhouettes, near by or far away. They are nobody in particular."""

from __future__ import annotations

from matinee.world.posters.canvas import Canvas, short

HEAD = (
    "M0 0c22 0 37 20 36 45c0 14-4 26-10 34v14c0 12 12 17 30 22c30 8 50 20 56 50l14 160h-252l14-160"
    "c6-30 26-42 56-50c18-5 30-10 30-22v-14c-6-8-10-20-10-34c-1-25 14-45 36-45z"
)
"""Head and shoulders, 100 units from crown to chin, 0 at the crown."""
HAIR = {
    "short": "M0-7c30-1 46 19 42 48c-6-12-12-22-20-26c-18 4-40 2-48 2c-8 8-12 14-16 24c-5-28 12-47 42-48z",
    "long": "M0-8c32 0 46 22 46 52c0 30 6 50 14 72c-22 8-34-2-36-14h-48c-2 12-14 22-36 14"
    "c8-22 14-42 14-72c0-30 14-52 46-52z",
    "bun": "M-17-12a18 18 0 1 1 34 0c16 6 26 26 21 58c-4-12-8-18-12-20h-52c-4 2-8 8-12 20c-5-32 5-52 21-58z",
    "curls": "M-38 50c-18-8-18-28-4-34c-6-18 12-30 24-24c8-14 30-14 38 0c14-6 28 8 22 24c14 6 14 26-4 34z",
    "hat": "M-74 20c14-8 30-10 38-10c2-26 8-42 20-42c8 0 10 6 16 6s8-6 16-6c12 0 18 16 20 42"
    "c8 0 24 2 38 10c-28 14-120 14-148 0z",
    "hood": "M0-18c40 0 58 34 56 70c-1 26 4 46 22 66h-156c18-20 23-40 22-66c-2-36 16-70 56-70z",
}
"""What is on the head, drawn over it."""
PROFILE = (
    "M-118 330c4-90 20-150 62-170c24-10 30-26 28-48c-26-14-36-74-10-102c22-24 62-24 78 2c5 8 6 18 3 28"
    "c2 8 9 16 13 24c2 6-4 8-9 9c1 4 3 7 2 10l-4 3 3 6c-3 4 2 11-2 17c-5 7-20 4-32 2c-2 16 4 32 22 38"
    "c34 12 48 60 54 181z"
)
"""Head from the side, looking right, with its shoulder."""
BODIES = (
    "M-3 13c-8 1-11 4-11 12l-3 29h5l-1 9 3 36h8l2-35h0l2 35h8l3-36-1-9h5l-3-29c0-8-3-11-11-12z",
    "M-3 13c-7 1-9 4-9 10l-3 27h4l4-10-9 32h8l1 27h5l2-27 2 27h5l1-27h8l-9-32 4 10h4l-3-27c0-6-2-9-9-10z",
    "M-3 13c-8 1-11 5-12 12l-6 22 5 1 7-15-2 26-12 38 8 2 15-34 12 33 8-3-11-35-1-26 8 13 5-3-10-18"
    "c-2-8-4-12-8-13z",
)
"""Whole figures, 100 units tall, without heads: in a coat, in a dress, walking."""


def bust(c: Canvas, x: float, y: float, size: float, wear: str, fill: str, rim: str) -> None:
    """Head and shoulders.

    Parameters
    ----------
    x, y : float
        Crown of the head.
    size : float
        From crown to chin.
    wear : str
        Key of `HAIR`.
    rim : str
        Colour of a light from the side.
    """
    for colour, shift in ((rim, 0.045 * size), (fill, 0.0)):
        c.path(HEAD + HAIR[wear], colour, _at(x - shift, y, size / 100))
    c.people += 1


def profile(c: Canvas, x: float, y: float, size: float, fill: str, *, left: bool = False) -> None:
    """A head from the side, looking to the right, or to the left."""
    c.path(PROFILE, fill, _at(x, y, size / 100, left=left))
    c.people += 1


def standing(c: Canvas, x: float, foot: float, tall: float, fill: str) -> None:
    """A whole figure whose feet are at (x, foot)."""
    head = "M-7 7a7 7.5 0 1 0 14 0a7 7.5 0 1 0-14 0z"
    c.path(head + c.one_of(BODIES), fill, _at(x, foot - tall, tall / 100))
    c.people += 1


def _at(x: float, y: float, scale: float, *, left: bool = False) -> str:
    size = f"{-scale:.3f} {scale:.3f}" if left else f"{scale:.3f}"
    return f' transform="translate({short(x)} {short(y)})scale({size})"'
