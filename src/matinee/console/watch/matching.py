"""What a title has in common with what a member watched, where no decision says why it stands somewhere.

Only what is known is said: titles that they watched and that are like it, genres that they watch most, that
many watch it. It is no reason for anything, as nobody decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matinee.console.titles import Titles
from matinee.console.watch.sentences import Sentences, isolated
from matinee.console.watch.viewing import Viewer

MOST_LIKE = 2
MOST_GENRES = 3
"""Genres that count as those that a member watches most."""
POPULAR = 20
"""Titles that count as watched by many."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What can be said.

    Attributes
    ----------
    like : list of str
        Names of titles like it that the member watched.
    genres : list of str
        Its genres among those that they watch most.
    popular : bool
        It is one of those that are watched most.
    """

    like: list[str]
    genres: list[str]
    popular: bool

    def said(self, sentences: Sentences) -> list[str]:
        """The same in the reader's language."""
        say = sentences.say
        told = [say("watch.matches_like", name=isolated(name)) for name in self.like]
        if self.genres:
            told.append(say("watch.matches_genres", genres=", ".join(map(sentences.genre, self.genres))))
        if self.popular:
            told.append(say("watch.matches_many"))
        return told


def matches_of(viewer: Viewer, title_id: str, near: Sequence[str]) -> Matches:
    """What a title has in common with what a member watched.

    Parameters
    ----------
    near : sequence of str
        Titles that are like it, the most alike first.
    """
    titles = viewer.seen.titles
    unit = titles.unit(title_id)
    watched = list(dict.fromkeys(titles.unit(play.title_id) for play in reversed(viewer.record.plays)))
    like = [facts.name for one in near if one in watched and (facts := titles.facts(one)) is not None]
    facts = titles.facts(unit)
    own = () if facts is None else facts.genres
    return Matches(
        like=like[:MOST_LIKE],
        genres=[
            genre for genre in _favourites(titles, [one for one in watched if one != unit]) if genre in own
        ],
        popular=unit in titles.popular(viewer.seen.mask, POPULAR),
    )


def _favourites(titles: Titles, watched: Sequence[str]) -> list[str]:
    """The genres that are watched most; equal ones in the order in which they were watched last."""
    counted: Counter[str] = Counter()
    for one in watched:
        facts = titles.facts(one)
        counted.update(() if facts is None else facts.genres)
    return [genre for genre, _ in counted.most_common(MOST_GENRES)]
