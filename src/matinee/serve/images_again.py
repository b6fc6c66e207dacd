"""Why a logged page has the images that it has: chosen once more as of its moment, for people who ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee import settings
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.observe.state.as_of import MembersAsOf
from matinee.platform.abilities import ArtworkChoices, ChoosesArtwork
from matinee.platform.deciding import Request, Surroundings
from matinee.platform.dressing import to_choose
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import check_files, read_card
from matinee.serve.artwork_choices import DEFAULT
from matinee.serve.artworks import NAME
from matinee.serve.known import Known
from matinee.serve.opened import NONE

Said = dict[str, tuple[str | None, str | None]]
"""Title -> the image that is chosen for it when it is chosen again, and why."""


def images_of(
    home: Home, initiatives: Mapping[str, Initiative], made: DecisionRecord, slots: list[Slot]
) -> list[dict[str, Any]]:
    """The image of each slot, its propensity and why; empty for a page without images.

    Parameters
    ----------
    made : DecisionRecord
        The decision that composed the page.
    slots : list of Slot
        What was shown.
    """
    if all(slot.artwork_id is None for slot in slots):
        return []
    said, trouble = _again(home, initiatives.get(NAME), made)
    seen: set[str] = set()
    out = []
    for slot in slots:
        out.append(
            {
                "row": slot.row,
                "col": slot.col,
                "title_id": slot.action,
                "artwork_id": slot.artwork_id,
                "propensity": slot.artwork_propensity,
                "n": slot.artwork_n,
                "why": _why(slot, said, trouble, again=slot.action in seen),
            }
        )
        seen.add(slot.action)
    return out


def _again(home: Home, initiative: Initiative | None, made: DecisionRecord) -> tuple[Said, str]:
    """Choose again; what is in the way is told."""
    reason = str(made.context.get("artwork_reason") or "")
    if made.context.get("artwork_policy") == DEFAULT:
        return {}, reason
    if initiative is None:
        return {}, f"there is no initiative {NAME} any more"
    titles = to_choose(made.slots)
    try:
        choices = _choose(home, initiative, made, titles)
    except Exception as problem:  # whatever a model does, the record is told
        return {}, f"it cannot be chosen again, {type(problem).__name__}: {problem}"
    return dict(zip(titles, zip(choices.artwork_id, choices.why, strict=True), strict=True)), ""


def _choose(home: Home, initiative: Initiative, made: DecisionRecord, titles: list[str]) -> ArtworkChoices:
    members = MembersAsOf(home, made.at_us, made.at_us)
    config = settings.load(home.settings, initiative.name, initiative.config, values=initiative.values)
    around = Surroundings(home.limited_to(initiative.tables), made.at_us, config, members)
    version = str(made.context.get("artwork_model") or NONE)
    if version == NONE:
        chooser: Any = initiative.fallback.open(around)
    else:
        folder = home.releases / initiative.name / version
        check_files(folder, read_card(folder).files)
        chooser = initiative.open(folder, around)
    if not isinstance(chooser, ChoosesArtwork):
        raise TypeError(f"{initiative.name} {version} chooses no images")
    record = members.record(made.unit_id)
    known = Known(members.member(made.unit_id), 0, record.territory, reached=True)
    context = dict(made.context)
    territory = known.limits(context).territory
    context.pop("territory", None)
    if territory is not None:
        context["territory"] = territory
    return chooser.choose_artwork(Request(made.unit_id, made.at_us, context=context), titles)


def _why(slot: Slot, said: Said, trouble: str, *, again: bool) -> str:
    if slot.artwork_id is None:
        return "no image of the title was cleared"
    if again:
        return "the same image as above for the same title"
    chosen, why = said.get(slot.action, (None, None))
    if chosen == slot.artwork_id and why:
        return why
    if slot.artwork_n == 1 and (trouble or slot.action in said):
        return "the default image" + (f", because {trouble}" if trouble else "")
    drawn = f"drawn with probability {slot.artwork_propensity:.3g} from {slot.artwork_n} images"
    if trouble:
        return f"{drawn}; {trouble}"
    return drawn if chosen in (None, slot.artwork_id) else f"{drawn}; chosen again it would be {chosen}"
