"""Where previews are computed in a server: in a lane of their own, a few at a time; members go before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matinee.console.parts import Console
from matinee.console.preview.differences import Differences, compare
from matinee.console.preview.engine import Answer, Engine
from matinee.console.preview.logged import Logged, logged
from matinee.console.preview.openings import Openings, Release
from matinee.console.preview.question import OTHER, Asked, Question, WrongError
from matinee.console.preview.seen import Title
from matinee.console.titles import PAGES
from matinee.errors import MatineeError, StorageError
from matinee.serve.artworks import NAME as ARTWORK
from matinee.serve.lane import Lane

THREADS, MOST = 2, 8
"""Previews that are computed at a time, and those with the ones that wait."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is shown.

    Attributes
    ----------
    first, second : Answer or None
    differences : Differences or None
        Of the two.
    logged : Logged or None
        A decision that was asked about.
    wrong : dict of str to str
        Parameter -> what is wrong with it, as the home sees it.
    trouble : str
        Why it cannot be computed, other than a parameter.
    later : bool
        It may be computed a little later: what is read for it cannot be reached just now.
    """

    first: Answer | None = None
    second: Answer | None = None
    differences: Differences | None = None
    logged: Logged | None = None
    wrong: Mapping[str, str] | None = None
    trouble: str = ""
    later: bool = False


class Desk:
    """Computes previews for the pages of a server.

    Parameters
    ----------
    console : Console
    threads, most : int
        See `Lane`.
    """

    def __init__(self, console: Console, *, threads: int = THREADS, most: int = MOST) -> None:
        services = console.services
        self.services = services
        self.lane = Lane("previews", threads=threads, most=most)
        self.initiative = services.initiatives.get(PAGES)
        self.engine: Engine | None = None
        if self.initiative is not None:
            self.engine = Engine(
                Openings(services.home, self.initiative, services.registry),
                services.erased,
                lambda: services.clock.clock,
                self.address,
            )

    def address(self, artwork_id: str) -> str | None:
        """Where an image is; None if it may not be given out now."""
        artwork = self.services.artwork
        url = artwork.url(artwork_id)
        if url is None:
            return None
        file = url.rpartition("/")[2]
        now_us = self.services.clock.now_us
        return url if artwork.pictures.shows(file, artwork.watch.current(), now_us) else None

    async def show(self, asked: Asked) -> Result:
        """Compute what is asked for.

        Raises
        ------
        ProblemError
            503: too many previews wait.
        """
        return await self.lane.run(self._show, asked)

    async def releases(self) -> tuple[list[Release], list[Release]]:
        """What can be previewed, of pages and of images; none while the registry cannot be read."""
        return await self.lane.run(self._releases)

    async def titles(self, question: Question, text: str) -> list[Title]:
        """Titles that are meant by a text, at the moment of a question.

        Raises
        ------
        ProblemError
            503: too many previews wait.
        WrongError
            There is no such release.
        """
        return await self.lane.run(self._titles, question, text)

    def _releases(self) -> tuple[list[Release], list[Release]]:
        if self.engine is None:
            return [], []
        openings = self.engine.openings
        try:
            return openings.releases(), openings.releases(ARTWORK)
        except MatineeError:
            return [], []

    def _titles(self, question: Question, text: str) -> list[Title]:
        if self.engine is None:
            return []
        try:
            return self.engine.titles(question, text)
        except WrongError:
            raise
        except Exception:  # whatever keeps it from being opened is told when the page is computed
            return []

    def _show(self, asked: Asked) -> Result:
        if self.engine is None:
            return Result(trouble=f"{PAGES}: there is no such initiative in this home.")
        if asked.decision_id:
            return self._logged(self.engine, asked.decision_id)
        if asked.first is None:
            return Result()
        found: list[Answer] = []
        for question, before in ((asked.first, ""), (asked.second, OTHER)):
            if question is None:
                continue
            try:
                found.append(self.engine.answer(question, asked.title))
            except WrongError as problem:
                return Result(wrong={before + problem.field: str(problem)})
            except MatineeError as problem:
                return Result(trouble=str(problem), later=isinstance(problem, StorageError))
            except Exception as problem:  # whatever a model does is told, not raised
                return Result(trouble=f"{question.release}: {type(problem).__name__}: {problem}"[:500])
        return _both(found)

    def _logged(self, engine: Engine, decision_id: str) -> Result:
        services = self.services
        try:
            told = logged(services.home, services.initiatives, PAGES, decision_id, engine)
        except MatineeError as problem:
            return Result(wrong={"decision": str(problem)})
        differences = None if told.again is None else compare(told.page, told.again)
        return Result(logged=told, differences=differences)


def _both(found: Sequence[Answer]) -> Result:
    if len(found) == 1:
        return Result(found[0])
    return Result(found[0], found[1], compare(found[0].page, found[1].page))
