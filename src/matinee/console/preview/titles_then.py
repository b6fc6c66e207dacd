"""Titles as the catalogue had them at the moment of a page: their facts, and finding them by name."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.console.preview.seen import Title
from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.home import Home
from matinee.observe.member_state import TitleTable
from matinee.types import ALWAYS_US, format_at

MOST_FOUND = 8
"""Titles among which somebody chooses."""


@dataclass(frozen=True, slots=True)
class Then:
    """The catalogue as of a moment.

    Attributes
    ----------
    titles : TitleTable
        What reading a member's record asks of it.
    """

    catalogue: Catalogue
    titles: TitleTable

    @staticmethod
    def of(home: Home, at_us: int) -> Then:
        """Of a home at a moment.

        Raises
        ------
        StorageError
            The lake cannot be read.
        """
        catalogue = load_catalogue(home, at_us)
        return Then(catalogue, TitleTable.of(catalogue))

    def title(self, title_id: str) -> Title:
        """Facts of a title; of one that the catalogue does not have, its id as name."""
        return title_at(self.catalogue, self.titles.position.get(title_id, -1), title_id)


def title_at(catalogue: Catalogue, position: int, title_id: str = "") -> Title:
    """Facts of a title by its position; of one that the catalogue does not have (-1), its id as name."""
    if position < 0:
        return Title(title_id, title_id, "")
    release_us, maturity = int(catalogue.release_us[position]), int(catalogue.maturity[position])
    return Title(
        str(catalogue.title_ids[position]),
        str(catalogue.names[position]),
        str(catalogue.kinds[position]),
        tuple(catalogue.genres.of(position)),
        None if release_us == ALWAYS_US else int(format_at(release_us)[:4]),
        None if maturity < 0 else maturity,
    )


def find_titles(catalogue: Catalogue, text: str, *, most: int = MOST_FOUND) -> list[int]:
    """Titles that are meant by an id or (a part of) a name, the likeliest first.

    Examples
    --------
    >>> rows = [{"title_id": "t1", "name": "Fargo"}, {"title_id": "t2", "name": "The Fargo Story"}]
    >>> find_titles(Catalogue.from_rows(rows), "fargo"), find_titles(Catalogue.from_rows(rows), "t2")
    ([0, 1], [1])
    """
    wanted = text.strip().casefold()
    if not wanted:
        return []
    by_id = [i for i, title_id in enumerate(catalogue.title_ids) if str(title_id) == text.strip()]
    if by_id:
        return by_id
    names = [str(name).casefold() for name in catalogue.names]
    exact = [i for i, name in enumerate(names) if name == wanted]
    begins = [i for i, name in enumerate(names) if name.startswith(wanted) and name != wanted]
    inside = [i for i, name in enumerate(names) if wanted in name and not name.startswith(wanted)]
    return [*exact, *begins, *inside][:most]
