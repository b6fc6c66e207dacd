"""A page gets its images: those that an initiative chose, where they may be shown, else the default ones.

Whoever shows a page (a server, a command) composes it first and dresses it last, by what is known about the
clearance of images at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.clearance_watch import Standing
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_facts
from matinee.platform.abilities import ArtworkChoices
from matinee.types import Mask

URL = "/artwork/"
"""Path under which a server gives out the file of an image."""
Image = tuple[str | None, float, int]
"""The image of a title on a page, how probable it was, and among how many."""
NO_IMAGE: Image = (None, 1.0, 0)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The images of a home as pages need them; made once for each state of the facts. Use `of` or `load`.

    Attributes
    ----------
    title_of, url_of : dict of str to str
        By the id of the image.
    in_order : dict of str to tuple of str
        Title -> its images, the one to show when nothing was chosen first.
    of_file : dict of str to tuple of str
        Name of a file -> the images that are in it.
    territories : frozenset of str
        Those that some image is limited to. In all others the same images are cleared.
    series_of : dict of str to str
        Episode (or season) -> its series, where that has images: an episode without one of its own is shown
        with its series' image.
    """

    title_of: Mapping[str, str]
    url_of: Mapping[str, str]
    in_order: Mapping[str, tuple[str, ...]]
    of_file: Mapping[str, tuple[str, ...]]
    territories: frozenset[str]
    series_of: Mapping[str, str] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _kept: dict[str | None, tuple[Standing, int, int, dict[str, str], dict[str | None, str]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._owners.update(
            {one: series for one, series in self.series_of.items() if one not in self.in_order}
        )

    def __len__(self) -> int:
        return len(self.title_of)

    @staticmethod
    def of(artworks: Artworks, *, aspect: str = "", series_of: Mapping[str, str] | None = None) -> Pictures:
        """Of the images of a home.

        Parameters
        ----------
        aspect : str
            Shape that the default images have; "" for any.
        series_of : mapping of str to str, optional
            Episodes and seasons -> their series.
        """
        ids, titles = artworks.artwork_ids.tolist(), artworks.title_ids.tolist()
        files = artworks.files.tolist()
        shaped = np.ones(len(ids), np.bool_) if not aspect else artworks.aspects == aspect
        order = np.lexsort((np.arange(len(ids)), artworks.clearances.approved_us, ~artworks.is_default))
        in_order: dict[str, list[str]] = {}
        of_file: dict[str, list[str]] = {}
        for i in order.tolist():
            if shaped[i]:
                in_order.setdefault(titles[i], []).append(ids[i])
            if files[i]:
                of_file.setdefault(files[i], []).append(ids[i])
        return Pictures(
            dict(zip(ids, titles, strict=True)),
            {one: URL + file for one, file in zip(ids, files, strict=True) if file},
            {title: tuple(found) for title, found in in_order.items()},
            {file: tuple(found) for file, found in of_file.items()},
            frozenset(artworks.clearances.territories.names),
            {one: series for one, series in (series_of or {}).items() if series in in_order},
        )

    @staticmethod
    def load(home: Home, *, aspect: str = "") -> Pictures:
        """Of a home as it is.

        Raises
        ------
        StorageError
            The lake cannot be read.
        """
        artworks = Artworks.load(home)
        return Pictures.of(artworks, aspect=aspect, series_of=_series(home) if len(artworks) else None)

    def owner(self, title_id: str) -> str:
        """The title whose images stand for a title: its own, else its series'."""
        return self._owners.get(title_id, title_id)

    def default_of(self, title_id: str, defaults: Mapping[str, str]) -> str | None:
        """The image to show for a title when nothing was chosen, of what `defaults` gave."""
        found = defaults.get(title_id)
        return defaults.get(self.series_of.get(title_id, "")) if found is None else found

    def defaults(self, standing: Standing, at_us: int, territory: str | None) -> dict[str, str]:
        """The image to show for each title when nothing was chosen; titles without a cleared one are absent.

        Kept by territory for as long as it holds, so that a page costs a few look-ups.
        """
        return self._as_of(standing, at_us, territory)[0]

    def _as_of(
        self, standing: Standing, at_us: int, territory: str | None
    ) -> tuple[dict[str, str], dict[str | None, str]]:
        """`defaults`, and the title of each image that may be shown; None is no image of any."""
        place = territory if territory in self.territories else None
        kept = self._kept.get(place)
        if kept is None or kept[0] is not standing or not kept[1] <= at_us < kept[2]:
            until_us = standing.clearances.next_change_us(at_us)
            able = _ids(standing, standing.clearances.cleared(at_us, place))
            found = {
                title: first
                for title, ids in self.in_order.items()
                if (first := next((one for one in ids if one in able), None)) is not None
            }
            titles: dict[str | None, str] = {
                one: title for one, title in self.title_of.items() if one in able
            }
            kept = (standing, at_us, until_us, found, titles)
            self._kept[place] = kept
        return kept[3], kept[4]

    def uncleared(
        self, artwork_ids: Sequence[str | None], standing: Standing, at_us: int, territory: str | None
    ) -> list[int]:
        """Places in a list of ids whose image may not be shown; None (no image) always may."""
        return standing.uncleared(artwork_ids, at_us, territory if territory in self.territories else None)

    def shows(self, file: str, standing: Standing, at_us: int) -> bool:
        """Whether the file of an image may be given out: it is cleared now, somewhere."""
        return any(standing.cleared_somewhere(one, at_us) for one in self.of_file.get(file, ()))


@dataclass(frozen=True, slots=True)
class Dressed:
    """A page with its images.

    Attributes
    ----------
    slots : list of Slot
    replaced : int
        Images that were chosen and may not be shown (any more); others, or none, stand there.
    """

    slots: list[Slot]
    replaced: int = 0


def to_choose(
    slots: Iterable[Slot], above: Iterable[Slot] = (), pictures: Pictures | None = None
) -> list[str]:
    """Titles that need an image: each once, in the order of the tiles, without those that stand above.

    Parameters
    ----------
    pictures : Pictures, optional
        With it an episode that has no image of its own is asked about as its series.

    Examples
    --------
    >>> to_choose([Slot("a", 1.0), Slot("b", 1.0), Slot("a", 1.0)], [Slot("b", 1.0, artwork_id="b1")])
    ['a']
    """
    titles = _titles(slots, pictures)
    if not above:
        return list(titles)
    known = _titles((slot for slot in above if slot.artwork_id is not None), pictures)
    return [title for title in titles if title not in known]


def _titles(slots: Iterable[Slot], pictures: Pictures | None) -> dict[str, None]:
    """Titles whose images stand on slots, each once and in order."""
    titles = [slot.action for slot in slots]
    return dict.fromkeys(titles if pictures is None else map(pictures.owner, titles))


def dress(
    slots: Sequence[Slot],
    titles: Sequence[str],
    choices: ArtworkChoices | None,
    pictures: Pictures,
    standing: Standing,
    *,
    at_us: int,
    territory: str | None,
    above: Sequence[Slot] = (),
) -> Dressed:
    """Give each slot its image: a title that comes twice has the same one, certain the second time.

    Parameters
    ----------
    titles : sequence of str
        What `to_choose` gave: the choices are for them.
    choices : ArtworkChoices or None
        None: nobody chose.
    above : sequence of Slot
        What stands above, in front of the same member.
    """
    defaults, able = pictures._as_of(standing, at_us, territory)
    if choices is not None and len(titles) == len(slots) and not above:
        ids = choices.artwork_id
        if list(map(able.get, ids)) == titles:  # what a page mostly is: nothing twice, all as it was chosen
            given = zip(slots, ids, choices.propensity, choices.n, strict=True)
            return Dressed([_with(*one) for one in given])
    images, replaced = _chosen(titles, choices, pictures, able)
    if above:
        images |= _above(above, pictures, defaults, standing, at_us, territory)
    return Dressed(_dressed(slots, images, pictures, defaults), replaced)


def looked_over(
    slots: Sequence[Slot], pictures: Pictures, standing: Standing, *, at_us: int, territory: str | None
) -> Dressed:
    """The last look at a page that was dressed before: no image that may not be shown now leaves with it."""
    bad = pictures.uncleared([slot.artwork_id for slot in slots], standing, at_us, territory)
    if not bad:
        return Dressed(list(slots))
    defaults = pictures.defaults(standing, at_us, territory)
    out = list(slots)
    for i in bad:
        other = pictures.default_of(out[i].action, defaults)
        out[i] = _with(out[i], other, 1.0, 1) if other else _with(out[i], None, None, None)
    return Dressed(out, len(bad))


def _chosen(
    titles: Sequence[str],
    choices: ArtworkChoices | None,
    pictures: Pictures,
    able: Mapping[str | None, str],
) -> tuple[dict[str, Image], int]:
    """Images that were chosen and may be shown, by title; and how many may not."""
    images: dict[str, Image] = {}
    if choices is None:
        return images, 0
    replaced, owners = 0, pictures._owners
    given = zip(titles, choices.artwork_id, choices.propensity, choices.n, strict=True)
    for title, artwork_id, propensity, n in given:
        if artwork_id is None:
            continue
        one = owners.get(title, title) if owners else title
        if able.get(artwork_id) != one:
            replaced += 1
        elif one not in images:  # an episode and its series may both have been asked about
            images[one] = artwork_id, propensity, n
    return images, replaced


def _above(
    above: Sequence[Slot],
    pictures: Pictures,
    defaults: Mapping[str, str],
    standing: Standing,
    at_us: int,
    territory: str | None,
) -> dict[str, Image]:
    """Images that stand above: certain, and the default one in place of one that may not be shown now."""
    ids = {pictures.owner(slot.action): slot.artwork_id for slot in above if slot.artwork_id is not None}
    gone = pictures.uncleared(list(ids.values()), standing, at_us, territory)
    images: dict[str, Image] = {title: (one, 1.0, 1) for title, one in ids.items()}
    for title in [list(ids)[i] for i in gone]:
        images[title] = defaults.get(title), 1.0, 1
    return images


def _dressed(
    slots: Sequence[Slot], images: Mapping[str, Image], pictures: Pictures, defaults: Mapping[str, str]
) -> list[Slot]:
    """Slots with the images of their titles, else with the default ones."""
    out = []
    shown: set[str] = set()
    owners = pictures._owners
    for slot in slots:
        title = owners.get(slot.action, slot.action) if owners else slot.action
        artwork_id, propensity, n = images.get(title, NO_IMAGE)
        if artwork_id is None:
            artwork_id, n = pictures.default_of(slot.action, defaults), 1
            if artwork_id is None:
                out.append(slot)
                continue
        elif title in shown:
            propensity = 1.0
        else:
            shown.add(title)
        out.append(_with(slot, artwork_id, propensity, n))
    return out


def _with(slot: Slot, artwork_id: str | None, propensity: float | None, n: int | None) -> Slot:
    """The slot with an image; written out, since `msgspec.structs.replace` takes several times as long."""
    return Slot(
        slot.action,
        slot.propensity,
        slot.row,
        slot.col,
        slot.row_kind,
        slot.reason,
        slot.n_permitted,
        slot.explored,
        artwork_id,
        propensity,
        n,
    )


def _series(home: Home) -> dict[str, str]:
    """Episodes and seasons, and the series that they belong to."""
    with connect(threads=1) as con:
        if not open_facts(con, home, "titles")["titles"]:
            return {}
        rows = con.execute("SELECT title_id, series_id FROM titles WHERE series_id IS NOT NULL").fetchall()
    return {title: series for title, series in rows if title != series}


def _ids(standing: Standing, mask: Mask) -> Set[str]:
    return {one for one, place in standing.place.items() if mask[place]}
