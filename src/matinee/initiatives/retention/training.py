"""Retention's pipeline: what is read, what is learned, and how it is judged."""

from __future__ import annotations

from matinee.initiatives.retention.churn import read_churn
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import READS, accounts
from matinee.initiatives.retention.judging import judge
from matinee.initiatives.retention.model import RetentionModel, fit_uplift
from matinee.initiatives.retention.offer_log import OfferLog, read_offer_log
from matinee.learn.models.discrete_hazard import DiscreteHazard
from matinee.learn.models.dr_learner import DrLearner
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step


def offers(home: Home, at_us: int, config: RetentionConfig) -> OfferLog:
    """Offers that were drawn at random, and what came of them."""
    with accounts(home, at_us, config) as con:
        return read_offer_log(con, config, at_us)


def churn(home: Home, at_us: int, config: RetentionConfig, seed: int) -> DiscreteHazard:
    """How likely an account leaves in the next period."""
    with accounts(home, at_us, config) as con:
        rows = read_churn(con, config, at_us)
    return DiscreteHazard(seed=seed).fit(rows.x, rows.ended, rows.period)


def uplift(offers: OfferLog, config: RetentionConfig) -> DrLearner:
    """What each offer changes."""
    return fit_uplift(offers, config)


def model(churn: DiscreteHazard, uplift: DrLearner, config: RetentionConfig) -> RetentionModel:
    """Both together."""
    return RetentionModel(config.actions, churn, uplift)


def judged(home: Home, at_us: int, config: RetentionConfig, cut: float, seed: int) -> Evaluated:
    """Learn from the first part of the log, decide about the rest of it, and weigh what came of it."""
    return judge(home, at_us, config, cut=cut, seed=seed)


TRAIN = Pipeline(
    "retention.train", [step(offers, reads=READS), step(churn, reads=READS), uplift, model], result="model"
)
EVALUATE = Pipeline("retention.evaluate", [step(judged, reads=READS)])
