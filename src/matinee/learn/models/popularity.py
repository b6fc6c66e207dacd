"""Time-decayed popularity: how often each title was watched, recent plays counting more; by territory.

Also tells what is trending: recent plays against what the weeks before lead to expect.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.types import DAY_US, Index, Scores, Times

ANYWHERE = ""
"""Territory of plays whose place is not known."""


@dataclass(frozen=True, slots=True)
class PopularityConfig:
    """Settings of the popularity.

    Attributes
    ----------
    half_life_days : float, above 0
        A play this old counts half.
    trend_days : float, above 0
        "Recent" for what is trending.
    trend_base_days : float, above `trend_days`
        What "recent" is compared with.
    trend_prior : float, above 0
        Plays added to both, so that a title needs more than a handful to be trending.
    """

    half_life_days: float = 60.0
    trend_days: float = 7.0
    trend_base_days: float = 60.0
    trend_prior: float = 10.0

    def __post_init__(self) -> None:
        for name in ("half_life_days", "trend_days", "trend_prior"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"Popularity: {name} is {getattr(self, name)}, expected a number above 0.")
        if not self.trend_base_days > self.trend_days:
            raise ConfigError(
                f"Popularity: trend_base_days is {self.trend_base_days}, expected more than trend_days "
                f"({self.trend_days})."
            )


class PopularityScorer(Scorer):
    """Scores titles by decayed plays; the same for all members. The fallback for members without history.

    Parameters
    ----------
    config : PopularityConfig, optional

    Attributes
    ----------
    title_, at_us_ : ndarray of int32 and int64, shape (n_events,)
        All plays.
    place_ : ndarray of int32, shape (n_events,)
        Territory of each play, a position in `territories_`.
    territories_ : list of str
    n_titles_ : int
    latest_us_ : int
        Time of the last play: `score` is as of then.
    """

    def __init__(self, config: PopularityConfig | None = None) -> None:
        self.config = config or PopularityConfig()
        self.title_: Index | None = None
        self.at_us_: Times | None = None
        self.place_: Index | None = None
        self.territories_: list[str] = []
        self.n_titles_ = 0
        self.latest_us_ = 0

    def fit(self, train: Interactions) -> Self:
        """Keep the plays of `train`."""
        h = train.histories
        self.title_, self.at_us_, self.n_titles_ = h.title, h.at_us, train.n_titles
        self.latest_us_ = int(h.at_us.max(initial=0))
        if train.territory is None:
            homes = np.full(train.n_members, ANYWHERE, dtype=object)
        else:
            homes = np.array([x or ANYWHERE for x in train.territory], dtype=object)
        names, place = np.unique(homes.astype(str), return_inverse=True)
        self.territories_ = [str(x) for x in names]
        self.place_ = place.astype(np.int32)[h.member_of_event()]
        return self

    def decayed(self, at_us: int | None = None, territory: str | None = None) -> Scores:
        """Decayed number of plays until a time (default: the last play), float32, shape (n_titles,)."""
        title, times, place = self._fitted()
        now = self.latest_us_ if at_us is None else at_us
        weight = np.where(times <= now, 0.5 ** ((now - times) / (self.config.half_life_days * DAY_US)), 0.0)
        if territory is not None:
            known = self.territories_.index(territory) if territory in self.territories_ else -1
            weight = np.where(place == known, weight, 0.0)
        return np.bincount(title, weights=weight, minlength=self.n_titles_).astype(np.float32)

    def trending(self, at_us: int | None = None) -> Scores:
        """Recent plays / plays expected from the time before, shape (n_titles,); 1 is as usual."""
        title, times, _ = self._fitted()
        now = self.latest_us_ if at_us is None else at_us
        c = self.config

        def plays(days: float) -> NDArray[np.float64]:
            inside = (times <= now) & (times > now - days * DAY_US)
            return np.bincount(title[inside], minlength=self.n_titles_).astype(np.float64)

        recent, base = plays(c.trend_days), plays(c.trend_base_days)
        share = recent.sum() / max(1.0, base.sum())  # the whole service may be busier than usual
        expected = share * (base + c.trend_prior) + 1e-9
        return np.asarray((recent + share * c.trend_prior) / expected, np.float32)

    def score(self, histories: Histories) -> Scores:
        """Decayed plays as of the last play, the same row for every member."""
        return np.tile(self.decayed(), (len(histories), 1))

    def save(self, folder: Path) -> None:
        """Write the plays by title, time and place."""
        title, times, place = self._fitted()
        names = np.array(self.territories_, dtype=str)
        numbers = np.array([self.n_titles_, self.latest_us_], np.int64)
        save_arrays(
            folder, self.config, title=title, at_us=times, place=place, territories=names, numbers=numbers
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, a = load_arrays(folder, PopularityConfig)
        self = cls(config)
        self.title_, self.at_us_, self.place_ = a["title"], a["at_us"], a["place"]
        self.territories_ = [str(x) for x in a["territories"]]
        self.n_titles_, self.latest_us_ = (int(x) for x in a["numbers"])
        return self

    def _fitted(self) -> tuple[Index, Times, Index]:
        if self.title_ is None or self.at_us_ is None or self.place_ is None:
            raise NotFittedError("PopularityScorer: score was called before fit. Call fit(train) first.")
        return self.title_, self.at_us_, self.place_
