from __future__ import annotations

import numpy as np
import pytest

from matinee.initiatives.artwork.candidates.config import SIZES
from matinee.initiatives.artwork.candidates.crops import best_crop, holds, importance, ratio
from matinee.initiatives.artwork.candidates.picture import Box


def spot(x: float, y: float, width: int = 192, height: int = 108) -> np.ndarray:
    """Importance at one place, over an even ground."""
    rows, cols = np.mgrid[0:height, 0:width]
    near = np.exp(-(((cols / width - x) / 0.06) ** 2 + ((rows / height - y) / 0.1) ** 2))
    found = near + 0.05
    return np.asarray(found / found.sum(), np.float32)


@pytest.mark.parametrize("aspect", SIZES)
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (640, 640), (2560, 1072)])
def test_a_crop_has_its_ratio_and_lies_inside(aspect: str, width: int, height: int) -> None:
    crop = best_crop(spot(0.7, 0.4), aspect, width, height)
    left, top, right, bottom = crop.pixels(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert (right - left) / (bottom - top) == pytest.approx(ratio(aspect), rel=0.01)
    assert max(crop.width, crop.height) == pytest.approx(1.0)


@pytest.mark.parametrize("x", [0.1, 0.3, 0.5, 0.8, 0.93])
@pytest.mark.parametrize("aspect", ["2:3", "1:1", "4:3"])
def test_crops_keep_the_salient_object(aspect: str, x: float) -> None:
    crop = best_crop(spot(x, 0.5), aspect, 1920, 1080)
    assert crop.x <= x - 0.06 or crop.x == 0
    assert x + 0.06 <= crop.x + crop.width or crop.x + crop.width == pytest.approx(1.0)


def test_faces_outweigh_what_else_draws_the_eye() -> None:
    ground = spot(0.85, 0.5)
    face = Box(0.08, 0.2, 0.12, 0.3)
    without = best_crop(ground, "2:3", 1920, 1080)
    with_face = best_crop(importance(ground, [face]), "2:3", 1920, 1080)
    assert not holds(without, face)
    assert holds(with_face, face)
    assert with_face.x <= face.x
    assert with_face.x + with_face.width >= face.x + face.width


def test_importance_is_a_share_and_leaves_the_map_alone() -> None:
    ground = spot(0.5, 0.5)
    before = ground.copy()
    assert importance(ground, [Box(0.99, 0.99, 0.01, 0.01)]).sum() == pytest.approx(1.0, abs=1e-4)
    assert np.array_equal(ground, before)


def test_an_even_picture_is_cropped_in_the_middle() -> None:
    even = np.full((108, 192), 1 / (108 * 192), np.float32)
    crop = best_crop(even, "1:1", 1920, 1080)
    assert crop.x + crop.width / 2 == pytest.approx(0.5, abs=0.01)
