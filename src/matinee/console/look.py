"""How a visitor wants to see the pages: language and theme, in a cookie of its own that outlives the session.

It holds one of a few known words, so it needs no signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

COOKIE = "matinee_look"
KEPT_S = 365 * 86_400
Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)


@dataclass(frozen=True, slots=True)
class Look:
    """Language and theme.

    Attributes
    ----------
    language : str
        Empty: as the browser prefers.
    """

    language: str = ""
    theme: Theme = "auto"

    @property
    def cookie(self) -> str:
        """The value of its cookie."""
        return f"{self.language}.{self.theme}"


def read(cookie: str | None) -> Look:
    """The look of a cookie; what it does not know is left at its default.

    Examples
    --------
    >>> read("de.dark"), read("<script>.x"), read(None).theme
    (Look(language='de', theme='dark'), Look(language='', theme='auto'), 'auto')
    """
    language, _, theme = (cookie or "").partition(".")
    return Look(language if language.isalpha() and len(language) <= 3 else "", theme_of(theme))


def theme_of(text: str) -> Theme:
    """A theme by its name, "auto" for all else."""
    return next((theme for theme in THEMES if theme == text), "auto")
