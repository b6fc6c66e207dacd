"""Images for pages that no server gives out: what a command shows, with what would choose in production."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from matinee import settings
from matinee.errors import MatineeError, NotFoundError
from matinee.observe.catalogue.clearance_watch import ClearanceWatch, Standing
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.observe.state.reading import MemberReader
from matinee.platform.abilities import ArtworkChoices, ChoosesArtwork
from matinee.platform.deciding import Context, Request, Surroundings
from matinee.platform.dressing import Pictures, dress, to_choose
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import check_files, read_card
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.loading import find
from matinee.types import NEVER_US

FALLBACK = "fallback"
"""In place of a version: the initiative without a model."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The image of a title on a page, and why it is that one.

    Attributes
    ----------
    propensity : float or None
        None where there is no image.
    """

    artwork_id: str | None
    propensity: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Dresser:
    """Gives pages their images as of a moment. Use `open`.

    Attributes
    ----------
    chooser : ChoosesArtwork or None
        None: every title has its default image.
    trouble : str
        Why there is none.
    watch : ClearanceWatch or None
        Where the clearance is followed while pages are made. None: it is `standing`.
    """

    pictures: Pictures
    standing: Standing
    at_us: int
    chooser: ChoosesArtwork | None
    trouble: str = ""
    watch: ClearanceWatch | None = None

    @staticmethod
    def open(
        home: Home, name: str, at_us: int, *, members: MemberReader | None = None, version: str = ""
    ) -> Dresser | None:
        """With the release of an initiative, else its fallback; None for a home without images.

        Parameters
        ----------
        name : str
            The initiative that chooses. It may be absent, or not open: then images are the default ones.
        members : MemberReader, optional
            Who knows members at the moment of a request. Default: the log, as of `at_us`.
        version : str
            Of the initiative, in place of what is in production; `FALLBACK`: without a model.

        Raises
        ------
        StorageError
            The lake cannot be read.
        """
        pictures = Pictures.load(home)
        if not pictures:
            return None
        watch = ClearanceWatch(home)
        standing = watch.current()
        found = find(home).get(name)
        if found is None:
            return Dresser(pictures, standing, at_us, None, f"there is no initiative {name}", watch)
        try:
            initiative = found.load()
            config = settings.load(home.settings, name, initiative.config, values=initiative.values)
            if aspect := str(getattr(config, "aspect", "")):
                pictures = Pictures.load(home, aspect=aspect)
            chooser: Any = _chooser(
                home,
                initiative,
                Surroundings(home.limited_to(initiative.tables), at_us, config, members),
                version,
            )
        except MatineeError as problem:
            return Dresser(pictures, standing, at_us, None, str(problem), watch)
        if not isinstance(chooser, ChoosesArtwork):
            return Dresser(pictures, standing, at_us, None, f"nothing of {name} is in production", watch)
        return Dresser(pictures, standing, at_us, chooser, watch=watch)

    def dressed(
        self, unit_id: str, slots: Sequence[Slot], context: Context, territory: str | None
    ) -> tuple[list[Slot], dict[str, Shown]]:
        """Slots with their images, and for each title its image.

        A chooser that fails costs the choice and not the page: the images are the default ones then.
        """
        titles = to_choose(slots, pictures=self.pictures)
        standing = self.standing if self.watch is None else self.watch.current()
        choices, trouble = None, self.trouble
        if self.chooser is not None:
            given = context if territory is None else {**context, "territory": territory}
            try:
                choices = self.chooser.choose_artwork(Request(unit_id, self.at_us, context=given), titles)
            except Exception as problem:  # whatever a model does, the page is shown
                trouble = f"{type(problem).__name__}: {problem}"
        found = dress(slots, titles, choices, self.pictures, standing, at_us=self.at_us, territory=territory)
        return found.slots, reasons(found.slots, titles, choices, trouble, self.pictures)

    def gone(self, artwork_ids: Collection[str]) -> set[str]:
        """Images on pages made since `open` whose clearance was taken back meanwhile, wholly or in part.

        Whoever writes pages into a file asks before the file appears: from the first page to the last it
        may take minutes.
        """
        now = self.standing if self.watch is None else self.watch.look()
        return {one for one in artwork_ids if self._lost(one, now)}

    def _lost(self, artwork_id: str, now: Standing) -> bool:
        then = self.standing
        place, before = now.place.get(artwork_id), then.place.get(artwork_id)
        if place is None:
            return True
        if now is then or before is None:
            return False
        some, others = now.clearances, then.clearances
        return (
            bool(some.withdrawn[place])
            or int(some.approved_us[place]) == NEVER_US
            or int(some.end_us[place]) < int(others.end_us[before])
            or int(some.start_us[place]) > int(others.start_us[before])
            or some.territories.of(place) != others.territories.of(before)
        )


def reasons(
    slots: Sequence[Slot],
    titles: Sequence[str],
    choices: ArtworkChoices | None,
    trouble: str,
    pictures: Pictures | None = None,
) -> dict[str, Shown]:
    """For each title of a page its image, its propensity, and a sentence for people.

    Parameters
    ----------
    choices : ArtworkChoices or None
        What was chosen for `titles`; None: nobody chose, because of `trouble`.
    pictures : Pictures, optional
        Knows the series of episodes that were asked about as their series.
    """
    owner = pictures.owner if pictures is not None else str
    said: dict[str, tuple[str | None, str | None]] = {}
    if choices is not None:
        said = dict(zip(titles, zip(choices.artwork_id, choices.why, strict=True), strict=True))
    out: dict[str, Shown] = {}
    for slot in slots:
        if slot.action in out:
            continue
        chosen, why = said.get(slot.action) or said.get(owner(slot.action), (None, None))
        out[slot.action] = Shown(
            slot.artwork_id, slot.artwork_propensity, _sentence(slot, chosen, why, trouble)
        )
    return out


def _sentence(slot: Slot, chosen: str | None, why: str | None, trouble: str) -> str:
    if slot.artwork_id is None:
        return "no image of the title may be shown"
    if slot.artwork_id != chosen:
        return "the default image" + (f", because {trouble}" if trouble else "")
    if slot.artwork_n == 1:
        return why or "the only image that may be shown"
    return why or f"drawn from {slot.artwork_n} images"


def _chooser(home: Home, initiative: Initiative, around: Surroundings, version: str) -> object:
    """The version, or what is in production; where nothing is, the fallback."""
    version = version or _released(home, initiative.name)
    if version == FALLBACK:
        return initiative.fallback.open(around)
    folder = home.releases / initiative.name / version
    check_files(folder, read_card(folder).files)
    return initiative.open(folder, around)


def _released(home: Home, name: str) -> str:
    """The version in production."""
    with open_registry(home) as registry:
        try:
            current = registry.releases.current(name)
        except NotFoundError:  # nothing of it was ever trained here
            return FALLBACK
    return FALLBACK if current is None else current.version
