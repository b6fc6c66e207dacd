"""The scores of a tile for people: in the order of the stages, as percents, places and terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Form = Literal["share", "term", "place", "number"]
"""How a figure is written: a probability; a signed term of a sum; "4th of 24"; as it is."""
STAGES: Mapping[str, tuple[tuple[str, Form], ...]] = {
    "candidate": (("next", "share"), ("window", "share"), ("play", "share")),
    "in_row": (("order", "place"),),
    "slate": (
        ("relevance", "term"),
        ("diversity", "term"),
        ("spread", "term"),
        ("calibration", "term"),
        ("total", "term"),
    ),
    "attention": (("look", "share"), ("seen_above", "share"), ("expected", "share")),
}
"""The stages that are known by name, in their order, each with its figures. Others stand under "other"."""
OTHER = "other"
HIDDEN = frozenset({"candidates"})
"""Figures that stand beside another one."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes
    ----------
    of : float or None
        Of a place: among how many.
    """

    name: str
    form: Form
    value: float
    of: float | None = None


def figures(scores: Mapping[str, float]) -> list[tuple[str, list[Figure]]]:
    """Stages that have figures, each with them.

    Examples
    --------
    >>> for stage, some in figures({"play": 0.1, "order": 2.0, "candidates": 24.0, "mine": 3.0}):
    ...     print(stage, some)
    candidate [Figure(name='play', form='share', value=0.1, of=None)]
    in_row [Figure(name='order', form='place', value=2.0, of=24.0)]
    other [Figure(name='mine', form='number', value=3.0, of=None)]
    """
    found = [
        (
            stage,
            [
                Figure(name, form, scores[name], scores.get("candidates") if form == "place" else None)
                for name, form in names
                if name in scores
            ],
        )
        for stage, names in STAGES.items()
    ]
    known = {name for names in STAGES.values() for name, _ in names} | HIDDEN
    found.append((OTHER, [Figure(n, "number", v) for n, v in scores.items() if n not in known]))
    return [(stage, some) for stage, some in found if some]
