"""Hands decisions to the log: those just made, those given again, and those that only a shadow made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matinee.observe.decision_log import action_set_line, decision_line, new_decision_id
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.abilities import NamesActions
from matinee.platform.deciding import Context
from matinee.serve.trials import Place
from matinee.types import DAY_US

if TYPE_CHECKING:
    from matinee.serve.services import Services

SETS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Repeated:
    """An answer that is given again: what its first record said, and where the unit stands."""

    decision_id: str
    policy: str
    model: str
    fallback: bool
    reason: str | None = None
    place: Place | None = None


class Recorder:
    """Logs decisions, for one process.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._sets: set[str] = set()
        self._sets_day = -1

    def log(self, record: DecisionRecord, member_id: str | None) -> None:
        """Hand a decision to the log; the set of actions that it names goes along the first time."""
        erased = self.services.erased
        if len(erased) and member_id is not None and erased.refuses(member_id):
            return
        lines = [decision_line(record, 0, 0, member_id)]
        if record.actions and record.actions[0].startswith("mask:"):
            lines += self._action_set(record)
        self.services.ingestor.record(lines)

    def log_again(
        self,
        initiative: str,
        unit_id: str,
        at_us: int,
        first: Repeated,
        slots: Sequence[Slot] = (),
        territory: str | None = None,
        rows: tuple[int, int] | None = None,
    ) -> DecisionRecord:
        """Log that an earlier answer was given again: it names the first decision, and the unit's arm.

        Parameters
        ----------
        slots : sequence of Slot
            What was shown, where it is not what the first decision says: an image was withdrawn meanwhile.
        territory : str, optional
            In which the images of `slots` are cleared.
        rows : tuple of int, optional
            First and last row of a page that were given out; further rows are of decisions of their own.
        """
        context: Context = {} if first.place is None else dict(first.place.noted)
        if first.reason is not None:
            context["reason"] = first.reason
        if rows is not None:
            context["again_from_row"], context["again_to_row"] = rows
        if slots:
            context["artwork_replaced"] = True
            if territory is not None:
                context["artwork_territory"] = territory
        record = DecisionRecord(
            decision_id=new_decision_id(at_us),
            initiative=initiative,
            unit_id=unit_id,
            at_us=at_us,
            policy=first.policy,
            model=first.model,
            slots=list(slots),
            fallback=first.fallback,
            sticky_of=first.decision_id,
            context=context,
        )
        self.services.metrics.decisions.labels(initiative, "again").inc()
        if first.place is not None and first.place.experiment is not None:
            self.services.metrics.arms.labels(
                initiative, first.place.experiment, first.place.arm or "", "again"
            ).inc()
        self.log(record, unit_id if self.services.is_about_members(initiative) else None)
        return record

    def log_shadow(self, record: DecisionRecord) -> None:
        """Log what a shadow would have decided."""
        self.log(record, record.unit_id if self.services.is_about_members(record.initiative) else None)

    def _action_set(self, record: DecisionRecord) -> Iterator[bytes]:
        reference = record.actions[0]
        day = record.at_us // DAY_US  # pruning keeps a set as long as a decision of its day
        if day != self._sets_day:
            self._sets_day = day
            self._sets.clear()
        if reference in self._sets:
            return
        names = self._actions_of(record.initiative, reference)
        if names is not None:
            yield action_set_line(reference, record.initiative, names, record.at_us, 0, 0)
        if len(self._sets) >= SETS_KEPT:
            self._sets.clear()
        self._sets.add(reference)

    def _actions_of(self, initiative: str, reference: str) -> Sequence[str] | None:
        """The actions of a set, from whatever answers now."""
        now = self.services.released[initiative].keeper.now
        for one in now.opened:
            decider = one.answering.decider
            if isinstance(decider, NamesActions) and (found := decider.actions_of(reference)) is not None:
                return found
        return now.fallback.actions_of(reference) if isinstance(now.fallback, NamesActions) else None
