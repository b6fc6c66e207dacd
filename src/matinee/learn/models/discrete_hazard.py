"""Discrete-time survival: the probability that a unit ends within the next period."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, InputError, NotFittedError, StorageError
from matinee.learn.models.platt import Platt
from matinee.learn.models.storage import load_arrays, save_arrays

Matrix = NDArray[np.float64]
MODEL_FILE = "hazard.txt"


@dataclass(frozen=True, slots=True)
class DiscreteHazardConfig:
    """Settings of the trees.

    Attributes
    ----------
    trees : int, 1 or more
    leaves : int, 2 or more
    learning_rate : float, above 0
    min_leaf : int, 1 or more
        Fewest rows of a leaf; a twentieth of the rows where that is less.
    held_out : int, 1 or more
        Latest periods that the calibration is learned on, each by trees that know only earlier periods.
    """

    trees: int = 100
    leaves: int = 7
    learning_rate: float = 0.05
    min_leaf: int = 50
    held_out: int = 3

    def __post_init__(self) -> None:
        for name, least in (("trees", 1), ("leaves", 2), ("min_leaf", 1), ("held_out", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"DiscreteHazard: {name} is {getattr(self, name)}, expected {least} or more."
                )
        if not self.learning_rate > 0:
            raise ConfigError(f"DiscreteHazard: learning_rate is {self.learning_rate}, expected above 0.")


class DiscreteHazard:
    """Boosted trees on rows of (unit, period), calibrated on periods that they have not seen.

    A row stands for a unit that was there when a period began, and says whether it ended in it. A unit gives
    a row for each period that it began *and that was observed to its end*, and none afterwards: units that
    are still there are censored, never counted as lasting for ever. Leaving out periods that are not over
    yet is the caller's duty, for the units that ended in them as for the others. Not for units whose end is
    only known to lie between two rare visits.

    Parameters
    ----------
    config : DiscreteHazardConfig, optional
    seed : int

    Attributes
    ----------
    booster_ : lightgbm.Booster
    platt_ : Platt
    base_ : float
        Share of the rows that ended.

    Notes
    -----
    Cost: O(trees * n_rows * n_columns), `held_out` times more for the calibration. One thread.

    References
    ----------
    Singer, Willett (1993), It's about time: using discrete-time survival analysis, Journal of Educational
    Statistics 18(2): the likelihood of right-censored durations is that of a binary regression on
    person-periods. Tutz, Schmid (2016), Modeling discrete time-to-event data, chapter 3.
    Ke et al. (2017), LightGBM, NeurIPS.
    """

    def __init__(self, config: DiscreteHazardConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or DiscreteHazardConfig()
        self.seed = seed

    def fit(self, x: Matrix, ended: NDArray[np.bool_], period: NDArray[np.int64]) -> Self:
        """Learn from rows.

        Parameters
        ----------
        x : ndarray of float64, shape (n_rows, n_columns)
            What was known when the period began; NaN where missing.
        ended : ndarray of bool, shape (n_rows,)
        period : ndarray of int64, shape (n_rows,)
            Number of the period; later periods have higher numbers.

        Raises
        ------
        InputError
            Shapes that differ, or rows of which none ended, or all.
        """
        if not (x.ndim == 2 and len(x) == len(ended) == len(period)):
            raise InputError(
                f"DiscreteHazard: x is {x.shape}, ended {ended.shape} and period {period.shape}, expected as "
                "many rows of each."
            )
        n_ended = int(ended.sum())
        if not 0 < n_ended < len(ended):
            raise InputError(
                f"DiscreteHazard: {n_ended} of {len(ended)} rows ended, expected some and not all. "
                "Give more periods."
            )
        y = ended.astype(np.float64)
        self.base_ = float(y.mean())
        self.booster_ = self._trees(x, y)
        later = np.unique(period)[1:][-self.config.held_out :]
        scores, happened = [], []
        for one in later:
            before, now = period < one, period == one
            if 0 < int(ended[before].sum()) < int(before.sum()):
                scores.append(_raw(self._trees(x[before], y[before]), x[now]))
                happened.append(y[now])
        self.platt_ = Platt().fit(
            np.concatenate([np.zeros(0), *scores]), np.concatenate([np.zeros(0), *happened])
        )
        return self

    def p_end(self, x: Matrix) -> Matrix:
        """Probability of ending within the next period, shape (n_rows,).

        Raises
        ------
        NotFittedError
            `fit` was not called.
        """
        if not hasattr(self, "booster_"):
            raise NotFittedError("DiscreteHazard: p_end before fit. Call fit(x, ended, period) first.")
        if not len(x):
            return np.zeros(0)
        return self.platt_.probability(_raw(self.booster_, x))

    def save(self, folder: Path) -> None:
        """Write the trees as LightGBM's own text, and the calibration."""
        save_arrays(folder, self.config, base=np.array([self.base_]))
        self.platt_.save(folder / "platt")
        (folder / MODEL_FILE).write_text(self.booster_.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError
            The folder holds no model.
        StorageError
            A file is missing or damaged.
        """
        import lightgbm

        config, arrays = load_arrays(folder, DiscreteHazardConfig)
        out = cls(config)
        try:
            text = (folder / MODEL_FILE).read_text(encoding="utf-8")
            out.booster_ = lightgbm.Booster(model_str=text)
        except (OSError, lightgbm.basic.LightGBMError) as problem:
            raise StorageError(
                f"{folder / MODEL_FILE}: cannot be read ({problem}). Train again."
            ) from problem
        out.base_ = float(arrays["base"][0])
        out.platt_ = Platt.load(folder / "platt")
        return out

    def _trees(self, x: Matrix, y: Matrix) -> Any:
        import lightgbm

        config = self.config
        options = {
            "objective": "binary",
            "num_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_data_in_leaf": max(1, min(config.min_leaf, len(x) // 20)),
            "lambda_l2": 10.0,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "seed": self.seed % 2**31,
            "verbose": -1,
        }
        return lightgbm.train(options, lightgbm.Dataset(x, y), config.trees)


def _raw(booster: Any, x: Matrix) -> Matrix:
    out: Matrix = np.asarray(booster.predict(x, raw_score=True, num_threads=1), np.float64)
    return out
