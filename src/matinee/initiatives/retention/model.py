"""What was learned, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, InputError
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import STANDING
from matinee.initiatives.retention.offer_log import OfferLog, prices
from matinee.initiatives.retention.value import Worth, worth
from matinee.learn.models.discrete_hazard import DiscreteHazard
from matinee.learn.models.dr_learner import DrLearner
from matinee.learn.models.storage import load_arrays, save_arrays

Matrix = NDArray[np.float64]
FEWEST = 10
"""Times that each action must have been taken."""


class Card(msgspec.Struct, frozen=True):
    """What the numbers stand for."""

    actions: tuple[str, ...]
    features: str


@dataclass(frozen=True, slots=True)
class RetentionModel:
    """How likely accounts leave, and what each offer changes.

    Attributes
    ----------
    actions : tuple of str
        In the order of the uplift's columns; the first is nothing.
    churn : DiscreteHazard
    uplift : DrLearner
    """

    actions: tuple[str, ...]
    churn: DiscreteHazard
    uplift: DrLearner

    def p_leave(self, x: Matrix) -> Matrix:
        """Probability of each account to leave within the next period, shape (n,)."""
        return self.churn.p_end(x)

    def worth(self, x: Matrix, config: RetentionConfig, price_minor: Matrix | None = None) -> Worth:
        """Money of each action for accounts with these features; prices are theirs unless given."""
        price = prices(x, config) if price_minor is None else price_minor
        return worth(config, self.uplift.expected(x)[:, 0], self.uplift.effect(x), price)

    def check(self, config: RetentionConfig) -> None:
        """Refuse settings with other offers, or code with other features, than it was trained with.

        Raises
        ------
        ConfigError
            They differ.
        """
        if self.actions != config.actions:
            raise ConfigError(
                f"retention: offers are {', '.join(config.actions)}, and the model was trained for "
                f"{', '.join(self.actions)}. Train again: matinee train retention"
            )

    def save(self, folder: Path) -> None:
        """Write the model's files."""
        save_arrays(folder, Card(self.actions, STANDING.identity))
        self.churn.save(folder / "churn")
        self.uplift.save(folder / "uplift")

    @staticmethod
    def load(folder: Path) -> RetentionModel:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError, StorageError
            A file is missing or damaged.
        ConfigError
            The features are declared differently now.
        """
        card, _ = load_arrays(folder, Card)
        if card.features != STANDING.identity:
            raise ConfigError(
                f"{folder}: was trained on features {card.features}, expected {STANDING.identity}. "
                "Train again: matinee train retention"
            )
        churn, uplift = DiscreteHazard.load(folder / "churn"), DrLearner.load(folder / "uplift")
        return RetentionModel(card.actions, churn, uplift)


def fit_uplift(log: OfferLog, config: RetentionConfig) -> DrLearner:
    """Learn from the randomised log what each offer changes.

    Raises
    ------
    InputError
        An offer was never made: the log says nothing of it.
    """
    got = np.bincount(log.action, minlength=len(config.actions))
    if (got < FEWEST).any():
        rare = config.actions[int(got.argmin())]
        raise InputError(
            f'retention: "{rare}" was logged {got.min()} times, expected each of '
            f"{', '.join(config.actions)} at least {FEWEST} times. Log it more often, or take it out of "
            "[retention.offers]."
        )
    return DrLearner(len(config.actions)).fit(log.x, log.action, log.stayed, log.propensity, log.account)
