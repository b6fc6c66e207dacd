"""Text as search compares it: small letters, no accents, words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 200
"""Characters of a query that are looked at."""
MOST_WORDS = 12
_WORD = re.compile(r"[^\W_]+")
_ELIDED = re.compile(r"\b([^\W\d_]{1,2})['\u2019](?=\w{2})")
"""An article that lost its vowel: d'Amélie, l'Avventura, O'Brien."""
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "'": "", "\u2019": ""}
)


def plain(text: str) -> str:
    """A text in small letters without accents.

    Examples
    --------
    >>> plain("GROSSE Straße"), plain("Schindler's List"), plain("Le Fabuleux Destin d'Amélie")
    ('grosse strasse', 'schindlers list', 'le fabuleux destin d amelie')
    """
    text = _ELIDED.sub(r"\1 ", text)
    if text.isascii():
        return text.lower().replace("'", "")
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_LETTERS)


def words(text: str) -> list[str]:
    """The words of a text, as they come.

    Examples
    --------
    >>> words("Léon: The Professional (1994)")
    ['leon', 'the', 'professional', '1994']
    """
    return _WORD.findall(plain(text))


def query_words(query: str) -> list[str]:
    """The words of what a member typed, each once.

    Examples
    --------
    >>> query_words("  fargo FARGO film ")
    ['fargo', 'film']
    """
    return list(dict.fromkeys(words(query[:LONGEST])))[:MOST_WORDS]


def same_words(query: str) -> str:
    """Equal for queries of the same words in any order; empty for one without any.

    Examples
    --------
    >>> same_words("Godfather, the") == same_words("THE godfather")
    True
    """
    return " ".join(sorted(query_words(query)))


@lru_cache(maxsize=65_536)
def trigrams(word: str) -> tuple[str, ...]:
    """The letters of a word by three, with its ends marked, each once.

    Examples
    --------
    >>> trigrams("leon")
    ('  l', ' le', 'eon', 'leo', 'on ')
    """
    padded = f"  {word} "
    return tuple(sorted({padded[i : i + 3] for i in range(len(padded) - 2)}))


def distance(one: str, other: str, most: int) -> int:
    """Letters to insert, delete, replace or swap with their neighbour until two words are equal.

    Anything above `most` comes back as `most + 1`.

    References
    ----------
    Damerau (1964), doi:10.1145/363958.363994; here as optimal string alignment: no part is edited twice.

    Examples
    --------
    >>> distance("fargo", "fagro", 2), distance("fargo", "fargos", 2), distance("fargo", "alien", 2)
    (1, 1, 3)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
