"""Two arms' answers as one decision, and which arm a slot of it came from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.deciding import Decided, Decider, Request
from matinee.prove.experiment.interleaving import CONTEXT_KEY, Draft, interleave
from matinee.types import derive_seed

POLICY = "team-draft"
"""Policy of a decision that two arms made."""


def version_of(first: str, second: str) -> str:
    """How the model of an interleaved decision is logged.

    Examples
    --------
    >>> version_of("v1", "v2"), versions_of("v1+v2"), versions_of("v1")
    ('v1+v2', ('v1', 'v2'), ('v1',))
    """
    return f"{first}+{second}"


def versions_of(model: str) -> tuple[str, ...]:
    """Whose decision it is: both versions of an interleaved one, else the one."""
    return tuple(model.split("+"))


def joined(
    first: Decided, second: Decided, request: Request, decision_id: str, *, pinned: Collection[str] = ()
) -> Decided:
    """Both answers as one, by team draft; the coin is seeded by the decision's id.

    Further rows of a page are a draft of their own below those that were given: nothing of them is repeated.

    Parameters
    ----------
    pinned : collection of str
        Titles that editors pinned; one that both have in the same place stays there.

    Raises
    ------
    InputError
        The rows of an answer do not stand below those that were given.
    """
    merged = interleave(
        Draft(first.slots, first.rows),
        Draft(second.slots, second.rows),
        seed=derive_seed(0, decision_id),
        above=request.after,
        pinned=pinned,
    )
    ends = [one.valid_until_us for one in (first, second) if one.valid_until_us is not None]
    return Decided(
        merged.slots,
        _permitted(first.permitted, second.permitted),
        first.reason if not merged.slots else None,
        {**second.context, **first.context, CONTEXT_KEY: merged.teams},
        merged.rows,
        tuple(dict.fromkeys((*first.unmet, *second.unmet))),
        first.more or second.more,
        min(ends, default=None),
    )


@dataclass(frozen=True, slots=True)
class Together:
    """Two deciders whose answers are made one, to make a logged decision again.

    Attributes
    ----------
    decision_id : str
        Of the logged decision: it seeds the coin.
    pinned : collection of str
        As in `joined`.
    """

    first: Decider
    second: Decider
    decision_id: str
    pinned: Collection[str] = ()
    policy: str = POLICY

    def decide(self, request: Request) -> Decided:
        """Both, one after the other."""
        both = self.first.decide(request), self.second.decide(request)
        return joined(*both, request, self.decision_id, pinned=self.pinned)


def teams_without(record: DecisionRecord, bad: Sequence[Slot]) -> str | None:
    """The letters of a decision's teams after some of its slots are taken away; None if it has none."""
    teams = record.context.get(CONTEXT_KEY)
    if not isinstance(teams, str):
        return None
    gone = {id(slot) for slot in bad}
    return "".join(team for team, slot in zip(teams, record.slots, strict=True) if id(slot) not in gone)


def teams_at(record: DecisionRecord, slots: Sequence[Slot]) -> str:
    """Letters of some slots of a decision: "A", "B", or "-" for both; "" for a decision of one."""
    teams = record.context.get(CONTEXT_KEY)
    if not isinstance(teams, str):
        return ""
    wanted = {id(slot) for slot in slots}
    return "".join(team for team, slot in zip(teams, record.slots, strict=True) if id(slot) in wanted)


def _permitted(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """What either could have chosen; of sets that are named and not listed, the first one's name."""
    for names in (first, second):
        if names and names[0].startswith("mask:"):
            return names
    return tuple(dict.fromkeys((*first, *second)))
