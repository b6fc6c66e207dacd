"""Finds titles by words: of their names, then of people, genres and synopses, in any order, also misspelt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from matinee.console.watch.words import distance, query_words, trigrams, words
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Ids, Index, Scores, Times

NAME, PEOPLE, GENRES, SYNOPSIS = "name", "people", "genres", "synopsis"
WORTH = {NAME: 1.0, PEOPLE: 0.5, GENRES: 0.35, SYNOPSIS: 0.2}
"""What a word counts by where it stands."""
PREFIX, MISSPELT = 0.8, 0.6
"""What the beginning of a word, or one with other letters, counts against the word itself."""
SHORTEST_MISSPELT = 3
"""Letters of a word that may be misspelt; from `LONG` on two letters may differ."""
LONG = 8
LONG_ENOUGH_TO_BEGIN = 4
"""Letters from which a word may be the beginning of another; the last one of a query always may."""
CANDIDATES = 60
"""Words with the most common trigrams that are compared letter by letter."""
WHOLE_NAME = 0.25
"""What a name gains that has no other word than those asked for, or begins with them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A title that was found.

    Attributes
    ----------
    title : int
        Its position.
    score : float
        Larger is better; comparable inside one search.
    where : str
        Field in which its best words stand; "synopsis" if a word stands nowhere else.
    all_words : bool
        It has every word that was asked for, the last one perhaps only begun.
    misspelt : bool
        Some word was found only with other letters.
    """

    title: int
    score: float
    where: str
    all_words: bool
    misspelt: bool


@dataclass(slots=True)
class _Weighed:
    """A query over all titles, each of shape (n_titles,): share of its weight, words, words outside synopses,
    scores by field, and whether some word is there only with other letters.
    """

    total: Scores
    n_has: Index
    n_told: Index
    by_field: dict[str, Scores]
    misspelt: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Field:
    """The words of one kind of text, and the titles that have them.

    Attributes
    ----------
    words : list of str
        Sorted.
    indptr : ndarray of int64, shape (n_words + 1,)
    titles : ndarray of int32
        Positions, for each word in ascending order.
    """

    words: list[str]
    position: dict[str, int]
    indptr: Times
    titles: Index

    @staticmethod
    def of(texts: Iterable[str]) -> Field:
        """Of one text for each title."""
        number: dict[str, int] = {}
        word, title = [], []
        for at, text in enumerate(texts):
            if text:
                for one in set(words(text)):
                    word.append(number.setdefault(one, len(number)))
                    title.append(at)
        ordered = sorted(number)
        place = np.empty(len(number), np.int32)
        place[[number[one] for one in ordered]] = np.arange(len(number), dtype=np.int32)
        by_word = place[np.array(word, np.int32)]
        order = np.argsort(by_word, kind="stable")
        counts = np.bincount(by_word, minlength=len(number))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        position = {one: i for i, one in enumerate(ordered)}
        return Field(ordered, position, indptr, np.array(title, np.int32)[order])

    def of_word(self, word: str) -> Index:
        """Titles that have a word."""
        at = self.position.get(word)
        return self.titles[:0] if at is None else self.titles[self.indptr[at] : self.indptr[at + 1]]

    def of_prefix(self, prefix: str) -> Index:
        """Titles that have a word which begins so; one may come twice."""
        low = bisect_left(self.words, prefix)
        high = bisect_left(self.words, prefix + "\U0010ffff")
        return self.titles[self.indptr[low] : self.indptr[high]]


@dataclass(frozen=True, slots=True)
class Misspellings:
    """Words by their trigrams, to find those that nearly are one.

    Attributes
    ----------
    words : list of str
    n_trigrams : ndarray of int32, shape (n_words,)
    of_trigram : dict of str to ndarray of int32
        Trigram -> places of the words that have it.
    """

    words: list[str]
    n_trigrams: Index
    of_trigram: dict[str, Index]

    @staticmethod
    def of(known: Iterable[str]) -> Misspellings:
        """Of words long enough to be misspelt."""
        kept = sorted({one for one in known if len(one) >= SHORTEST_MISSPELT})
        pairs = sorted((part, i) for i, one in enumerate(kept) for part in trigrams(one))
        by_part = {part: [i for _, i in group] for part, group in groupby(pairs, key=lambda pair: pair[0])}
        return Misspellings(
            kept,
            np.array([len(trigrams(one)) for one in kept], np.int32),
            {part: np.array(places, np.int32) for part, places in by_part.items()},
        )

    def near(self, word: str) -> list[tuple[str, float]]:
        """Words that differ from one by a letter (two in a long one), with their worth, 0 to 1, best first.

        Candidates are those with the largest share of common trigrams (Jaccard index).
        """
        if len(word) < SHORTEST_MISSPELT or not self.words:
            return []
        most = 2 if len(word) >= LONG else 1
        parts = trigrams(word)
        places = [self.of_trigram[part] for part in parts if part in self.of_trigram]
        if not places:
            return []
        common = np.bincount(np.concatenate(places), minlength=len(self.words))
        share = common / (self.n_trigrams + len(parts) - common)
        found: list[tuple[str, float]] = []
        for at in np.argsort(-share, kind="stable")[:CANDIDATES].tolist():
            if not common[at]:
                break
            differ = distance(word, self.words[at], most)
            if 0 < differ <= most:
                found.append((self.words[at], MISSPELT * (1.0 - differ / (len(word) + 1))))
        return sorted(found, key=lambda one: (-one[1], one[0]))


class SearchIndex:
    """All that search needs of a catalogue, made once; it is not changed and any thread may ask it.

    Parameters
    ----------
    catalogue : Catalogue
        Episodes and seasons are found by the name of their series.

    Notes
    -----
    Each word of a query gives each title the best of what it counts by field and by likeness (the word
    itself, its beginning, a misspelling), weighted by how rare it is (inverse document frequency, Spärck
    Jones 1972, doi:10.1108/eb026526). A title's score is the share of the query's weight that it has, and a
    little more where its name is nothing else.

    Memory: 4 bytes for each pair of a title and a word, and each word once. How fast: `benchmarks/search.py`.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        shown = catalogue.discoverable()
        names = [str(one) if ok else "" for one, ok in zip(catalogue.names, shown, strict=True)]
        self.n_titles = len(catalogue)
        self.fields = {
            NAME: Field.of(names),
            PEOPLE: Field.of(_joined(shown, catalogue.cast, catalogue.directors)),
            GENRES: Field.of(
                " ".join(catalogue.genres.of(i)) if ok else "" for i, ok in enumerate(shown.tolist())
            ),
            SYNOPSIS: Field.of(_joined(shown, catalogue.synopses)),
        }
        self.n_words = np.array([len(words(name)) for name in names], np.int32)
        known = [self.fields[field].words for field in (NAME, PEOPLE, GENRES)]
        self.misspellings = Misspellings.of(one for field in known for one in field)

    def find(self, query: str, allowed: NDArray[np.bool_], n: int) -> list[Found]:
        """The `n` best titles among those that are allowed; none for a query without words.

        Where none has all the words, also those that stand somewhere may be misspelt.
        """
        asked = query_words(query)
        if not asked:
            return []
        weighed = self._weigh(asked, doubt=False)
        if not (weighed.n_has[allowed] == len(asked)).any():
            weighed = self._weigh(asked, doubt=True)
        total = weighed.total + self._whole_name(asked, weighed.by_field[NAME])
        places = np.flatnonzero((total > 0) & allowed)
        order = places[np.lexsort((-total[places], -weighed.n_has[places]))[:n]]
        fields = list(weighed.by_field)
        where = np.argmax(np.stack([weighed.by_field[field][order] for field in fields]), axis=0)
        return [
            Found(
                title,
                float(total[title]),
                SYNOPSIS if weighed.n_told[title] < weighed.n_has[title] else fields[where[i]],
                bool(weighed.n_has[title] == len(asked)),
                bool(weighed.misspelt[title]),
            )
            for i, title in enumerate(order.tolist())
        ]

    def _weigh(self, asked: Sequence[str], *, doubt: bool) -> _Weighed:
        """What all words count for each title."""
        n = self.n_titles
        out = _Weighed(
            np.zeros(n, np.float32),
            np.zeros(n, np.int32),
            np.zeros(n, np.int32),
            {field: np.zeros(n, np.float32) for field in self.fields},
            np.zeros(n, np.bool_),
        )
        weights = [self._rareness(word) for word in asked]
        for word, weight in zip(asked, weights, strict=True):
            by_field, misspelt = self._word(word, begins=word == asked[-1], doubt=doubt)
            if not by_field:
                continue
            has = np.max(list(by_field.values()), axis=0)
            out.total += weight / sum(weights) * has
            out.n_has += has > 0
            told = [scores for field, scores in by_field.items() if field != SYNOPSIS]
            out.n_told += np.any(told, axis=0) if told else 0
            out.misspelt |= misspelt
            for field, scores in by_field.items():
                out.by_field[field] += scores
        return out

    def _word(self, word: str, *, begins: bool, doubt: bool) -> tuple[dict[str, Scores], NDArray[np.bool_]]:
        """What a word counts for each title, by field; and where only other letters found it."""
        near = [] if self._known(word) and not doubt else self.misspellings.near(word)
        by_field: dict[str, Scores] = {}
        nearly, exact = np.zeros(self.n_titles, np.bool_), np.zeros(self.n_titles, np.bool_)
        for name, field in self.fields.items():
            whole, begun = field.of_word(word), field.titles[:0]
            if begins or len(word) >= LONG_ENOUGH_TO_BEGIN:
                begun = field.of_prefix(word)
            others = [(field.of_word(other), worth) for other, worth in reversed(near) if name != SYNOPSIS]
            if not (len(whole) or len(begun) or any(len(titles) for titles, _ in others)):
                continue
            scores = np.zeros(self.n_titles, np.float32)
            for titles, worth in others:
                scores[titles] = worth * WORTH[name]
                nearly[titles] = True
            scores[begun], scores[whole] = PREFIX * WORTH[name], WORTH[name]
            exact[begun] = exact[whole] = True
            by_field[name] = scores
        return by_field, nearly & ~exact

    def _known(self, word: str) -> bool:
        """Whether a word stands so in some name, or is that of a person or genre."""
        return any(word in self.fields[name].position for name in (NAME, PEOPLE, GENRES))

    def _rareness(self, word: str) -> float:
        n = len(self.fields[NAME].of_word(word))
        return float(np.log(1.0 + self.n_titles / (1.0 + n)))

    def _whole_name(self, asked: Sequence[str], in_name: Scores) -> Scores:
        """More for names with few other words than those that were found in them."""
        share = np.minimum(in_name / np.maximum(self.n_words, 1), 1.0)
        return np.asarray(WHOLE_NAME * share * (in_name >= PREFIX * len(asked)), np.float32)


def _joined(shown: NDArray[np.bool_], *columns: Ids | None) -> list[str]:
    """The texts of several columns, one for each title that may be found."""
    given = [column for column in columns if column is not None]
    return [" ".join(str(column[i]) for column in given) if ok else "" for i, ok in enumerate(shown.tolist())]
