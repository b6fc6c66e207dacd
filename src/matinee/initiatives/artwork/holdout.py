"""The standing holdout: what choosing brings over random images, for each generation of the model.

A policy that learns from what it chose itself may get worse without anybody noticing: its own log says less
and less about what it does not show. Members of the holdout are outside of that loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from matinee.errors import ConfigError
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.log_sql import joined_sql
from matinee.initiatives.artwork.serving import in_holdout
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Generation:
    """One version of the model on the pages that it chose the images of.

    Attributes
    ----------
    model : str
    first_us : int
        Its first page.
    lift, error : float
        Quality plays per impression relative to the holdout at the same time, and its standard error (members
        are clusters).
    chosen, held : int
        Members in each group.
    """

    model: str
    first_us: int
    lift: float
    error: float
    chosen: int
    held: int


def generations(home: Home, at_us: int, config: ArtworkConfig) -> list[Generation]:
    """Lift of each generation over the holdout, the oldest first; those without both groups are left out."""
    sql = joined_sql(
        config,
        "SELECT json_extract_string(context, '$.artwork_model') AS model, unit_id, min(at_us) AS first_us, "
        "sum(value) AS plays, count(*) AS n FROM joined_tiles "
        "WHERE json_extract_string(context, '$.artwork_model') IS NOT NULL AND artwork_n > 1 "
        "GROUP BY ALL ORDER BY ALL",
    )
    with spilling() as con:
        open_events(con, home, "outcomes", "decisions", moment=Moment(at_us, at_us))
        rows = con.execute(sql).fetchall()
    found = []
    for model in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == model]
        held = np.array([in_holdout(str(row[1]), config) for row in own], np.bool_)
        plays = np.array([row[3] for row in own], np.float64)
        n = np.array([row[4] for row in own], np.float64)
        if held.all() or not held.any() or plays[held].sum() <= 0 or plays[~held].sum() <= 0:
            continue
        ours, error = _rate(plays[~held], n[~held])
        theirs, noise = _rate(plays[held], n[held])
        lift = ours / theirs - 1.0
        spread = (lift + 1.0) * math.hypot(error / ours, noise / theirs)
        found.append(
            Generation(
                str(model), int(min(row[2] for row in own)), lift, spread, int((~held).sum()), int(held.sum())
            )
        )
    return sorted(found, key=lambda one: one.first_us)


def _rate(
    plays: np.ndarray[tuple[int], np.dtype[np.float64]], n: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[float, float]:
    rate = float(plays.sum() / n.sum())
    return rate, math.sqrt(float(((plays - rate * n) ** 2).sum())) / float(n.sum())


@dataclass(frozen=True, slots=True)
class GenerationsHold:
    """The generation in production is not surely worse on the holdout than the one before it.

    Attributes
    ----------
    config : ArtworkConfig or None
        Names of the pages and the holdout. None: those of the home's settings.
    z : float
        Standard errors below which "worse" is sure.
    name : str
    """

    config: ArtworkConfig | None = None
    z: float = 1.645
    name: str = "generations_hold"

    def check(self, candidate: Candidate) -> GateResult:
        """Not measured until two generations have served both groups."""
        config = self.config or candidate.config
        if not isinstance(config, ArtworkConfig):
            raise ConfigError(
                f"{self.name}: the settings are {type(config).__name__}, expected ArtworkConfig."
            )
        found = generations(candidate.home, candidate.at_us, config)
        if len(found) < 2:
            text = f"{len(found)} generations have served a holdout, expected two to compare."
            return GateResult(self.name, "not_measured", text)
        before, now = found[-2], found[-1]
        change, error = now.lift - before.lift, math.hypot(now.error, before.error)
        bound = -self.z * error
        passed = change >= bound
        text = (
            f"Lift over the holdout: {now.model} {now.lift:+.1%} (error {now.error:.1%}), {before.model} "
            f"before it "
            f"{before.lift:+.1%} (error {before.error:.1%}); change {change:+.1%}, "
            f"{'not below' if passed else 'expected not below'} {bound:+.1%}."
        )
        if not passed:
            text += " The loop may feed on itself: look at the report, or roll back."
        return GateResult(self.name, "passed" if passed else "failed", text, change, bound)
