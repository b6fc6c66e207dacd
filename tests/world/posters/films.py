"""Titles that are hard to draw: every genre, long and short names, other scripts, characters of XML."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.observe.importers.film_facts import TitleFacts
from matinee.world.posters.cues import CUES

NAMES = (
    "M",
    "8½",
    "Up",
    "Alien",
    "Élisa, été à Łódź",
    "Supercalifragilisticexpialidocious",
    "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
    "The Englishman Who Went Up a Hill But Came Down a Mountain, and What He Found There on His Return",
    "七人の侍",
    "千と千尋の神隠し、そしてそのあとの長い長い帰り道の物語",
    "올드보이",
    "باب الحديد",
    "ואלס עם באשיר",
    "Иди и смотри",
    "มนต์รักทรานซิสเตอร์",
    '<script>alert("x")</script> & Sons',
    "]]> --> 'quoted' \"twice\" url(http://x) javascript: \\",
    "   \x00\x07 \ud800 ",
    "x" * 400,
    "word " * 90,
)


def film(
    name: str = "Alien",
    genres: Sequence[str] = ("Drama",),
    *,
    title_id: str = "t1",
    maturity: int | None = 12,
    release_date: str | None = "1979-05-25",
) -> TitleFacts:
    return TitleFacts(title_id, name, release_date, genres=tuple(genres), maturity=maturity)


def of_every_genre() -> list[TitleFacts]:
    return [film(f"A film of {name}", (name,), title_id=name) for name in CUES]
