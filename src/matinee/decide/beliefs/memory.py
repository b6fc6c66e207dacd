"""How long outcomes count: for ever, fading with a half-life, or while they are in a window of days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.decide.batch import Batch
from matinee.decide.question import Floats
from matinee.errors import ConfigError
from matinee.types import ALWAYS_US, DAY_US

Sums = dict[str, Floats]
"""Named sums over decisions. Where the first axis is the actions, it grows when new ones come."""


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """Settings of the memory; at most one of both.

    Attributes
    ----------
    half_life_days : float or None, above 0
        An outcome counts half as much when a newer decision is so many days younger.
    window_days : int or None, at least 1
        Only outcomes of the latest so many calendar days (UTC) count, the day of the newest decision
        included.
    """

    half_life_days: float | None = None
    window_days: int | None = None

    def __post_init__(self) -> None:
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ConfigError(f"Memory: half_life_days is {self.half_life_days}, expected a number above 0.")
        if self.window_days is not None and not self.window_days >= 1:
            raise ConfigError(f"Memory: window_days is {self.window_days}, expected at least 1.")
        if self.half_life_days is not None and self.window_days is not None:
            raise ConfigError(
                f"Memory: half_life_days is {self.half_life_days} and window_days {self.window_days}, "
                "expected one of them. Leave the other out."
            )


@dataclass(frozen=True, slots=True)
class Memory:
    """Sums over decisions, of which old ones fade or fall out. Adding gives a new memory.

    What it holds depends on the decisions only, not on the order or the portions in which they came (up to
    rounding): age is counted from the newest decision, never from the clock.

    Attributes
    ----------
    days : dict of int to Sums
        By day since 1970 where there is a window, else all under 0.
    latest_us : int
        Time of the newest decision.
    n_seen : int
        Decisions that were ever added.

    References
    ----------
    Garivier, Moulines (2011), On upper-confidence bound policies for switching bandit problems, ALT,
    doi 10.1007/978-3-642-24412-4_16 (both the discount and the window).
    """

    config: MemoryConfig
    days: dict[int, Sums]
    latest_us: int = ALWAYS_US
    n_seen: int = 0

    def added(self, batch: Batch, sums_of: Callable[[Batch, Floats], Sums]) -> Memory:
        """With the decisions of a batch.

        Parameters
        ----------
        sums_of : callable
            Sums of some decisions, given the weight of each.
        """
        if not len(batch):
            return self
        latest = max(self.latest_us, int(batch.at_us.max()))
        n_seen = self.n_seen + len(batch)
        life = self.config.half_life_days
        if life is not None:
            weight = _fade(latest - batch.at_us.astype(np.float64), life)
            new = sums_of(batch, weight)
            if self.days:
                fade = float(_fade(np.float64(latest - self.latest_us), life))
                new = merged({name: fade * old for name, old in self.days[0].items()}, new)
            return Memory(self.config, {0: new}, latest, n_seen)
        day = np.zeros(len(batch), np.int64)
        days = dict(self.days)
        if self.config.window_days is not None:
            day = batch.at_us // DAY_US
            first = latest // DAY_US - self.config.window_days + 1
            days = {one: sums for one, sums in days.items() if one >= first}
            wanted = sorted({one for one in day.tolist() if one >= first})
        else:
            wanted = [0]
        for one in wanted:
            part = batch if len(wanted) == 1 and (day == one).all() else batch.rows(day == one)
            new = sums_of(part, np.ones(len(part)))
            days[one] = merged(days[one], new) if one in days else new
        return Memory(self.config, dict(sorted(days.items())), latest, n_seen)

    def total(self) -> Sums:
        """Sums over all that counts; empty where nothing does."""
        found: Sums = {}
        for sums in self.days.values():
            found = merged(found, sums) if found else sums
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `of_arrays` reads: each sum for all days, short ones filled up with 0."""
        out: dict[str, NDArray[np.generic]] = {"days": np.array(list(self.days), np.int64)}
        for name in next(iter(self.days.values()), {}):
            parts = [sums[name] for sums in self.days.values()]
            longest = max(len(part) for part in parts)
            out[name] = np.stack([_longer(part, longest) for part in parts])
        return out

    @staticmethod
    def of_arrays(
        config: MemoryConfig, arrays: dict[str, NDArray[np.generic]], latest_us: int, n_seen: int
    ) -> Memory:
        """A memory as it was saved."""
        sums = {name: array.astype(np.float64) for name, array in arrays.items() if name != "days"}
        days = {
            int(day): {name: array[i] for name, array in sums.items()} for i, day in enumerate(arrays["days"])
        }
        return Memory(config, days, latest_us, n_seen)


def merged(old: Sums, new: Sums) -> Sums:
    """Both together; where one has fewer actions, the others of it are 0."""
    out = {}
    for name, one in old.items():
        longest = max(len(one), len(new[name]))
        out[name] = _longer(one, longest) + _longer(new[name], longest)
    return out


def _longer(part: Floats, length: int) -> Floats:
    if len(part) == length:
        return part
    out = np.zeros((length, *part.shape[1:]))
    out[: len(part)] = part
    return out


def _fade(age_us: Floats | np.float64, half_life_days: float) -> Floats:
    faded: Floats = np.exp2(-age_us / (half_life_days * DAY_US))
    return faded
