"""Quality, composition, duplicates, diversity and tags of pictures whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from tests.initiatives.artwork.candidates.clips import black, one_colour, scene, shaken

from matinee.initiatives.artwork.candidates.composition import gathered, motion, saliency, thirds
from matinee.initiatives.artwork.candidates.diversity import choose, look
from matinee.initiatives.artwork.candidates.duplicates import distinct
from matinee.initiatives.artwork.candidates.quality import Quality, change, colourfulness, measure, sharpness
from matinee.initiatives.artwork.candidates.tags import measured_tags

cv2 = pytest.importorskip("cv2", reason="the extra artwork is not installed")


def blurred(picture: np.ndarray, by: float = 4.0) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), by))


def spot(x: int, y: int) -> np.ndarray:
    """A red disc on grey-green grass."""
    rng = np.random.default_rng(0)
    out = np.clip(rng.normal((70, 110, 80), 8, (180, 320, 3)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.circle(out, (x, y), 22, (30, 30, 220), -1))


def test_blur_darkness_and_motion_lower_the_score() -> None:
    good = scene(1)
    best = measure(good).score
    assert measure(blurred(good)).score < best
    assert measure((good * 0.2).astype(np.uint8)).score < best
    assert measure(good, change=40.0).score < best
    assert measure(np.repeat(good.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)).score < best


def test_flat_pictures_score_nothing() -> None:
    for picture in (black(1)[0], one_colour(1)[0], np.full((90, 160, 3), 255, np.uint8)):
        assert measure(picture).flat
        assert measure(picture, composition=1.0).score == 0.0


def test_score_is_a_geometric_mean() -> None:
    assert Quality(1, 1, 1, 1, 1, flat=False).score == pytest.approx(1.0)
    assert Quality(0.5, 0.5, 0.5, 0.5, 0.5, flat=False).score == pytest.approx(0.5)


def test_a_sharp_face_before_a_soft_ground_is_sharp() -> None:
    whole = scene(2)
    soft = blurred(whole)
    soft[60:120, 106:212] = whole[60:120, 106:212]
    assert sharpness(soft) > 3 * sharpness(blurred(whole))


def test_colourfulness_by_hand() -> None:
    grey = np.full((10, 10, 3), 77, np.uint8)
    half = grey.copy()
    half[:, :5], half[:, 5:] = (0, 0, 255), (0, 255, 0)  # rg: 255 and -255, yb: 127.5
    assert colourfulness(grey) == 0.0
    assert colourfulness(half) == pytest.approx(255 + 0.3 * 127.5)
    assert change(grey, grey) == 0.0


@pytest.mark.parametrize("where", [(80, 60), (240, 120), (160, 90)])
def test_the_odd_one_out_is_salient(where: tuple[int, int]) -> None:
    found = saliency(spot(*where))
    y, x = np.unravel_index(int(found.argmax()), found.shape)
    scale = 320 / found.shape[1]
    assert (x * scale, y * scale) == pytest.approx(where, abs=26)
    assert found.sum() == pytest.approx(1.0, abs=1e-4)


def test_saliency_of_nothing_is_even() -> None:
    found = saliency(one_colour(1)[0])
    assert gathered(found) < 0.2
    assert np.isfinite(found).all()


def test_a_thing_at_a_point_of_thirds_is_composed_better_than_in_a_corner() -> None:
    assert thirds(saliency(spot(213, 60))) > thirds(saliency(spot(300, 165)))


def test_motion_tells_who_acts() -> None:
    still = scene(5)
    moved = [still.copy() for _ in range(5)]
    for i, picture in enumerate(moved):
        picture[60:100, 200 + 4 * i : 240 + 4 * i] = 250
    found = motion(moved)
    assert found is not None
    y, x = np.unravel_index(int(found.argmax()), found.shape)
    assert 50 <= y <= 110
    assert 190 <= x <= 270
    assert motion(moved[:1]) is None


def test_near_duplicates_leave_the_best_of_each() -> None:
    pictures = [*shaken(scene(1), 4), *shaken(scene(2), 3), scene(3)]
    kept = distinct(pictures, [0.1, 0.9, 0.2, 0.3, 0.5, 0.4, 0.6, 0.7])
    assert kept == [1, 7, 6]


def test_another_brightness_or_colour_is_another_picture() -> None:
    one = scene(4)
    dark = (one * 0.35).astype(np.uint8)
    swapped = np.ascontiguousarray(one[:, :, ::-1])
    assert len(distinct([one, dark], [1.0, 0.9])) == 2
    assert len(distinct([one, swapped], [1.0, 0.9])) == 2
    brighter = np.clip(one * 1.03, 0, 255).astype(np.uint8)
    assert len(distinct([one, brighter, blurred(one, 0.8)], [1.0, 0.9, 0.8])) == 1


def test_diversity_prefers_what_differs() -> None:
    pictures = [scene(1), shaken(scene(1), 1)[0], scene(2)]
    assert choose(pictures, [0.9, 0.89, 0.7], [0, 40_000, 60_000_000], 90_000_000, 2) == [0, 2]
    assert choose([], [], [], 1, 3) == []
    assert look(scene(1), 0.5).shape == (120,)
    assert np.linalg.norm(look(one_colour(1)[0], 0.0)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("colour", "wanted"),
    [
        ((30, 120, 230), {"colour:warm"}),
        ((200, 120, 40), {"colour:cold"}),
        ((8, 9, 8), {"colour:dark", "colour:muted"}),
        ((230, 230, 230), {"colour:bright", "colour:muted"}),
    ],
)
def test_colour_tags(colour: tuple[int, int, int], wanted: set[str]) -> None:
    found = set(measured_tags(np.full((90, 160, 3), colour, np.uint8), n_faces=None, text=None))
    assert wanted <= found
    assert not any(tag.startswith(("people", "text")) for tag in found)


def test_strong_colours_beside_each_other_are_vivid() -> None:
    halves = np.full((90, 160, 3), (20, 40, 230), np.uint8)
    halves[:, 80:] = (200, 120, 20)
    assert "colour:vivid" in measured_tags(halves, n_faces=None, text=None)


def test_tags_say_only_what_was_looked_for_and_stay_in_the_vocabulary() -> None:
    from matinee.observe.catalogue.artwork_tags import unknown_tags

    for n_faces in (None, 0, 1, 2, 3, 9):
        for text in (None, True, False):
            for seed in range(4):
                tags = measured_tags(scene(seed), n_faces=n_faces, text=text)
                assert unknown_tags(tags) == []
                assert any(tag.startswith("people:") for tag in tags) == (n_faces is not None)
                assert any(tag.startswith("text:") for tag in tags) == (text is not None)
