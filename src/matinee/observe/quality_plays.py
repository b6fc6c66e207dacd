"""Which plays show that a title was liked: the condition behind rewards and metrics."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class FromPlays:
    """A slot brings 1 when the unit plays its title well enough within the reward's window, else 0.

    For initiatives whose unit is a member and whose actions are titles. The defaults are those of a quality
    play. A play of an episode counts for its series too.

    Attributes
    ----------
    min_s : float, 0 or more
        Seconds that a play must last, however short the title is.
    share : float, 0 to 1
        Of the runtime of what was played; where the runtime is unknown `min_s` alone decides.
    rating_share : float, 0 to 1
        Of the scale, for plays that have a rating and no watch time.

    Raises
    ------
    ConfigError
        A value is outside its range.

    Examples
    --------
    >>> FromPlays().sql("p", "t.runtime_s").startswith("coalesce(p.watch_s >= greatest(120.0, 0.7 *")
    True
    """

    min_s: float = 120.0
    share: float = 0.7
    rating_share: float = 0.7

    def __post_init__(self) -> None:
        if not self.min_s >= 0:
            raise ConfigError(f"reward from plays: min_s is {self.min_s}, expected seconds, 0 or more.")
        for name in ("share", "rating_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"reward from plays: {name} is {getattr(self, name)}, expected 0 to 1.")

    def sql(self, play: str, runtime_s: str) -> str:
        """Condition of SQL for a play that counts; `play` is the relation, `runtime_s` an expression."""
        return (
            f"coalesce({play}.watch_s >= greatest({self.min_s}, {self.share} * coalesce({runtime_s}, 0)), "
            f"{play}.rating >= {self.rating_share} * {play}.rating_scale, false)"
        )
