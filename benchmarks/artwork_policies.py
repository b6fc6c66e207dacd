"""Policies of `artwork.py` that answer a batch at a time: ours, the best single image, per-title Thompson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from artwork_stream import COLS, N_IMAGES, N_TITLES, ROWS, Floats, Ints, Stream
from matinee.initiatives.artwork.belief import gallery_of, tastes
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.features import LEVELS
from matinee.initiatives.artwork.learning import Learner, Portion
from matinee.initiatives.artwork.lift import Images
from matinee.initiatives.artwork.probabilities import image_table, probabilities

Policy = Callable[[Stream, slice], Floats]
"""Probabilities of a batch, shape (n, N_IMAGES); what was learned before is all that it knows."""


class Uniform:
    """Every image alike."""

    def answer(self, _stream: Stream, rows: slice) -> Floats:
        return np.full((rows.stop - rows.start, N_IMAGES), 1.0 / N_IMAGES)

    def learn(self, stream: Stream, rows: slice, chosen: Ints, p: Floats) -> None:
        """Nothing."""


@dataclass
class BestSingle:
    """Test, then commit: random for a part of the stream, then each title's best image for everybody."""

    explore: float = 0.2
    plays: Floats = field(default_factory=lambda: np.zeros((N_TITLES, N_IMAGES)))
    seen: Floats = field(default_factory=lambda: np.zeros((N_TITLES, N_IMAGES)))

    def answer(self, stream: Stream, rows: slice) -> Floats:
        if rows.start < self.explore * len(stream):
            return Uniform().answer(stream, rows)
        best = (self.plays / np.maximum(self.seen, 1.0)).argmax(1)
        return np.eye(N_IMAGES)[best[stream.title[rows]]]

    def learn(self, stream: Stream, rows: slice, chosen: Ints, _p: Floats) -> None:
        came = stream.reward[rows][np.arange(len(chosen)), chosen]
        np.add.at(self.plays, (stream.title[rows], chosen), came)
        np.add.at(self.seen, (stream.title[rows], chosen), 1.0)


@dataclass
class PerTitleThompson:
    """Beta-Bernoulli Thompson sampling for each title alone; one draw for each impression."""

    seed: int = 0
    plays: Floats = field(default_factory=lambda: np.zeros((N_TITLES, N_IMAGES)))
    seen: Floats = field(default_factory=lambda: np.zeros((N_TITLES, N_IMAGES)))

    def answer(self, stream: Stream, rows: slice) -> Floats:
        rng = np.random.default_rng([self.seed, rows.start])
        title = stream.title[rows]
        a, b = 1.0 + self.plays, 19.0 + self.seen - self.plays
        drawn = rng.beta(a[title], b[title])
        return np.eye(N_IMAGES)[drawn.argmax(1)]

    def learn(self, stream: Stream, rows: slice, chosen: Ints, p: Floats) -> None:
        BestSingle.learn(self, stream, rows, chosen, p)  # type: ignore[arg-type]


@dataclass
class Ours:
    """The policy of `initiatives/artwork` with its default settings."""

    stream: Stream
    batches: int = 60
    days: float = 60.0
    config: ArtworkConfig = field(default_factory=ArtworkConfig)

    def __post_init__(self) -> None:
        title = np.repeat(np.arange(N_TITLES), N_IMAGES)
        mean = self.stream.tags.reshape(N_TITLES, N_IMAGES, -1).mean(1)
        self.images = Images(title, self.stream.tags - mean[title])
        self.start = np.arange(0, len(title) + 1, N_IMAGES)
        self.context = self.stream.context - self.stream.context.mean(0)
        self.learner = Learner.begin(self.images, self.start, self.context.shape[1], self.config)

    def answer(self, stream: Stream, rows: slice) -> Floats:
        title, learner = stream.title[rows], self.learner
        gallery = gallery_of(
            self.images, learner.lift, self.start, boldness=self.config.boldness,
            style=np.full(len(self.images), -1, np.int32), key=np.zeros(N_TITLES, np.uint64),
        )  # fmt: skip
        taste = tastes(learner.lift, self.context[stream.member[rows]])
        p = probabilities(gallery, title, image_table(self.start)[title], taste, learner.keep)
        return (1.0 - self.config.holdout) * p + self.config.holdout / N_IMAGES

    def learn(self, stream: Stream, rows: slice, chosen: Ints, p: Floats) -> None:
        n = len(chosen)
        near = stream.context[stream.member[rows], stream.genre[stream.title[rows]]]
        self.learner = self.learner.learned(
            Portion(
                image=stream.title[rows] * N_IMAGES + chosen,
                context=self.context[stream.member[rows]],
                row=stream.row[rows],
                col=stream.col[rows],
                near=np.searchsorted(LEVELS, near, side="right"),
                plays=stream.reward[rows][np.arange(n), chosen].astype(np.float64),
                propensity=p[np.arange(n), chosen],
                n_images=np.full(n, N_IMAGES),
                day=np.full(n, self.days * rows.stop / len(stream)),
            )
        )


SHAPE = (ROWS, COLS)


def play(policy: object, stream: Stream, batches: int) -> tuple[Floats, Floats, Floats]:
    """Run a policy: what it and the oracle brought beyond random, by batch; exposure of each image."""
    edges = np.linspace(0, len(stream), batches + 1).astype(int)
    ours, best = np.zeros(batches), np.zeros(batches)
    shown = np.zeros((N_TITLES, N_IMAGES))
    for b in range(batches):
        rows = slice(int(edges[b]), int(edges[b + 1]))
        p = policy.answer(stream, rows)  # type: ignore[attr-defined]
        chosen = np.minimum((np.cumsum(p, 1) <= stream.draw[rows, None]).sum(1), N_IMAGES - 1)
        got, random, oracle = stream.lift(p, rows)
        ours[b], best[b] = got - random, oracle - random
        np.add.at(shown, (stream.title[rows], chosen), 1.0)
        policy.learn(stream, rows, chosen, p)  # type: ignore[attr-defined]
    return ours, best, shown
