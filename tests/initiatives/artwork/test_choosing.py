from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from galleries import gallery

from matinee.initiatives.artwork.choosing import OWN, STYLE, Gallery, choose_images
from matinee.initiatives.artwork.probabilities import image_table, probabilities
from matinee.types import GOLDEN, mixed

TITLES = np.array([0, 1, 2], np.int64)
TASTE = np.array([0.3, -0.2])


def draw(g, titles=TITLES, *, key=1, keep=0.1, variety=0.0, cleared=None):
    mask = np.ones(len(g.own), np.bool_) if cleared is None else cleared
    return choose_images(g, titles, mask, TASTE, keep, variety, np.uint64(key))


def a_key(k: int) -> int:
    """As far from `a_key(k + 1)` as hashes of members are."""
    return int(mixed(np.array([k], np.uint64) * GOLDEN)[0])


def with_column(g: Gallery, column: int, values) -> Gallery:
    image = g.image.copy()
    image[:, column] = values
    return g._replace(image=image)


def test_a_title_of_one_image_has_no_choice():
    found = draw(gallery())
    assert found.image[2] == 5
    assert found.propensity[2] == 1.0
    assert found.n.tolist() == [2, 3, 1]


def test_uncleared_and_unknown_have_no_image():
    g = gallery()
    cleared = np.array([False, False, True, False, True, True])
    found = draw(g, np.array([0, 1, -1], np.int64), cleared=cleared)
    assert found.image[0] == -1
    assert found.n[0] == 0
    assert found.image[1] in (2, 4)
    assert found.image[2] == -1


def test_same_title_same_image_certain_the_second_time():
    found = draw(gallery(), np.array([1, 0, 1], np.int64))
    assert found.image[0] == found.image[2]
    assert found.propensity[2] == 1.0 > found.propensity[0]


def test_no_image_is_below_what_it_keeps_and_a_holdout_is_uniform():
    g = gallery((6, 6, 6), seed=3)
    chosen = [draw(g, keep=0.5, key=k) for k in range(200)]
    assert min(float(one.propensity.min()) for one in chosen) >= 0.5 / 6
    assert draw(g, keep=1.0).propensity == pytest.approx([1 / 6] * 3)


def every(g, keep, variety):
    """Probability of each triple of images as the product of what is logged, from many draws."""
    said, n = {}, 60_000
    count = {}
    for key in range(n):
        found = draw(g, key=a_key(key), keep=keep, variety=variety)
        name = tuple(found.image.tolist())
        said[name] = float(found.propensity.prod())
        count[name] = count.get(name, 0) + 1
    return said, {name: one / n for name, one in count.items()}, n


@pytest.mark.parametrize("variety", [0.0, 0.3])
def test_propensities_are_exact_by_enumeration(variety):
    """All pages of a small catalogue: their probabilities sum to 1, and they come as often as that says."""
    g = gallery((2, 3, 2), seed=5, style=[0, 1, 0, 1, 2, 1, 0])
    said, came, n = every(g, 0.2, variety)
    assert len(said) == 2 * 3 * 2
    assert sum(said.values()) == pytest.approx(1.0, abs=1e-9)
    for name, p in said.items():
        assert abs(came[name] - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_variety_changes_what_comes_after_and_not_the_first():
    g = gallery((3, 3, 3), seed=1, style=[0, 1, 2] * 3)
    plain, varied = draw(g), draw(g, variety=0.5)
    assert plain.propensity[0] == varied.propensity[0]
    assert plain.propensity[1] != varied.propensity[1]


def test_the_image_stays_while_probabilities_hardly_change():
    g = gallery((4, 4, 4), seed=2)
    nearly = with_column(g, OWN, g.own + 0.002 * np.random.default_rng(0).standard_normal(len(g.own)))
    same = [(draw(g, key=a_key(k)).image == draw(nearly, key=a_key(k)).image).all() for k in range(300)]
    assert np.mean(same) > 0.95
    other = [(draw(g, key=a_key(k)).image == draw(g, key=a_key(k + 9999)).image).all() for k in range(300)]
    assert np.mean(other) < 0.4


def test_the_kernel_and_the_arrays_say_the_same():
    g = gallery((5, 3, 2), seed=7)
    table = image_table(np.append(g.title[:, 0], len(g.own)))
    p = probabilities(g, TITLES, table[TITLES], np.tile(TASTE, (3, 1)), 0.1)
    assert p.sum(1) == pytest.approx([1, 1, 1])
    for key in range(50):
        found = draw(g, key=a_key(key))
        at = found.image - g.title[TITLES, 0]
        assert found.propensity == pytest.approx(p[np.arange(3), at], rel=1e-12)


def test_a_long_page_counts_styles_and_titles_as_counting_them_over_does():
    rng = np.random.default_rng(5)
    g = gallery(tuple(rng.integers(1, 6, 300).tolist()), seed=5)
    g = with_column(g, STYLE, rng.choice([-1, 0, 1, 2, 3, 1 << 10, (1 << 30) + 7], len(g.own)))
    titles = rng.integers(-1, 300, 700).astype(np.int64)
    keep, variety = 0.2, 0.6
    found = draw(g, titles, keep=keep, variety=variety)
    placed, first = [], {}
    for k, title in enumerate(titles.tolist()):
        if title < 0:
            assert (found.image[k], found.propensity[k]) == (-1, 1.0)
        elif title in first:
            assert (found.image[k], found.propensity[k]) == (first[title], 1.0)
        else:
            own = np.arange(*g.title[title, :2])
            style = g.image[own, STYLE]
            share = [placed.count(one) / len(first) if one >= 0 and first else 0.0 for one in style.tolist()]
            worth = g.own[own] + g.features[own] @ TASTE - variety * np.array(share)
            z = worth / g.temperature[title] + g.bonus[own]
            e = np.exp(z - z.max())
            p = keep / len(own) + (1 - keep) * e / e.sum()
            assert found.propensity[k] == pytest.approx(1.0 if len(own) == 1 else p[found.image[k] - own[0]])
            first[title] = found.image[k]
            placed.append(int(g.image[found.image[k], STYLE]))
