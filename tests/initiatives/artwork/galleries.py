"""Small galleries and logs whose right answers are obvious."""

from __future__ import annotations

import numpy as np

from matinee.initiatives.artwork.choosing import Gallery
from matinee.initiatives.artwork.learning import Portion
from matinee.initiatives.artwork.lift import Images


def gallery(sizes=(2, 3, 1), *, rank=2, seed=0, style=None) -> Gallery:
    """Titles with so many images each."""
    rng = np.random.default_rng(seed)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    n = int(start[-1])
    return Gallery.of(
        start,
        rng.standard_normal((n, rank)),
        own=0.1 * rng.standard_normal(n),
        bonus=np.zeros(n),
        temperature=np.full(len(sizes), 0.2),
        style=np.zeros(n, np.int32) if style is None else np.asarray(style, np.int32),
        key=rng.integers(0, 2**63, len(sizes)).astype(np.uint64),
    )


def images(n_titles=20, per_title=4, n_tags=5, seed=0) -> Images:
    rng = np.random.default_rng(seed)
    title = np.repeat(np.arange(n_titles), per_title)
    tags = (rng.random((len(title), n_tags)) < 0.4).astype(float)
    mean = np.stack([tags[title == t].mean(0) for t in range(n_titles)])
    return Images(title, tags - mean[title])


def portion(lift, seen: Images, n=20_000, *, seed=0, rate=0.2, context=3) -> Portion:
    """Random images, with a lift that is a function of (features, image, context)."""
    rng = np.random.default_rng(seed)
    count = np.bincount(seen.title)
    image = rng.integers(0, len(seen), n)
    x = rng.standard_normal((n, context)) * 0.5
    p = np.clip(rate * (1.0 + lift(seen.features[image], image, x)), 0, 1)
    return Portion(
        image, x, np.ones(n, np.int64), np.ones(n, np.int64), np.zeros(n, np.int64),
        (rng.random(n) < p).astype(float), 1.0 / count[seen.title[image]], count[seen.title[image]],
        np.sort(rng.random(n) * 10),
    )  # fmt: skip
