"""Decisions of any initiative over HTTP, their explanation, and what came of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from matinee.errors import InputError, NotFoundError, unknown_name
from matinee.observe.decision_log import new_decision_id, plausible
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.events.schema import LONGEST_TEXT as LONGEST_ID
from matinee.observe.members import MATURITY_MAX
from matinee.platform.deciding import Context, Request
from matinee.serve.artworks import NAME as ARTWORK
from matinee.serve.artworks import NOTED
from matinee.serve.asked import MOST_COLS, MOST_ROWS
from matinee.serve.attempt import NO_MODEL, in_short
from matinee.serve.deciding import decide_for
from matinee.serve.explaining import EXPLAINING, explain
from matinee.serve.known import Known, look
from matinee.serve.pages import INITIATIVE as HOMEPAGE
from matinee.serve.problems import ProblemError
from matinee.serve.recording import Repeated
from matinee.serve.rewarding import logged, take_reward
from matinee.serve.schemas import DecisionReply, DecisionRequest, RewardReply, RewardRequest, SlotReply
from matinee.serve.services import Services
from matinee.serve.trials import CONTEXT, Place
from matinee.types import NEVER_US, SECOND_US, derive_seed, format_at

LONGEST_STICKY_S = 30 * 86_400
MOST_ACTIONS = 10_000
MOST_CONTEXT, LONGEST_TEXT = 100, 1_000
RESERVED = (
    CONTEXT
    | NOTED
    | {
        "acted",
        "again_from_row",
        "again_to_row",
        "canary",
        "continues",
        "fallback_reason",
        "made",
        "made_at_us",
        "reason",
        "refreshed_us",
        "shadow",
        "shadow_of",
        "state_problem",
    }
)
"""Names in the context of a decision that say how it was made."""
NOBODY = Known(reached=True)
"""Of a unit that is no member, nothing is known and nothing needs to be."""


class Kept(msgspec.Struct, array_like=True):
    """A decision that a unit gets again for a while."""

    decision_id: str
    question: str
    until_us: int
    policy: str
    model: str
    slots: list[Slot]
    reason: str | None = None
    fallback: bool = False


class Asking:
    """Answers about decisions, for one process.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._decode = msgspec.msgpack.Decoder(Kept)

    async def decide(self, initiative: str, asked: DecisionRequest) -> DecisionReply:
        """Ask an initiative about one unit.

        Raises
        ------
        ProblemError
            404: no initiative of this name decides here.
        InputError
            A value of the request is wrong.
        """
        services = self.services
        if initiative not in services.released:
            text = unknown_name("decisions", "initiative", initiative, services.released)
            raise ProblemError(404, text)
        _check(asked)
        if services.is_about_members(initiative):
            _check_limits(asked.context)
        if initiative == HOMEPAGE:
            _check_size(asked.context)
        at_us = services.clock.now_us
        known = NOBODY
        if services.is_about_members(initiative):
            known = await services.off_loop(look, services, asked.unit_id)
        place = services.place(initiative, asked.unit_id, known, asked.context)
        question = _digest(asked, services.answering(initiative, place), known)
        if asked.sticky_s and known.reached:
            blob = await services.off_loop(services.kept, _kind(initiative), asked.unit_id)
            kept = None if blob is None else self._decode.decode(blob)
            if kept is not None and self._still_good(initiative, kept, question, known, asked, at_us):
                return self._again(initiative, asked, kept, known, at_us, place)
        budget = min(asked.budget_ms or services.config.budget_ms, services.config.budget_ms)
        decision_id = new_decision_id(at_us)
        request = Request(
            asked.unit_id,
            at_us,
            context=dict(asked.context),
            actions=None if asked.actions is None else tuple(asked.actions),
            seed=derive_seed(0, decision_id) if asked.seed is None else asked.seed,
        )
        record, why = await decide_for(services, initiative, request, known, decision_id, budget, place)
        services.recorder.log(record, asked.unit_id if services.is_about_members(initiative) else None)
        if asked.sticky_s and why in (None, NO_MODEL):
            until_us = min(at_us + asked.sticky_s * SECOND_US, record.valid_until_us or NEVER_US)
            reason = record.context.get("reason")
            kept = Kept(
                decision_id,
                question,
                until_us,
                record.policy,
                record.model,
                record.slots,
                None if reason is None else str(reason),
                record.fallback,
            )
            services.keep(_kind(initiative), asked.unit_id, msgspec.msgpack.encode(kept), asked.sticky_s)
        return _reply(record, record.slots, services.artwork.pictures.url_of)

    async def why(self, decision_id: str) -> dict[str, Any]:
        """What was logged about a decision, and how it comes about.

        Raises
        ------
        NotFoundError
            No such decision.
        """
        self._check_id(decision_id)
        return await EXPLAINING.run(self._why, decision_id)

    def _why(self, decision_id: str) -> dict[str, Any]:
        logged(self.services, decision_id)  # one that was made a moment ago is on its way to the log
        return explain(self.services, decision_id)

    async def reward(self, decision_id: str, reported: RewardRequest) -> RewardReply:
        """Take in what came of a decision.

        Raises
        ------
        NotFoundError
            No such decision.
        InputError
            The report is wrong: before the decision, too late, about an action that it does not have.
        """
        self._check_id(decision_id)
        return await take_reward(self.services, decision_id, reported)

    def _check_id(self, decision_id: str) -> None:
        """Refuse an id that no decision can have, before the whole log is searched for it."""
        if not plausible(decision_id, self.services.clock.now_us):
            raise NotFoundError(
                f'decision "{decision_id[:80]}" was never made here, expected the decision_id of an answer '
                "of this service."
            )

    def _still_good(
        self, initiative: str, kept: Kept, question: str, known: Known, asked: DecisionRequest, at_us: int
    ) -> bool:
        """Whether an answer may be given again: asked the same, in time, and permitted still."""
        if kept.question != question or at_us >= kept.until_us:
            return False
        guard = self.services.guard
        if initiative == ARTWORK:
            request = Request(asked.unit_id, at_us, context=dict(asked.context))
            return self.services.artwork.holds(kept.slots, request, known)
        return not self.services.shows_titles(initiative) or not guard.forbidden(
            kept.slots, known.limits(dict(asked.context)), at_us
        )

    def _again(
        self,
        initiative: str,
        asked: DecisionRequest,
        kept: Kept,
        known: Known,
        at_us: int,
        place: Place | None,
    ) -> DecisionReply:
        services, slots, other = self.services, kept.slots, False
        if services.has_images(initiative):
            request = Request(asked.unit_id, at_us, context=dict(asked.context))
            looked = services.artwork.last_look(services, slots, request, known)
            slots, other = looked.slots, looked.replaced > 0
        first = Repeated(kept.decision_id, kept.policy, kept.model, kept.fallback, kept.reason, place)
        territory = known.limits(dict(asked.context)).territory
        record = services.recorder.log_again(
            initiative, asked.unit_id, at_us, first, slots if other else (), territory
        )
        return _reply(record, slots, services.artwork.pictures.url_of)


def _kind(initiative: str) -> str:
    return f"sticky:{initiative}"


def _check(asked: DecisionRequest) -> None:
    if not asked.unit_id.strip() or len(asked.unit_id) > LONGEST_ID:
        raise InputError(
            f'unit_id is "{asked.unit_id[:40]}", expected 1 to {LONGEST_ID} characters. '
            "Name whom it is about."
        )
    taken = sorted(RESERVED & asked.context.keys())
    if taken:
        raise InputError(f'context: "{taken[0]}" is written by the server, expected another name.')
    if len(asked.context) > MOST_CONTEXT or any(len(name) > 64 for name in asked.context):
        raise InputError(
            f"context: has {len(asked.context)} names, expected at most {MOST_CONTEXT}, of 64 characters."
        )
    if any(isinstance(value, str) and len(value) > LONGEST_TEXT for value in asked.context.values()):
        raise InputError(f"context: holds a text of more than {LONGEST_TEXT} characters, expected less.")
    if asked.budget_ms is not None and not asked.budget_ms > 0:
        raise InputError(f"budget_ms is {asked.budget_ms}, expected milliseconds above 0. Or leave it out.")
    if not 0 <= asked.sticky_s <= LONGEST_STICKY_S:
        raise InputError(f"sticky_s is {asked.sticky_s}, expected 0 to {LONGEST_STICKY_S} seconds.")
    if asked.actions is not None and len(asked.actions) > MOST_ACTIONS:
        raise InputError(f"actions has {len(asked.actions)} names, expected at most {MOST_ACTIONS}.")


def _check_limits(context: Context) -> None:
    """Refuse limits of a wrong kind here: a model and its fallback would both fail at them."""
    territory, maturity, kids = (context.get(name) for name in ("territory", "maturity", "kids"))
    if territory is not None and not (isinstance(territory, str) and territory.strip()):
        raise _wrong("territory", territory, "text that is not empty")
    if maturity is not None and not _whole(maturity, 0, MATURITY_MAX):
        raise _wrong("maturity", maturity, f"an age, 0 to {MATURITY_MAX}")
    if kids is not None and not isinstance(kids, bool):
        raise _wrong("kids", kids, "true or false")


def _check_size(context: Context) -> None:
    for name, most in (("rows", MOST_ROWS), ("cols", MOST_COLS)):
        value = context.get(name)
        if value is not None and not _whole(value, 1, most):
            raise _wrong(name, value, f"a whole number, 1 to {most}")


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _wrong(name: str, value: object, expected: str) -> InputError:
    return InputError(f"context: {name} is {str(value)[:40]!r}, expected {expected}. Or leave it out.")


def _digest(asked: DecisionRequest, serving: str, known: Known) -> str:
    about = [known.member, known.territory]
    text = msgspec.json.encode([sorted(asked.context.items()), asked.actions, asked.seed, serving, about])
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _reply(record: DecisionRecord, slots: list[Slot], url_of: Mapping[str, str]) -> DecisionReply:
    context = record.context
    why, reason = context.get("fallback_reason"), context.get("reason")
    return DecisionReply(
        decision_id=record.decision_id,
        initiative=record.initiative,
        unit_id=record.unit_id,
        at=format_at(record.at_us),
        policy=record.policy,
        model=record.model,
        fallback=record.fallback,
        slots=[
            SlotReply(
                s.action,
                s.propensity,
                s.reason,
                s.row,
                s.col,
                s.explored,
                s.artwork_id,
                s.artwork_propensity,
                None if s.artwork_id is None else url_of.get(s.artwork_id),
            )
            for s in slots
        ],
        reason=None if reason is None else str(reason),
        fallback_reason=None if why is None else in_short(str(why)),
        sticky_of=record.sticky_of,
    )
