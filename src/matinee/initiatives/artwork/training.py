"""Artwork's pipeline: what is read, what is learned, how it is judged, how it follows the log."""

from __future__ import annotations

from matinee.initiatives.artwork.assets import load_images
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.features import Tastes
from matinee.initiatives.artwork.judging import judge
from matinee.initiatives.artwork.log import READS, ImageLog, check_enough, read_image_log
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.learn.reading import load_catalogue
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.types import DAY_US


def impressions(home: Home, at_us: int, config: ArtworkConfig) -> ImageLog:
    """Tiles whose image was drawn at random, and what came of them."""
    log = read_image_log(home, at_us, config)
    check_enough(log, config, at_us)
    return log


def model(impressions: ImageLog, home: Home, at_us: int, config: ArtworkConfig) -> ArtworkModel:
    """What images add, learned across titles."""
    tastes = Tastes.of(load_catalogue(home, at_us))
    return ArtworkModel.fit(impressions, load_images(home, at_us), tastes, config)


def updated(model: ArtworkModel, home: Home, at_us: int, config: ArtworkConfig) -> ArtworkModel:
    """A model that has learned the outcomes since too: minutes instead of a training, with the same sums.

    Places, rates of titles and the usual member stay those of the last training.
    """
    art = load_images(home, at_us)
    tastes = Tastes.of(load_catalogue(home, at_us), model.genres)
    after_us = model.learned_us - round(config.sticky_days * DAY_US)
    log = read_image_log(home, at_us, config, tastes, after_us=after_us)
    return model.under(config).updated(log, art)


def judged(home: Home, at_us: int, config: ArtworkConfig, cut: float, seed: int) -> Evaluated:
    """Learn from the first part of the log, choose for the rest of it, and weigh what came of it."""
    return judge(home, at_us, config, cut=cut, seed=seed)


TRAIN = Pipeline("artwork.train", [step(impressions, reads=READS), step(model, reads=READS)], result="model")
EVALUATE = Pipeline("artwork.evaluate", [step(judged, reads=READS)])
