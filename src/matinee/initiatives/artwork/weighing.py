"""A candidate beside the images that it has not learned from: what the gate `off_policy` judges it by."""

from __future__ import annotations

import numpy as np

from matinee.initiatives.artwork.assets import load_images
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.features import Tastes
from matinee.initiatives.artwork.judging import OURS, Trial, makers
from matinee.initiatives.artwork.log import read_image_log
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.learn.reading import load_catalogue
from matinee.platform.gates.gate import Candidate
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.log import EmptyLogError, Log
from matinee.prove.offpolicy.problem import Problem


def beside_the_images(candidate: Candidate) -> Problem:
    """The images that were drawn after the candidate had learned, with how probably it would show each.

    The candidate is taken as it was trained, without what a server would have gone on learning; its draws are
    those of a member who is not in the holdout and has no image of the title yet, as in the evaluation.

    Raises
    ------
    EmptyLogError
        No impression with a final outcome came after the candidate had learned.
    """
    config: ArtworkConfig = candidate.config
    art = load_images(candidate.home, candidate.at_us)
    model = ArtworkModel.load(candidate.folder).under(config).on(art)
    columns = Tastes.of(load_catalogue(candidate.home, candidate.at_us), model.genres)
    after_us = max(candidate.learned_us, model.learned_us)
    every = read_image_log(candidate.home, candidate.at_us, config, columns, after_us=after_us)
    if not len(every):
        raise EmptyLogError("log: no image was drawn, and judged, after the candidate had learned.")
    trial = Trial.of(every, model, art)
    there = trial.table >= 0
    row, _ = np.nonzero(there)
    p = makers(trial, model, art, config, candidate.at_us)[OURS]
    log = Log(
        action=trial.table[np.arange(len(trial.at)), trial.at],
        propensity=trial.portion.propensity,
        reward=trial.portion.plays,
        unit=np.unique(trial.log.member_id, return_inverse=True)[1].astype(np.int64),
        names=model.artwork_ids,
        n_actions=trial.portion.n_images.astype(np.float64),
        left_out={"of which not all images are known": len(every) - len(trial.log)},
    )
    target = Distributions.of_entries(row, trial.table[there], p[there], n=len(log))
    return Problem(log, target, reward_low=0.0, reward_high=1.0)
