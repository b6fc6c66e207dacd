"""What the state says about a member at the moment of a request, and what follows for what may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matinee.errors import StorageError
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.members import MATURITY_MAX, Member
from matinee.platform.deciding import Context

if TYPE_CHECKING:
    from matinee.serve.services import Services

STRICTEST = Limits("", 0, kids=True)
"""What anybody may be shown: for a member of whom nothing can be read."""


@dataclass(frozen=True, slots=True)
class Known:
    """A member as the state knows them.

    Attributes
    ----------
    member : Member or None
        What was imported about them.
    acted : int
        `MemberRecord.acted`.
    territory : str or None
        `MemberRecord.territory`.
    reached : bool
        False: the state cannot be reached, or does not hold the imported facts of all members. Then nothing
        is known, and the strictest limits hold.
    """

    member: Member | None = None
    acted: int = 0
    territory: str | None = None
    reached: bool = False

    def limits(self, context: Context) -> Limits:
        """What the member may be shown, narrowed by `territory`, `maturity` and `kids` of a request."""
        if not self.reached:
            return STRICTEST
        stored = self.member.limits if self.member else Limits()
        return stored.narrowed(asked(context)).located(self.territory)

    def context(self, context: Context) -> Context:
        """The context that a decision gets: of somebody unknown it is narrowed to what anybody may see."""
        if self.reached:
            return context
        return {**context, "territory": STRICTEST.territory, "maturity": STRICTEST.maturity_max, "kids": True}


def look(services: Services, member_id: str) -> Known:
    """Read the state."""
    store = services.store
    try:
        member, record = store.member(member_id), store.record(member_id)
    except StorageError:
        return Known()
    return Known(member, record.acted, record.territory, services.facts_known(member))


def asked(context: Context) -> Limits:
    """The limits that a request names; values of another kind count as not given."""
    territory, maturity = context.get("territory"), context.get("maturity")
    return Limits(
        territory if isinstance(territory, str) else None,
        maturity if isinstance(maturity, int) and not isinstance(maturity, bool) else MATURITY_MAX,
        context.get("kids") is True,
    )
