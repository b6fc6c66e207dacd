"""The images of pages in one process: chosen by the initiative `artwork`, looked at last, given out.

Nothing here can cost a page: whoever chooses is asked inside what is left of the time and `[serve]
artwork_ms`, and if it is missing, late or fails, each title has its default image.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import Counter, Histogram

from matinee import settings
from matinee.errors import MatineeError, NotFoundError
from matinee.observe.catalogue.artwork import FOLDER
from matinee.observe.catalogue.clearance_watch import ClearanceWatch
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.deciding import Context, Request
from matinee.platform.dressing import Dressed, Pictures, dress, looked_over, to_choose
from matinee.platform.initiative import Initiative
from matinee.serve.artwork_choices import Alongside, Asking, Choice, Lanes, nobody
from matinee.serve.images import Images
from matinee.serve.known import Known
from matinee.serve.released import Released
from matinee.serve.trials import CONTEXT

if TYPE_CHECKING:
    from matinee.serve.services import Services

LOG = logging.getLogger("matinee.serve")
NAME = "artwork"
"""The initiative that chooses images."""
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
        self._half: Lanes | None = None
        self._counted: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
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

    def alongside(
        self, services: Services, request: Request, known: Known, territory: str | None, total_s: float
    ) -> Alongside | None:
        """The question about a page's images, to be asked by the thread that composes it; None: ask later.

        Parameters
        ----------
        territory : str or None
            In which the images have to be cleared.
        total_s : float
            Time for the whole answer.
        """
        released = services.released.get(NAME)
        if released is None or not self.pictures:
            return None
        budget_s = min(total_s, services.config.artwork_ms / 1e3)
        if budget_s <= 0:
            return None
        asking = self._asking(released, request, known, territory, budget_s)
        patient = budget_s >= services.config.artwork_ms / 1e3
        lanes, reading = self._lanes(services), services.reading
        return Alongside.of(asking, lanes, reading, budget_s, total_s, patient=patient)

    async def dress(
        self,
        services: Services,
        record: DecisionRecord,
        request: Request,
        known: Known,
        territory: str | None,
        left_s: float,
        alongside: Alongside | None = None,
    ) -> DecisionRecord:
        """A page with its images, each with its propensity; what it says about them stands in its context.

        Parameters
        ----------
        record : DecisionRecord
            Composed, and without what its member may not see.
        territory : str or None
            In which the images have to be cleared.
        left_s : float
            What is left of the time for the answer.
        alongside : Alongside, optional
            What came of choosing them where the page was composed.
        """
        if not self.pictures or not record.slots:
            return record
        began = time.perf_counter()
        titles = None if alongside is None else alongside.asked(record.slots)
        if titles is None:
            titles = to_choose(record.slots, request.after)
        choice = None if alongside is None else alongside.choice(titles)
        if choice is None:
            choice = await self._choose(services, request, titles, known, territory, left_s)
        found = dress(
            record.slots,
            titles,
            choice.choices,
            self.pictures,
            self.watch.current(),
            at_us=request.at_us,
            territory=territory,
            above=request.after,
        )
        context = {**record.context, **choice.noted}
        if territory is not None and territory != context.get("territory"):
            context["artwork_territory"] = territory
        if found.replaced:
            context["artwork_replaced"] = found.replaced
            services.metrics.artwork_replaced.inc(found.replaced)
        counter, timer = self._counters(services, choice.how, record.initiative)
        counter.inc()
        timer.observe(time.perf_counter() - began)
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

    def shows(self, name: str, at_us: int) -> bool:
        """Whether a file may be given out: one of the images in it is cleared now."""
        return self.pictures.shows(name, self.watch.current(), at_us)

    def file(self, name: str, at_us: int) -> Path:
        """The file of an image.

        Raises
        ------
        NotFoundError
            There is none of this name, or none of the images in it is cleared now.
        """
        path = self.home.root / FOLDER / name
        if not self.shows(name, at_us) or not path.is_file():
            raise NotFoundError(
                f'artwork "{name[:80]}" is not there, expected the file of an image that is cleared now.'
            )
        return path

    async def _choose(
        self,
        services: Services,
        request: Request,
        titles: Sequence[str],
        known: Known,
        territory: str | None,
        left_s: float,
    ) -> Choice:
        released = services.released.get(NAME)
        if released is None or not titles:
            return nobody("no initiative chooses images" if titles else "the images stand above")
        left_s = min(left_s, services.config.artwork_ms / 1e3)
        return await self._asking(released, request, known, territory, left_s).ask(titles, left_s)

    def _asking(
        self, released: Released, request: Request, known: Known, territory: str | None, left_s: float
    ) -> Asking:
        asked = _asked(request, territory)
        place = released.place(asked.unit_id, known, asked.context)
        return Asking.of(released, asked, place, left_s)

    def _counters(self, services: Services, how: str, initiative: str) -> tuple[Counter, Histogram]:
        """What counts pages by how their images came about, and how long it took; looked up once each."""
        found = self._counted.get((how, initiative))
        if found is None:
            metrics = services.metrics
            found = metrics.artwork.labels(how), metrics.stages.labels(initiative, NAME)
            self._counted[how, initiative] = found
        return found

    def _lanes(self, services: Services) -> Lanes:
        """Half of the threads of a page."""
        if self._half is None:
            self._half = Lanes(services.config.threads // 2)
        return self._half


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


def _asked(request: Request, territory: str | None) -> Request:
    """The question about images: that of the page, in the territory that holds for it."""
    context = located(request.context, territory)
    return Request(request.unit_id, request.at_us, context=context, seed=request.seed, after=request.after)


def located(context: Context, territory: str | None) -> Context:
    """A context with the territory that holds, whatever the caller said; without one if none is known."""
    found = {name: value for name, value in context.items() if name != "territory"}
    return found if territory is None else {**found, "territory": territory}
