"""Find and cover the id of a person in text: as a whole word, and only where an id cannot be another word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matinee.observe.lake.connection import literal

ERASED = "[erased]"
"""Stands where the id stood."""
SHORTEST = 6
"""Characters from which an id is looked for in free text; "42" there may be anything."""
PART = "[A-Za-z0-9_-]"
"""Characters that ids are made of: one beside the id makes it part of another word."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to look for.

    Attributes
    ----------
    member_id : str
    accounts : tuple of str
        Accounts that nobody else uses, which go with the member.
    """

    member_id: str
    accounts: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the member and their accounts."""
        return (self.member_id, *self.accounts)

    @property
    def words(self) -> tuple[str, ...]:
        """Ids that are looked for in free text."""
        return tuple(one for one in self.ids if distinctive(one))

    def listed(self) -> str:
        """The ids as an SQL list."""
        return "(" + ", ".join(map(literal, self.ids)) + ")"

    def sql_has(self, column: str) -> str:
        """SQL condition: one of the words stands in a column of text; "false" without words."""
        found = [f"regexp_matches({column}, {literal(_sql_word(one))})" for one in self.words]
        quick = [f"contains({column}, {literal(one)})" for one in self.words]
        return f"({' OR '.join(quick)}) AND ({' OR '.join(found)})" if found else "false"

    def sql_covered(self, column: str) -> str:
        """SQL of a column of text without the words."""
        for one in self.words:
            for _ in range(2):  # a pass skips the second of two that share the character between them
                column = f"regexp_replace({column}, {literal(_sql_word(one))}, '\\1{ERASED}\\2', 'g')"
        return column

    def in_text(self, text: str) -> bool:
        """Whether one of the words stands in a text.

        Examples
        --------
        >>> person = Person("ada-1815")
        >>> person.in_text("seen: ada-1815."), person.in_text("seen: ada-18151"), Person("7").in_text("7")
        (True, False, False)
        """
        return any(re.search(_word(one), text) for one in self.words)

    def covered(self, text: str) -> str:
        """The text without the words.

        Examples
        --------
        >>> Person("ada-1815").covered('{"who": "ada-1815"}')
        '{"who": "[erased]"}'
        """
        for one in self.words:
            text = re.sub(_word(one), ERASED, text)
        return text

    def in_bytes(self, data: bytes) -> bool:
        """Whether the bytes hold one of the words in UTF-8, or as the array of 4-byte characters of NumPy."""
        return any(one.encode() in data or one.encode("utf-32-le") in data for one in self.words)


def distinctive(text: str) -> bool:
    """Whether an id may be looked for in free text.

    Examples
    --------
    >>> distinctive("ada-1815"), distinctive("42")
    (True, False)
    """
    return len(text) >= SHORTEST


def _sql_word(text: str) -> str:
    """RE2 looks neither ahead nor behind: the characters on both sides are groups 1 and 2."""
    return f"(^|[^A-Za-z0-9_-]){re.escape(text)}($|[^A-Za-z0-9_-])"


def _word(text: str) -> str:
    return f"(?<!{PART}){re.escape(text)}(?!{PART})"
