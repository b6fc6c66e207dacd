"""Judges artwork by a part of the randomised log that its model has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.artwork.assets import load_images
from matinee.initiatives.artwork.belief import gallery_of, tastes
from matinee.initiatives.artwork.config import NAME, ArtworkConfig
from matinee.initiatives.artwork.features import Tastes
from matinee.initiatives.artwork.learning import Portion
from matinee.initiatives.artwork.lift import Floats, Ints
from matinee.initiatives.artwork.log import ImageLog, check_enough, read_image_log
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.initiatives.artwork.probabilities import probabilities
from matinee.initiatives.artwork.report import Segment, image_lifts, segment_lifts
from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.prove.stats.bootstrap import bootstrap
from matinee.prove.stats.holm import holm
from matinee.prove.stats.paired import paired_difference
from matinee.types import format_at

OURS, DEFAULT, RANDOM, SINGLE = "this policy", "default image", "random image", "best single image"
PER = 1000.0
"""Impressions that figures are for."""
EFFECTIVE_PLAYS = 30.0
"""Quality plays that the effective sample must hold, or no verdict is given."""
METRICS = [
    Metric("plays", "quality plays per 1,000 impressions (doubly robust)", digits=3),
    Metric("plays_snips", "the same by SNIPS", digits=3),
    Metric("plays_ips", "the same by IPS", digits=3),
    Metric("plays_replay", "the same by replay", digits=3),
    Metric("least_share", "least share of an image, of its fair one", digits=2),
]


@dataclass(frozen=True, slots=True)
class Trial:
    """Later impressions of the log, and what a model of the earlier ones expects of each image.

    Attributes
    ----------
    log : ImageLog
        Rows of which all images that could have been shown are known.
    portion : Portion
        The same, as positions.
    table : ndarray of int64, shape (n, width)
        Images of the title; -1: none there.
    guess : ndarray of float64, shape (n, width)
        Expected quality plays.
    at : ndarray of int64, shape (n,)
        Column of the image that was shown.
    """

    log: ImageLog
    portion: Portion
    table: Ints
    guess: Floats
    at: Ints

    @staticmethod
    def of(log: ImageLog, model: ArtworkModel, art: Artworks) -> Trial:
        """Keep the impressions of which all images that could have been shown are known."""
        portion, kept = log.portion(art, model.usual)
        log = log.rows(kept)
        learner = model.learner
        title = learner.images.title[portion.image]
        whole = np.flatnonzero(portion.whole(learner.start, title))
        log, portion, title = log.rows(whole), portion.rows(whole), title[whole]
        table = portion.table(learner.start, title)
        taste = tastes(learner.lift, portion.context)
        at = np.maximum(table, 0)
        lift = np.einsum("mwr,mr->mw", learner.images.features[at], taste) + learner.lift.own[at]
        expected = learner.expected.of(title, portion.row, portion.col, portion.near)
        guess = np.clip(expected[:, None] * (1.0 + np.clip(lift, -0.9, 3.0)), 0.0, 1.0)
        return Trial(
            log, portion, table, np.where(table >= 0, guess, 0.0), portion.image - learner.start[title]
        )

    def doubly_robust(self, p: Floats) -> Floats:
        """Numbers whose mean is the doubly robust estimate of a policy's plays, shape (n,)."""
        rows = np.arange(len(self.at))
        guess = self.guess[rows, self.at]
        found: Floats = (p * self.guess).sum(1) + self.weight(p) * (self.portion.plays - guess)
        return found

    def weight(self, p: Floats) -> Floats:
        """Importance weights."""
        found: Floats = p[np.arange(len(self.at)), self.at] / self.portion.propensity
        return found

    def snips(self, p: Floats) -> Floats:
        """Numbers whose mean is the self-normalised estimate, shape (n,)."""
        weight = self.weight(p)
        value = float(weight @ self.portion.plays) / max(float(weight.sum()), 1e-12)
        found: Floats = value + weight * (self.portion.plays - value) / max(float(weight.mean()), 1e-12)
        return found


def judge(home: Home, at_us: int, config: ArtworkConfig, *, cut: float, seed: int) -> Evaluated:
    """Cut the log, learn as of the cut, choose for the later impressions, and weigh them off-policy.

    Raises
    ------
    InputError
        Too little on either side of the cut.
    """
    catalogue = load_catalogue(home, at_us)
    columns = Tastes.of(catalogue)
    log = read_image_log(home, at_us, config, columns)
    check_enough(log, config, at_us)
    cut_us = int(np.quantile(log.at_us, cut, method="lower"))
    art = load_images(home, at_us)
    past = log.rows(log.at_us <= cut_us)
    model = ArtworkModel.fit(past, art, columns, config)
    trial = Trial.of(log.rows(log.at_us > cut_us), model, art)
    if len(trial.log) < config.min_impressions // 10:
        raise InputError(
            f"{NAME}: {len(trial.log)} impressions after {format_at(cut_us)} have a known set of images, "
            f"expected "
            f"{config.min_impressions // 10} or more. Choose an earlier cut, as in --cut 0.6."
        )
    return report(trial, makers(trial, model, art, config, cut_us), model, log, art, cut_us=cut_us, seed=seed)


def makers(
    trial: Trial, model: ArtworkModel, art: Artworks, config: ArtworkConfig, at_us: int
) -> dict[str, Floats]:
    """Probability of each image under each policy, shape (n, width)."""
    learner, title = model.learner, model.learner.images.title[trial.portion.image]
    gallery = gallery_of(
        learner.images, learner.lift, learner.start, boldness=config.boldness,
        style=np.full(len(art), -1, np.int32), key=np.zeros(len(learner.start) - 1, np.uint64),
    )  # fmt: skip
    there = trial.table >= 0
    ours = probabilities(
        gallery, title, trial.table, tastes(learner.lift, trial.portion.context), learner.keep
    )
    default = art.defaults(at_us, None)[title]
    first = np.where((trial.table == default[:, None]).any(1), default, -1)
    first = np.where(first >= 0, first, trial.table[np.arange(len(title)), there.argmax(1)])
    main = np.where(there, learner.lift.mean(learner.images)[np.maximum(trial.table, 0)], -np.inf)
    return {
        OURS: ours,
        DEFAULT: (trial.table == first[:, None]).astype(np.float64),
        RANDOM: there / there.sum(1, keepdims=True),
        SINGLE: np.eye(trial.table.shape[1])[main.argmax(1)],
    }


def report(
    trial: Trial,
    p: dict[str, Floats],
    model: ArtworkModel,
    log: ImageLog,
    art: Artworks,
    *,
    cut_us: int,
    seed: int,
) -> Evaluated:
    """Figures of every maker, differences to ours, segments, and lifts of single images."""
    member = trial.log.member
    value = {name: PER * trial.doubly_robust(one) for name, one in p.items()}
    figures = {name: _figures(trial, p[name], value[name], member) for name in p}
    found = {
        name: paired_difference(value[OURS], value[name], member=member, n_draws=400, seed=seed)
        for name in p
        if name != OURS
    }
    corrected = holm([one.p for one in found.values()])
    segments = segment_lifts(
        _segments(trial.log), (value[OURS] - value[RANDOM]) / PER, value[RANDOM] / PER, member
    )
    images = image_lifts(log, art)
    learner = model.learner
    evaluation = Evaluation(
        initiative=NAME,
        cut_us=cut_us,
        metrics=METRICS,
        ours=OURS,
        baseline=RANDOM,
        figures=figures,
        differences={
            name: {"plays": Figure(d.mean, min(d.low, d.mean), max(d.high, d.mean), d.n, q)}
            for (name, d), q in zip(found.items(), corrected, strict=True)
        },
        groups={one.name: Figure(one.plays, one.plays_low, one.plays_high, one.n) for one in segments},
        notes=[
            *_notes(trial, model, images.winners, segments, cut_us),
            *_refusals(trial, p),
        ],
        details={
            "segments": [one.as_dict() for one in segments],
            "images": images.as_dict(),
            "spreads": dict(
                zip(("images", "features", "features_of_members"), learner.lift.spreads, strict=True)
            ),
            "evidence": {"log_capital": learner.evidence.log_most, "proven": learner.proven},
            "effective_sample_size": {name: _effective(trial.weight(one)) for name, one in p.items()},
        },
    )
    ids, number = np.unique(trial.log.member_id, return_inverse=True)
    return Evaluated(evaluation, ids, np.bincount(number, value[OURS]) / np.bincount(number))


def _notes(
    trial: Trial, model: ArtworkModel, winners: list[str], segments: list[Segment], cut_us: int
) -> list[str]:
    proven = (
        "are proven to differ"
        if model.learner.proven
        else "are not proven to differ: each keeps half its share"
    )
    said = [f"{one.name}: {one.text}" for one in segments]
    return [
        f"{len(trial.log):,} impressions of {len(set(trial.log.member_id.tolist())):,} members after "
        f"{format_at(cut_us)}, weighed by the propensities of the log; learned from "
        f"{model.learner.sums.n:,}.",
        f"Images {proven}.",
        f"Single images that surely beat their title's others (Holm, 5 % over all): {len(winners)}.",
        *said,
    ]


def _refusals(trial: Trial, p: dict[str, Floats]) -> list[str]:
    """Policies of which the log cannot tell: their effective sample holds too few quality plays."""
    rate = float(trial.portion.plays.mean())
    found = []
    for name, one in p.items():
        plays = _effective(trial.weight(one)) * rate
        if plays < EFFECTIVE_PLAYS:
            found.append(
                f"Verdict on {name} refused: its effective sample holds {plays:.0f} quality plays, expected "
                f"{EFFECTIVE_PLAYS:.0f} or more. Log more pages."
            )
    return found


def _figures(trial: Trial, p: Floats, value: Floats, member: Ints) -> dict[str, Figure]:
    n_images = trial.portion.n_images
    mean = np.zeros(int(trial.table.max()) + 1)
    fair = np.zeros(len(mean))
    there = trial.table >= 0
    np.add.at(mean, trial.table[there], p[there])
    np.add.at(fair, trial.table[there], np.broadcast_to(1.0 / n_images[:, None], p.shape)[there])
    shares = mean[fair > 0] / fair[fair > 0]
    found = {
        "plays": _figure(value, member),
        "plays_snips": _figure(PER * trial.snips(p), member),
        "plays_ips": _figure(PER * trial.weight(p) * trial.portion.plays, member),
        "least_share": Figure(float(shares.min()), float(shares.min()), float(shares.min()), len(shares)),
    }
    certain = p[np.arange(len(p)), trial.at] >= p.max(axis=1) - 1e-12
    if certain.any() and float(p.max(axis=1).min()) > 0.99:  # replay is for policies that do not draw
        found["plays_replay"] = _figure(PER * trial.portion.plays[certain], member[certain])
    return found


def _segments(log: ImageLog) -> dict[str, NDArray[np.str_]]:
    taste = np.where(log.shares.sum(1) < 0.2, "new", np.where(log.shares.max(1) > 0.4, "one genre", "mixed"))
    return {"device": log.device, "territory": log.territory, "taste": taste.astype(np.str_)}


def _figure(values: Floats, member: Ints) -> Figure:
    e = bootstrap(values, member=member, n_draws=400)
    return Figure(e.mean, min(e.low, e.mean), max(e.high, e.mean), e.n)


def _effective(weight: Floats) -> float:
    return float(weight.sum() ** 2 / max(float((weight**2).sum()), 1e-12))
