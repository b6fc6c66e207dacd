"""The addresses that a preview leads to: each is the present question with one thing changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from matinee.console.preview.changes import MOST, Change
from matinee.console.preview.question import Question, write

PATH = "/console/preview"
UNDONE = {"play": "unplay", "begin": "unplay", "unplay": "play"}
"""A change that takes another one back."""


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses.

    Attributes
    ----------
    first : Question
    second : Question or None
    title : str
        The title that is asked about.

    Examples
    --------
    >>> Links(Question("m1")).what_if("unplay", "t7")
    '/console/preview?member=m1&b.change=unplay%3At7'
    """

    first: Question
    second: Question | None = None
    title: str = ""

    @property
    def here(self) -> str:
        """What is shown, under its shortest address."""
        return self._to(self.first, self.second)

    def pinned(self, first_us: int, second_us: int | None = None) -> str:
        """What is shown, with its moments fixed: it shows the same tomorrow."""
        second = None
        if self.second is not None:
            second = self.second.at(first_us if second_us is None else second_us)
        return self._to(self.first.at(first_us), second)

    def what_if(self, kind: str, title_id: str) -> str:
        """The page beside it, with one change more; one that takes back an earlier change removes it."""
        base = self.second or self.first
        change = Change(kind, title_id)
        back = [one for one in base.changes if one.title_id == title_id and UNDONE.get(one.kind) == kind]
        changes = tuple(one for one in base.changes if one not in back)
        if not back and change not in changes:
            changes = (*changes, change)
        return self._to(self.first, replace(base, changes=changes[-MOST:]))

    def without(self, change: Change, *, second: bool) -> str:
        """The same without a change of the second page, or of the first."""
        if second and self.second is not None:
            changed = _without(self.second, change)
            return self._to(self.first, None if changed == self.first else changed)
        return self._to(_without(self.first, change), self.second)

    def about(self, title_id: str) -> str:
        """The same, asking about a title."""
        return f"{PATH}?{write(self.first, self.second, title=title_id)}#title"

    def only(self, question: Question) -> str:
        """One of the two pages alone."""
        return self._to(question, None)

    @property
    def swapped(self) -> str:
        """The two pages the other way round."""
        return self.here if self.second is None else self._to(self.second, self.first)

    @property
    def fallback(self) -> str:
        """The page that everybody would get without a model, beside it."""
        return self._to(self.first, replace(self.first, release="fallback"))

    def _to(self, first: Question, second: Question | None) -> str:
        return f"{PATH}?{write(first, second, title=self.title)}"


def _without(question: Question, change: Change) -> Question:
    return replace(question, changes=tuple(one for one in question.changes if one != change))
