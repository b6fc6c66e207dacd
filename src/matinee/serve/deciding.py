"""One decision about a unit: with what is known about it, and with a last look at what came out."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import groupby

import msgspec

from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.platform.deciding import Request
from matinee.prove.experiment.interleaving import CONTEXT_KEY
from matinee.serve.artworks import NAME as ARTWORK
from matinee.serve.artworks import located
from matinee.serve.interleaved import teams_without
from matinee.serve.known import Known
from matinee.serve.services import Services
from matinee.serve.trials import Place


async def decide_for(
    services: Services,
    initiative: str,
    request: Request,
    known: Known,
    decision_id: str,
    budget_ms: float,
    place: Place | None = None,
) -> tuple[DecisionRecord, str | None]:
    """Ask an initiative about a member, take away what the member may not see, and choose the images.

    Parameters
    ----------
    place : Place, optional
        Where the unit stands in an experiment.

    Returns
    -------
    tuple of DecisionRecord and str or None
        Not logged yet; and why the fallback decided, None if the model did.

    Raises
    ------
    StorageError
        Not even the fallback answered.
    """
    began = time.perf_counter()
    context, limits = known.context(request.context), known.limits(request.context)
    if initiative == ARTWORK:  # its actions are images, cleared in some territories
        context = located(context, limits.territory)
    asked = replace(request, context=context)
    images = None
    if services.has_images(initiative):
        images = services.artwork.alongside(services, request, known, limits.territory, budget_ms / 1e3)
    then = None if images is None else images.then
    answer = await services.answer(initiative, asked, decision_id, budget_ms, place, then)
    record = answer.record
    if services.shows_titles(initiative):
        bad = services.guard.forbidden(record.slots, limits, request.at_us)
        if bad:
            services.count_violations(initiative, record, bad)
            record = without(record, bad)
    if initiative == ARTWORK:
        record = services.artwork.permitted(record, request, known)
    if services.has_images(initiative):
        left_s = budget_ms / 1e3 - (time.perf_counter() - began)
        record = await services.artwork.dress(
            services, record, request, known, limits.territory, left_s, images
        )
    return record, answer.fallback


def without(record: DecisionRecord, bad: list[Slot]) -> DecisionRecord:
    """A page without some slots: those to their right move up, and a row without any is closed."""
    gone = {id(slot) for slot in bad}
    slots: list[Slot] = []
    rows: list[RowNote] = []
    notes = {note.row: note for note in record.rows}
    first = min(notes, default=1)
    for number, group in groupby(record.slots, key=lambda slot: slot.row or 0):
        kept = [slot for slot in group if id(slot) not in gone]
        if not kept:
            continue
        row = first + len(rows)
        rows.append(msgspec.structs.replace(notes[number], row=row))
        slots += [msgspec.structs.replace(slot, row=row, col=col) for col, slot in enumerate(kept, 1)]
    teams = teams_without(record, bad)
    context = record.context if teams is None else {**record.context, CONTEXT_KEY: teams}
    return msgspec.structs.replace(record, slots=slots, rows=rows, context=context)
