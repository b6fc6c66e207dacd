"""The contract of a monitor: look at a subject, name a figure and its bound, and say whether it is well."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from matinee.platform.watch.subject import Subject

Verdict = Literal["ok", "alert", "not_measured"]
Sign = Literal["harm", "early"]
"""What an alert means: members or figures suffer now, or something changed that may come to harm."""


class Finding(msgspec.Struct, frozen=True):
    """What a monitor found out about one thing.

    Attributes
    ----------
    verdict : {"ok", "alert", "not_measured"}
        "not_measured" neither opens nor closes an alert.
    text : str
        One sentence with the figure, its bound and, for an alert, what to look at.
    key : str
        What it is about within the monitor, such as a table. The same key is the same alert while it is open.
    figure, bound : float or None
    """

    verdict: Verdict
    text: str
    key: str = ""
    figure: float | None = None
    bound: float | None = None


class Monitor(Protocol):
    """Looks at a subject and changes nothing. It computes with SQL aggregates: it must be cheap."""

    @property
    def name(self) -> str:
        """Stands in alerts; unique."""
        ...

    @property
    def sign(self) -> Sign:
        """Alerts of "harm" have the severity of the tier, those of "early" one step less."""
        ...

    def check(self, subject: Subject) -> list[Finding]:
        """Look. Few findings with a stable key each: one per table, not one per column."""
        ...


def not_measured(why: str, key: str = "") -> Finding:
    """The finding of a monitor that lacks what it needs."""
    return Finding("not_measured", why, key)
