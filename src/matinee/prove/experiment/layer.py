"""Room in a layer: experiments of one layer hold parts of [0, 1) that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable

from matinee.errors import InputError
from matinee.prove.experiment.definition import ROUNDING, Experiment


def free_parts(taken: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Parts of [0, 1) that nobody holds, from the left.

    Parameters
    ----------
    taken : iterable of (float, float)
        From and until of each part that is held, in any order.

    Examples
    --------
    >>> free_parts([(0.5, 0.75), (0.0, 0.25)])
    [(0.25, 0.5), (0.75, 1.0)]
    """
    out, at = [], 0.0
    for start, end in sorted(taken):
        if start > at + ROUNDING:
            out.append((at, start))
        at = max(at, end)
    return [*out, (at, 1.0)] if at < 1.0 - ROUNDING else out


def find_place(wanted: Experiment, running: Iterable[Experiment]) -> float:
    """Where the part of an experiment can begin: where it asks for, else the first place with room.

    Parameters
    ----------
    running : iterable of Experiment
        Those of its layer, with the shares they have now.

    Raises
    ------
    InputError
        There is no room; the message names who holds the layer and what is free.
    """
    held = list(running)
    for start, end in free_parts((one.from_share, one.until_share) for one in held):
        if wanted.from_share > 0:
            if start - ROUNDING <= wanted.from_share and wanted.until_share <= end + ROUNDING:
                return wanted.from_share
        elif wanted.share <= end - start + ROUNDING:
            return start
    at = f" from {wanted.from_share:g} on" if wanted.from_share > 0 else ""
    raise InputError(
        f"experiment {wanted.name}: share is {wanted.share:g}{at}, expected room in layer {wanted.in_layer}: "
        f"{told(held)} Lower its share, stop one of them, or give it a layer of its own if the two cannot "
        "disturb each other."
    )


def check_ramp(ramped: Experiment, running: Iterable[Experiment]) -> None:
    """See that an experiment with a raised share reaches into nobody else's part.

    Raises
    ------
    InputError
        It does, or it reaches past the end of the layer.
    """
    others = [one for one in running if one.name != ramped.name]
    for start, end in free_parts((one.from_share, one.until_share) for one in others):
        if start - ROUNDING <= ramped.from_share and ramped.until_share <= end + ROUNDING:
            return
    room = (
        min([one.from_share for one in others if one.from_share >= ramped.from_share], default=1.0)
        - ramped.from_share
    )
    raise InputError(
        f"experiment {ramped.name}: share is {ramped.share:g}, expected at most {room:.4g}: it begins at "
        f"{ramped.from_share:g} of layer {ramped.in_layer}. {told(others)}"
    )


def told(held: Iterable[Experiment]) -> str:
    """Who holds what of a layer, and what is free.

    Examples
    --------
    >>> told([])
    'Free: 0 to 1.'
    """
    ordered = sorted(held, key=lambda one: one.from_share)
    parts = free_parts((one.from_share, one.until_share) for one in ordered)
    free = ", ".join(f"{start:.4g} to {end:.4g}" for start, end in parts) or "nothing"
    runs = ", ".join(f"{one.name} ({one.from_share:.4g} to {one.until_share:.4g})" for one in ordered)
    return f"Running: {runs}. Free: {free}." if runs else f"Free: {free}."
