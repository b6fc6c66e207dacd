from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from galleries import images, portion

from matinee.errors import InputError
from matinee.initiatives.artwork.belief import gallery_of, tastes
from matinee.initiatives.artwork.evidence import BOUND, Evidence, bounded
from matinee.initiatives.artwork.expected import fit_expected
from matinee.initiatives.artwork.learning import Learner
from matinee.initiatives.artwork.lift import Images, LiftSums, fit_lift
from matinee.initiatives.artwork.probabilities import image_table, probabilities

START = np.arange(0, 81, 4)


def strong(features, image, x):
    return 0.5 * features[:, 0] + 0.8 * x[:, 1] * features[:, 2]


def nothing(features, image, x):
    return np.zeros(len(image))


def fitted(config, lift, **words):
    seen = images()
    log = portion(lift, seen, **words)
    return Learner.fit(seen, START, 3, config, log), seen, log


def p_of(learner, x):
    gallery = gallery_of(
        learner.images, learner.lift, learner.start, boldness=1.0,
        style=np.full(len(learner.images), -1, np.int32), key=np.zeros(20, np.uint64),
    )  # fmt: skip
    title = np.zeros(len(x), np.int64)
    return probabilities(
        gallery, title, image_table(learner.start)[title], tastes(learner.lift, x), learner.keep
    )


def test_it_finds_what_features_do_and_for_whom(config):
    learner, _, _ = fitted(config, strong, n=60_000)
    assert learner.lift.coef[0, 0] == pytest.approx(0.5, abs=0.12)
    assert learner.lift.coef[2, 2] == pytest.approx(0.8, abs=0.2)
    assert learner.proven


def test_where_images_are_alike_nothing_is_proven_and_each_keeps_half(config):
    for seed in range(8):
        learner, _, _ = fitted(config, nothing, seed=seed)
        assert not learner.proven
        assert float(p_of(learner, np.zeros((1, 3))).min()) >= 0.5 / 4


def test_the_bet_wins_seldom_where_nothing_is_to_be_won():
    """At most alpha of all logs, whatever is predicted: here with much too bold predictions."""
    rng, won = np.random.default_rng(0), 0
    for _ in range(400):
        p = np.full(500, 0.25)
        worth = bounded(rng.normal(0, 0.3, (500, 4)))
        shown = rng.integers(0, 4, 500)
        won += Evidence().plus(worth[np.arange(500), shown], p, np.full(500, 4)).proven(0.05)
    assert won / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_the_bet_is_fair_play_by_play():
    worth = bounded(np.array([[0.9, -0.4, 0.1]]))[0]
    assert np.abs(worth).max() <= BOUND
    p = np.array([0.6, 0.2, 0.2])
    capital = [Evidence().plus(worth[[i]], p[[i]], np.array([3])).log_capital for i in range(3)]
    assert p @ np.exp(capital) == pytest.approx([1.0, 1.0, 1.0])


def test_a_propensity_below_the_promised_share_is_refused():
    with pytest.raises(InputError, match=r"0\.4 of its fair share, expected 0\.5"):
        Evidence().plus(np.array([0.1]), np.array([0.1]), np.array([4]))
    with pytest.raises(InputError, match=r"predicted lift is 0\.9"):
        Evidence().plus(np.array([0.9]), np.array([0.5]), np.array([2]))


def test_a_new_image_begins_where_its_tags_are(config):
    """A cold image with the good tag beats a cold one without, and is less sure than the known ones."""
    learner, seen, _ = fitted(config, strong, n=60_000)
    features = np.concatenate([seen.features, np.eye(5)[[0]], -np.eye(5)[[0]]])
    title = np.concatenate([seen.title, [19, 19]])
    grown = learner.moved(Images(title, features), np.append(START[:-1], 82), np.arange(80), np.arange(20))
    mean = grown.lift.mean(grown.images)
    assert mean[80] > mean[81] + 0.5
    assert grown.lift.own[80] == pytest.approx(grown.lift.own[81], abs=1e-9)
    assert grown.lift.main_sd[80] > np.median(grown.lift.main_sd[:80])


def test_own_terms_are_shrunk_towards_the_tags(config):
    """One image far better than its tags say: its own term goes up with what was seen of it, not at once."""

    def lucky(features, image, x):
        return 0.8 * (image == 7)

    few, _, _ = fitted(config, lucky, n=4_000)
    many, _, _ = fitted(config, lucky, n=120_000)
    assert many.lift.own[7] == max(many.lift.own)
    assert 0.25 < many.lift.own[7] < 0.7
    assert few.lift.own[7] < many.lift.own[7]


def test_learning_in_portions_equals_learning_at_once(config):
    """The same places and rates: exactly; after the spreads were estimated anew as well: within 0.02."""
    seen = images()
    log = portion(strong, seen, n=30_000)
    whole = Learner.fit(seen, START, 3, config, log)
    first = Learner.fit(seen, START, 3, config, log.rows(slice(0, 24_000)))
    later = replace(first, expected=whole.expected)
    for low in range(24_000, 30_000, 2_000):
        later = later.learned(log.rows(slice(low, low + 2_000)))
    x = np.random.default_rng(1).standard_normal((50, 3)) * 0.5
    assert np.abs(p_of(whole, x) - p_of(later, x)).max() < 0.02
    one = LiftSums.zero(80, 3)
    ones = np.ones(30_000)
    parts = one
    for rows in (slice(0, 10_000), slice(10_000, 30_000)):
        part = log.rows(rows)
        parts = parts.plus(part.image, part.context, part.plays, 0.2 * ones[rows], ones[rows])
    once = one.plus(log.image, log.context, log.plays, 0.2 * ones, ones)
    assert parts.seen == pytest.approx(once.seen, rel=1e-9)
    assert parts.gained == pytest.approx(once.gained, rel=1e-9, abs=1e-9)


def test_it_agrees_with_the_dense_model():
    """An independent computation: all effects in one ridge regression with the same prior."""
    seen = images(n_titles=4, per_title=3, n_tags=2)
    log = portion(lambda f, i, x: 0.4 * f[:, 0], seen, n=3_000, context=1)
    sums = LiftSums.zero(12, 1).plus(log.image, log.context, log.plays, np.full(3_000, 0.2), np.ones(3_000))
    spreads = (0.2, 0.3, 0.1)
    got = fit_lift(seen, sums, start=spreads, search=False)
    x = np.concatenate([np.ones((3_000, 1)), log.context], 1)
    f = seen.features[log.image]
    z = np.concatenate(
        [
            np.eye(4)[seen.title[log.image]],
            np.eye(12)[log.image],
            (x[:, :, None] * f[:, None, :]).reshape(3_000, -1),
        ],
        axis=1,
    )
    noise = float(log.plays.sum() / log.plays.sum())
    prior = np.concatenate([np.full(4, 1.0), np.full(12, 0.2), np.full(2, 0.3), np.full(2, 0.1)]) ** -2.0
    want = np.linalg.solve(0.2 * z.T @ z + noise * np.diag(prior), z.T @ (log.plays - 0.2))
    own = want[4:16] - np.repeat(want[4:16].reshape(4, 3).mean(1), 3)
    assert got.coef.ravel() == pytest.approx(want[16:], abs=1e-8)
    assert got.own == pytest.approx(own, abs=1e-8)


def test_places_and_titles_are_told_apart():
    rng = np.random.default_rng(0)
    n = 200_000
    title, row, near = rng.integers(0, 5, n), rng.integers(1, 4, n), rng.integers(0, 2, n)
    p = (
        0.2
        * np.array([1.0, 0.5, 0.25])[row - 1]
        * np.linspace(0.5, 1.5, 5)[title]
        * np.array([0.8, 1.2])[near]
    )
    plays = (rng.random(n) < p).astype(float)
    found = fit_expected(title, row, np.ones(n, np.int64), near, plays=plays, weight=np.ones(n), n_titles=5)
    assert found.examined[:, 0] == pytest.approx([1.0, 0.5, 0.25], rel=0.06)
    assert found.rate == pytest.approx(0.2 * np.linspace(0.5, 1.5, 5), rel=0.06)
    assert found.near[1] / found.near[0] == pytest.approx(1.5, rel=0.06)
    assert found.of(title, row, np.ones(n, np.int64), near).sum() == pytest.approx(plays.sum(), rel=0.01)


def test_plays_from_one_draw_are_evidence_once(config):
    seen = images()
    one = portion(nothing, seen, n=4_000, rate=0.9)
    rows = np.repeat(np.arange(len(one)), 6)
    again = np.tile(np.arange(6) > 0, len(one))
    learner = Learner.begin(seen, START, 3, config).learned(one)
    twice = replace(one.rows(rows), again=again)
    assert learner.learned(twice).evidence == learner.learned(one).evidence
    assert learner.learned(one.rows(rows)).evidence.n_plays == 6 * learner.learned(one).evidence.n_plays
