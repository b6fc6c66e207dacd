"""What the server says: the replies of its routes, as they stand in the OpenAPI description."""

from __future__ import annotations

import msgspec

from matinee.serve.released import Standing


class RejectedEvent(msgspec.Struct, frozen=True):
    """An event that was refused: its place in the request (from 0), and why."""

    index: int
    error: str


class EventsReply(msgspec.Struct, frozen=True):
    """What became of a batch of events. Accepted ones are on disk and count in the next decision."""

    accepted: int
    duplicate: int
    rejected: list[RejectedEvent]


class TileReply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A title in a row. `propensity`: with which probability it was placed here, given what stood before.

    `artwork_id` is the image that stands for it, `artwork_url` its file on this server, `artwork_propensity`
    with which probability it was chosen among the title's.
    """

    col: int
    title_id: str
    reason: str | None
    artwork_id: str | None
    propensity: float
    artwork_propensity: float | None = None
    artwork_url: str | None = None


class RowReply(msgspec.Struct, frozen=True):
    """A row of a page: its place (from 1), its kind, and the sentence above it."""

    row: int
    kind: str
    reason: str
    tiles: list[TileReply]


class PageReply(msgspec.Struct, frozen=True):
    """A homepage, or the rows that follow on it.

    `fallback` is true when the released model did not make it; `fallback_reason` says why. `next_cursor` asks
    for the rows below. `unmet` lists the editors' wishes that could not be kept. `reason` stands only on a
    page without rows.
    """

    decision_id: str
    at: str
    policy: str
    model: str
    fallback: bool
    rows: list[RowReply]
    next_cursor: str | None
    unmet: list[str]
    reason: str | None = None
    fallback_reason: str | None = None
    sticky_of: str | None = None


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question to an initiative.

    `actions` narrows what it may choose from. `sticky_s`: seconds in which the unit gets the same answer
    again.
    `seed` chooses the random draws; leave it out in production.
    """

    unit_id: str
    context: dict[str, str | int | float | bool | None] = {}
    actions: list[str] | None = None
    budget_ms: float | None = None
    sticky_s: int = 0
    seed: int | None = None


class SlotReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One choice. A decision of several has their places in `row` and `col`.

    A title has an image as on a page.
    """

    action: str
    propensity: float
    reason: str | None = None
    row: int | None = None
    col: int | None = None
    explored: bool = False
    artwork_id: str | None = None
    artwork_propensity: float | None = None
    artwork_url: str | None = None


class DecisionReply(msgspec.Struct, frozen=True):
    """An answer. `slots` is empty when no action was permitted; `reason` then says why."""

    decision_id: str
    initiative: str
    unit_id: str
    at: str
    policy: str
    model: str
    fallback: bool
    slots: list[SlotReply]
    reason: str | None = None
    fallback_reason: str | None = None
    sticky_of: str | None = None


class RewardRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of a decision: `value` of the figure `reward` (the initiative's own, if left out).

    `reward_id` makes a report that is sent twice count once. `action` says which of several slots is meant.
    """

    value: float
    reward: str | None = None
    at: str | int | float | None = None
    action: str | None = None
    reward_id: str | None = None


class RewardReply(msgspec.Struct, frozen=True):
    """Whether the report is new, and whether it counts: one outside the window does not."""

    accepted: bool
    duplicate: bool
    counts: bool
    why_not: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, as RFC 9457 has it; `request_id` finds it in the server's log."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    request_id: str | None = None


class Health(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: str


class Serving(msgspec.Struct, frozen=True):
    """Version that answers ("none": the fallback does), and how many things are wrong with it."""

    version: str
    troubles: int


class ReadinessDetails(msgspec.Struct, frozen=True):
    """What is not as it should be, in words, and how it stands with each initiative."""

    troubles: list[str]
    initiatives: dict[str, Standing]


class Readiness(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the server can do its work. `details` are there for a key with the scope admin.

    `at` is what time it is for the server, by the home's clock.
    """

    status: str
    state: str
    log: str
    initiatives: dict[str, Serving]
    at: str = ""
    details: ReadinessDetails | None = None
