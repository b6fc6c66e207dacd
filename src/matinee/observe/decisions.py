"""The decision record: what was possible, what was chosen, how probably, by which version, to what end."""

from __future__ import annotations

import msgspec

DECISION_FORMAT = 1


class Slot(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One choice inside a decision: a tile of a page, or the single action of a simple decision.

    `propensity` is conditional on the slots before it and the mask; a deterministic slot has 1.0.
    `row` and `col` start at 1. `explored` marks slots drawn at random. `artwork_id` is the image that stands
    for the title, chosen among `artwork_n` with probability `artwork_propensity`, conditional on the images
    of the slots before it.
    """

    action: str
    propensity: float
    row: int | None = None
    col: int | None = None
    row_kind: str | None = None
    reason: str | None = None
    n_permitted: int | None = None
    explored: bool = False
    artwork_id: str | None = None
    artwork_propensity: float | None = None
    artwork_n: int | None = None


class RowNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a page: its place (from 1), its kind, and the sentence above it."""

    row: int
    kind: str
    reason: str


class DecisionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision as it is logged at the moment it is made; the reward is joined later by `decision_id`.

    `actions` is the eligible set; for large sets it may hold a reference ("mask:<hash>") instead.
    `sticky_of` names the first decision when an old choice was served again; such records are left out
    of off-policy data. `rows` and `unmet` are those of a page: what stands above each row, and the wishes
    that could not be kept. `latency_ms` is the time from the request to the answer. `more` (further rows can
    be asked for) and `valid_until_us` (until when the rules permit the same actions) are for the server, not
    for the log.
    """

    decision_id: str
    initiative: str
    unit_id: str
    at_us: int
    policy: str
    model: str
    slots: list[Slot]
    actions: list[str] = []
    context: dict[str, str | int | float | bool | None] = {}
    fallback: bool = False
    sticky_of: str | None = None
    rows: list[RowNote] = []
    unmet: list[str] = []
    latency_ms: float | None = None
    more: bool = False
    valid_until_us: int | None = None
    format: int = DECISION_FORMAT
