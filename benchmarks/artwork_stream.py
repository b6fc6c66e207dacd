"""Streams of impressions with a known truth, for `artwork.py`: what each image would bring to whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
N_TITLES, N_IMAGES, N_MEMBERS = 200, 6, 4_000
GENRES, DEVICES, TAGS = 10, 4, 14
ROWS, COLS = 4, 6
BASE = 0.05
"""Quality plays per impression under random images."""
EFFECTS = {"none": (0.0, 0.0), "realistic": (0.19, 0.15), "strong": (0.35, 0.35), "drift": (0.19, 0.15)}
"""Relative standard deviation between images for everybody (0.19: measured on real image tests), and on top
of it for single members."""
BY_TAGS, OF_IMAGES = 0.4, 0.2
"""Share of the variance of the first that the tags explain; of the second that belongs to single images."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Impressions in the order of time, and what each image would bring.

    Attributes
    ----------
    tags : ndarray of float64, shape (N_TITLES * N_IMAGES, TAGS)
    context : ndarray of float64, shape (N_MEMBERS, GENRES + DEVICES)
        What is known of members: genres they played lately (a noisy view of their taste), their device.
    genre : ndarray of int64, shape (N_TITLES,)
    title, member, row, col : ndarray of int64, shape (n,)
        Rows and columns from 1.
    mean : ndarray of float32, shape (n, N_IMAGES)
        Probability of a quality play.
    reward : ndarray of bool, shape (n, N_IMAGES)
        Drawn beforehand with one number for all images.
    draw : ndarray of float64, shape (n,)
        Uniform, for the policy.
    """

    tags: Floats
    context: Floats
    genre: Ints
    title: Ints
    member: Ints
    row: Ints
    col: Ints
    mean: NDArray[np.float32]
    reward: NDArray[np.bool_]
    draw: Floats

    def __len__(self) -> int:
        return len(self.title)

    def lift(self, p: Floats, rows: slice) -> tuple[float, float, float]:
        """Expected plays under probabilities, under uniform ones, and under each impression's best image."""
        mean = self.mean[rows]
        return float((p * mean).sum()), float(mean.mean(1).sum()), float(mean.max(1).sum())


def make(kind: str, n: int, seed: int) -> Stream:
    """Draw a stream."""
    rng = np.random.default_rng([seed, sum(map(ord, kind))])
    taste = rng.dirichlet(np.full(GENRES, 0.5), N_MEMBERS)
    played = np.stack([rng.multinomial(25, one) for one in taste]) / 25.0
    device = rng.choice(DEVICES, N_MEMBERS, p=[0.45, 0.25, 0.2, 0.1])
    known = np.concatenate([played, np.eye(DEVICES)[device]], axis=1)
    hidden = np.concatenate([taste, np.eye(DEVICES)[device]], axis=1)
    hidden = (hidden - hidden.mean(0)) / hidden.std(0)
    tags = (rng.random((N_TITLES * N_IMAGES, TAGS)) < 0.25).astype(np.float64)
    genre = rng.integers(0, GENRES, N_TITLES)
    popularity = 1.0 / (np.arange(N_TITLES) + 10.0)
    title = rng.choice(N_TITLES, n, p=popularity / popularity.sum())
    member = rng.integers(0, N_MEMBERS, n)
    row, col = rng.integers(1, ROWS + 1, n), rng.integers(1, COLS + 1, n)
    rate = np.exp(0.4 * rng.standard_normal(N_TITLES))
    looked = 0.72 ** (row - 1) * 0.86 ** (col - 1)
    base = rate[title] * looked * (0.4 + 6.0 * taste[member, genre[title]])
    effect = _effect(kind, rng, tags, hidden, title, member)
    mean = base[:, None] * np.exp(effect)
    mean *= BASE / mean.mean()
    mean = np.minimum(mean, 0.9)
    luck = rng.random(n)
    return Stream(
        tags, known, genre, title, member, row, col,
        mean.astype(np.float32), luck[:, None] < mean, rng.random(n),
    )  # fmt: skip


def _effect(
    kind: str, rng: np.random.Generator, tags: Floats, hidden: Floats, title: Ints, member: Ints
) -> Floats:
    """Log lift of each image of each impression, shape (n, N_IMAGES)."""
    main, personal = EFFECTS[kind]
    image = title[:, None] * N_IMAGES + np.arange(N_IMAGES)
    first = _world(rng, tags, hidden, main, personal)
    found = _of(first, hidden, image, member)
    if kind == "drift":  # in the middle half of what was true is replaced
        half = len(title) // 2
        second = _world(rng, tags, hidden, main, personal)
        mixed = (np.sqrt(0.5) * one + np.sqrt(0.5) * other for one, other in zip(first, second, strict=True))
        found[half:] = _of(tuple(mixed), hidden, image[half:], member[half:])
    return found


def _world(
    rng: np.random.Generator, tags: Floats, hidden: Floats, main: float, personal: float
) -> tuple[Floats, Floats, Floats]:
    """Effect of each image for everybody; of features for members; of single images for members."""
    scaled = (tags - tags.mean(0)) / tags.std(0)
    common = scaled @ rng.standard_normal(TAGS) / np.sqrt(TAGS)
    for_all = np.sqrt(BY_TAGS) * common / common.std() + np.sqrt(1 - BY_TAGS) * rng.standard_normal(len(tags))
    worth = rng.standard_normal((hidden.shape[1], TAGS)) @ scaled.T
    scale = np.sqrt(1 - OF_IMAGES) * personal / (hidden @ worth).std()
    own = rng.standard_normal((hidden.shape[1], len(tags))) * personal * np.sqrt(OF_IMAGES / hidden.shape[1])
    return main * for_all, worth * scale, own


def _of(world: tuple[Floats, ...], hidden: Floats, image: Ints, member: Ints) -> Floats:
    for_all, worth, own = world
    table = (hidden @ (worth + own)).astype(np.float32)
    found: Floats = for_all[image] + table[member[:, None], image]
    return found
