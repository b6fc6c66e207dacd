"""A version that is open in one process, with its threads."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import StorageError
from matinee.platform.answering import Answering
from matinee.platform.deciding import Decided, Request
from matinee.serve.budget import Pool

NONE = "none"
"""Version where nothing is in production, and of what the fallback answers."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One version, ready to answer.

    Attributes
    ----------
    answering : Answering
        Without a decider where there is no version, or it does not open.
    pool : Pool
        Its threads: a stuck version holds up no other one.
    opened_us, refreshed_us : int
        Wall clock.
    """

    answering: Answering
    pool: Pool
    opened_us: int
    refreshed_us: int

    @property
    def version(self) -> str:
        """As the registry names it."""
        return self.answering.model


@dataclass(frozen=True, slots=True)
class Unopened:
    """Stands for a fallback that does not open: it answers nothing, and says why."""

    why: str
    policy: str = NONE

    def decide(self, request: Request) -> Decided:  # noqa: ARG002
        """Refuse."""
        raise StorageError(f"the fallback does not open ({self.why})")
