"""How a reward follows from the events of the log: by plays that show that a title was liked."""

from __future__ import annotations

from matinee.observe.quality_plays import FromPlays

__all__ = ["FromPlays"]
