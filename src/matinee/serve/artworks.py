"""The images of pages in one process: chosen by the initiative `artwork`, looked at last, given out.

Nothing here can cost a page: whoever chooses is asked inside what is left of the time and `[serve]
artwork_ms`, and if it is missing, late or fails, each title has its default image.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from matinee import settings
from matinee.errors import MatineeError, NotFoundError
from matinee.observe.catalogue.artwork import FOLDER
from matinee.observe.catalogue.clearance_watch import ClearanceWatch
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.deciding import ArtworkChoices, ChoosesArtwork, Context, Request
from matinee.platform.dressing import Dressed, Pictures, dress, looked_over, to_choose
from matinee.platform.initiative import Initiative
from matinee.serve.arms import arm_counts
from matinee.serve.attempt import Attempt
from matinee.serve.budget import LATE, OVERLOADED, RESTING, STUCK
from matinee.serve.images import Images
from matinee.serve.known import Known
from matinee.serve.released import Released
from matinee.serve.rollouts import ANSWERS, BAD, FALLBACK, counter
from matinee.serve.trials import CONTEXT, Place

if TYPE_CHECKING:
    from matinee.serve.services import Services

LOG = logging.getLogger("matinee.serve")
NAME = "artwork"
"""The initiative that chooses images."""
DEFAULT = "default"
"""Policy of a page whose images nobody chose."""
NOTED = frozenset(
    {
        "artwork_policy",
        "artwork_model",
        "artwork_late",
        "artwork_reason",
        "artwork_replaced",
        "artwork_territory",
        "artwork_canary",
    }
    | {f"artwork_{name}" for name in CONTEXT}
)
"""Names in the context of a page that say how its images came about."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """What came of asking, and what the page's record says about it."""

    choices: ArtworkChoices | None
    noted: Context
    how: str


class Artwork:
    """Images for the pages of one process.

    Parameters
    ----------
    home : Home
    initiative : Initiative or None
        The one that chooses, where there is one: its setting `aspect` holds for default images too.

    Attributes
    ----------
    pictures : Pictures
        Replaced when an image was added, changed or withdrawn.
    watch : ClearanceWatch
    images : Images
        Files in the widths that are asked for.
    """

    def __init__(self, home: Home, initiative: Initiative | None) -> None:
        self.home, self.watch, self.images = home, ClearanceWatch(home), Images(home)
        self._aspect = aspect_of(home, initiative)
        self._version: int | None = None
        self.pictures = Pictures.load(home, aspect=self._aspect)
        self.follow()

    def close(self) -> None:
        """End what scales images."""
        self.images.close()

    def follow(self) -> None:
        """Look at the clearance of images now; their list is read again when one of them changed.

        A stat of a small file as long as nothing was written. For the thread that watches.
        """
        standing = self.watch.look()
        if standing.version != self._version:
            self.pictures = Pictures.load(self.home, aspect=self._aspect)
            self._version = standing.version

    async def dress(
        self, services: Services, record: DecisionRecord, request: Request, known: Known, left_s: float
    ) -> DecisionRecord:
        """A page with its images, each with its propensity; what it says about them stands in its context.

        Parameters
        ----------
        record : DecisionRecord
            Composed, and without what its member may not see.
        left_s : float
            What is left of the time for the answer.
        """
        if not self.pictures or not record.slots:
            return record
        began = time.perf_counter()
        limits = known.limits(request.context)
        titles = to_choose(record.slots, request.after)
        asked = _asked(request, limits.territory)
        choice = await self._choose(services, asked, titles, known, left_s)
        found = dress(
            record.slots,
            titles,
            choice.choices,
            self.pictures,
            self.watch.current(),
            at_us=request.at_us,
            territory=limits.territory,
            above=request.after,
        )
        context = {**record.context, **choice.noted}
        if limits.territory is not None and limits.territory != context.get("territory"):
            context["artwork_territory"] = limits.territory
        if found.replaced:
            context["artwork_replaced"] = found.replaced
            services.metrics.artwork_replaced.inc(found.replaced)
        services.metrics.artwork.labels(choice.how).inc()
        services.metrics.stages.labels(record.initiative, NAME).observe(time.perf_counter() - began)
        return msgspec.structs.replace(record, slots=found.slots, context=context)

    def last_look(self, services: Services, slots: Sequence[Slot], request: Request, known: Known) -> Dressed:
        """A page that is given out again, without the images that may not be shown any more."""
        if not self.pictures:
            return Dressed(list(slots))
        territory = known.limits(request.context).territory
        standing = self.watch.current()
        found = looked_over(slots, self.pictures, standing, at_us=request.at_us, territory=territory)
        if found.replaced:
            services.metrics.artwork_replaced.inc(found.replaced)
        return found

    def permitted(self, record: DecisionRecord, request: Request, known: Known) -> DecisionRecord:
        """A decision of the initiative itself, whose actions are images, without those not cleared now."""
        bad = self._not_cleared(record.slots, request, known)
        if not bad:
            return record
        reason = "the image that was chosen may not be shown any more"
        return msgspec.structs.replace(
            record,
            slots=[slot for i, slot in enumerate(record.slots) if i not in bad],
            context={**record.context, "artwork_replaced": len(bad), "reason": reason},
        )

    def holds(self, slots: Sequence[Slot], request: Request, known: Known) -> bool:
        """Whether all images of an earlier decision of the initiative itself are still cleared."""
        return not self._not_cleared(slots, request, known)

    def _not_cleared(self, slots: Sequence[Slot], request: Request, known: Known) -> set[int]:
        territory = known.limits(request.context).territory
        ids = [slot.action for slot in slots]
        return set(self.pictures.uncleared(ids, self.watch.current(), request.at_us, territory))

    def url(self, artwork_id: str | None) -> str | None:
        """Where its file is on this server."""
        return None if artwork_id is None else self.pictures.url_of.get(artwork_id)

    def file(self, name: str, at_us: int) -> Path:
        """The file of an image.

        Raises
        ------
        NotFoundError
            There is none of this name, or none of the images in it is cleared now.
        """
        path = self.home.root / FOLDER / name
        if not self.pictures.shows(name, self.watch.current(), at_us) or not path.is_file():
            raise NotFoundError(
                f'artwork "{name[:80]}" is not there, expected the file of an image that is cleared now.'
            )
        return path

    async def _choose(
        self, services: Services, request: Request, titles: Sequence[str], known: Known, left_s: float
    ) -> _Choice:
        released = services.released.get(NAME)
        if released is None or not titles:
            return _nobody("no initiative chooses images" if titles else "the images stand above")
        place = released.place(request.unit_id, known, request.context)
        if place is not None and len(place.answers) > 1:
            place = None  # images are not interleaved: a page has one policy
        return await _ask(released, request, titles, place, min(left_s, services.config.artwork_ms / 1e3))


def aspect_of(home: Home, initiative: Initiative | None) -> str:
    """Shape of the images on tiles, by the settings of what chooses them; "" for any."""
    if initiative is None or initiative.config is None:
        return ""
    try:
        config = settings.load(home.settings, initiative.name, initiative.config, values=initiative.values)
    except MatineeError as problem:
        LOG.error("%s: its settings are wrong, default images have any shape: %s", initiative.name, problem)
        return ""
    return str(getattr(config, "aspect", ""))


async def _ask(
    released: Released, request: Request, titles: Sequence[str], place: Place | None, left_s: float
) -> _Choice:
    """Ask what is in production, the canary, or the arm of the member's experiment."""
    asked = Attempt(
        released.keeper.now,
        request,
        decision_id="",
        budget_ms=1e3 * max(left_s, 0.0),
        fallback_s=0.0,
        place=place,
    )
    why = asked.ready()
    decider = asked.opened.answering.decider if why is None else asked.now.fallback
    noted = {f"artwork_{name}": value for name, value in asked.noted.items()}
    if not isinstance(decider, ChoosesArtwork):
        _count(released, asked, [ANSWERS, FALLBACK])
        return _nobody(why or f"{asked.opened.version} chooses no images", noted)
    if left_s <= 0:
        return _nobody("no time was left", noted, late=True)
    outcome = await asked.opened.pool.ask_async(lambda: decider.choose_artwork(request, titles), left_s)
    late = outcome.why in (LATE, OVERLOADED, STUCK, RESTING)
    problem = outcome.why
    if problem is None and len(outcome.value.artwork_id) != len(titles):
        problem = f"{len(outcome.value.artwork_id)} images for {len(titles)} titles"
    if problem is not None:
        _count(released, asked, [ANSWERS, FALLBACK, *([LATE] if late else [])])
        said = "" if outcome.error is None else f": {type(outcome.error).__name__}: {outcome.error}"
        return _nobody(f"{problem}{said}"[:300], noted, late=late)
    _count(released, asked, [ANSWERS])
    choices: ArtworkChoices = outcome.value
    noted |= {
        "artwork_policy": choices.policy,
        "artwork_model": asked.opened.version if why is None else "none",
    }
    if why is not None:
        noted["artwork_reason"] = why
    return _Choice(choices, noted, "chosen" if why is None else "fallback")


def _nobody(why: str, noted: Context | None = None, *, late: bool = False) -> _Choice:
    """Default images, and why."""
    said: Context = {"artwork_policy": DEFAULT, "artwork_model": "none", "artwork_reason": why}
    if late:
        said["artwork_late"] = True
    return _Choice(None, {**(noted or {}), **said}, "late" if late else DEFAULT)


def _count(released: Released, asked: Attempt, names: list[str]) -> None:
    """Count as decisions are counted, so that canaries and arms that choose images are judged too."""
    released.tally.add(*names)
    released.tally.share(arm_counts(asked, names))
    rollout = asked.now.rollout
    if asked.arm is not None and rollout is not None:
        bad = [BAD] if len(names) > 1 or asked.missing is not None else []
        released.tally.share({counter(rollout, name, asked.arm): 1 for name in [*names, *bad]})


def _asked(request: Request, territory: str | None) -> Request:
    """The question about images: that of the page, in the territory that holds for it."""
    context = located(request.context, territory)
    return Request(request.unit_id, request.at_us, context=context, seed=request.seed, after=request.after)


def located(context: Context, territory: str | None) -> Context:
    """A context with the territory that holds, whatever the caller said; without one if none is known."""
    found = {name: value for name, value in context.items() if name != "territory"}
    return found if territory is None else {**found, "territory": territory}
