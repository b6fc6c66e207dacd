"""Watching: whether a title is liked, how long it is watched, how many episodes in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.draws import Bools, Draws, Floats, Ints, sigmoid


@dataclass(frozen=True, slots=True)
class WatchingConfig:
    """What makes a play a quality play. The values are made up.

    Attributes
    ----------
    base, taste, quality, promise : float
        Log-odds of a quality play: constant, weight of closeness of taste, of the title's quality, and of an
        artwork that promises more than the title holds (taken off).
    quality_share : float
        Share of the runtime from which a play is one of quality.
    next_episode : float
        Probability to go on to the next episode after a quality play.
    max_episodes : int
        Episodes in one sitting, at most.
    forget : float
        Probability that a series is dropped after an episode that was not liked.
    satiation_decay : float
        What is left of satiation after a day.
    """

    base: float = -0.9
    taste: float = 2.6
    quality: float = 0.5
    promise: float = 1.0
    quality_share: float = 0.7
    next_episode: float = 0.5
    max_episodes: int = 4
    forget: float = 0.6
    satiation_decay: float = 0.8


def p_quality(config: WatchingConfig, closeness: Floats, quality: Floats, pull: Floats) -> Floats:
    """Probability that a play is a quality play.

    Parameters
    ----------
    closeness : ndarray of float64, -1 to 1
        Cosine of the member's taste and the title.
    quality : ndarray of float64
        Of the title.
    pull : ndarray of float64
        What the artwork that was seen promised beyond the title; 0 where none was seen.
    """
    return sigmoid(
        config.base
        + config.taste * closeness
        + config.quality * quality
        - config.promise * np.maximum(pull, 0.0)
    )


def watched_share(config: WatchingConfig, liked: Bools, luck: Floats) -> Floats:
    """Share of the runtime that is watched: all but the credits when liked, else mostly the beginning."""
    low = config.quality_share
    share: Floats = np.where(liked, low + (1 - low) * luck**0.4, 0.01 + (low - 0.02) * luck**2)
    return share


def goes_on(config: WatchingConfig, draws: Draws, liked: Bools, *keys: Ints | int) -> Bools:
    """Whether the next episode follows at once."""
    on: Bools = liked & (draws.uniform("next episode", *keys) < config.next_episode)
    return on
