"""What a benchmark of the server says: figures with their bounds."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

WIDTH = 110


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes
    ----------
    what : str
    figure, bound : str
        As people read them; `bound` is empty where nothing is demanded.
    held : bool or None
        None: nothing is demanded.
    note : str
        What else there is to know.
    figures : dict
        For programs.
    """

    what: str
    figure: str
    bound: str = ""
    held: bool | None = None
    note: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """As it is printed."""
        verdict = {True: "held", False: "NOT HELD", None: ""}[self.held]
        head = f"{self.what}: {self.figure}" + (f"   [{self.bound}: {verdict}]" if self.bound else "")
        lines = textwrap.wrap(head, WIDTH, subsequent_indent="    ")
        return "\n".join(
            [*lines, *textwrap.wrap(self.note, WIDTH, initial_indent="    ", subsequent_indent="    ")]
        )
