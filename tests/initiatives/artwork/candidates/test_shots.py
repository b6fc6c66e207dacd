from __future__ import annotations

from itertools import pairwise

import pytest
from tests.initiatives.artwork.candidates.clips import FPS, scene, shaken

from matinee.initiatives.artwork.candidates.shots import ShotFinder

pytest.importorskip("cv2", reason="the extra artwork is not installed")
pytest.importorskip("scenedetect", reason="the extra artwork is not installed")
LENGTHS = (40, 26, 60, 33)


def found(*, keyframes: bool, step: int = 1) -> list[int]:
    pictures = [one for seed, n in enumerate(LENGTHS) for one in shaken(scene(seed), n, seed)][::step]
    finder = ShotFinder(fps=FPS, keyframes=keyframes)
    for i, picture in enumerate(pictures):
        finder.take(i * step * 40_000, picture)
    shots = finder.shots(sum(LENGTHS) * 40_000)
    assert shots[0].start_us == 0
    assert shots[-1].end_us == sum(LENGTHS) * 40_000
    assert all(a.end_us == b.start_us and a.end == b.first for a, b in pairwise(shots))
    return [shot.start_us // 40_000 for shot in shots[1:]]


def test_known_cuts_are_found_within_two_frames() -> None:
    assert found(keyframes=False) == pytest.approx([40, 66, 126], abs=2)


def test_keyframes_tell_shots_by_comparing_neighbours() -> None:
    assert found(keyframes=True, step=10) == pytest.approx([40, 66, 126], abs=10)


def test_a_slow_pan_is_one_shot() -> None:
    wide = scene(3, width=900)
    finder = ShotFinder(fps=FPS, keyframes=False)
    for i in range(100):
        finder.take(i * 40_000, wide[:, 3 * i : 3 * i + 320].copy())
    assert len(finder.shots(4_000_000)) == 1


def test_nothing_taken_no_shots() -> None:
    assert ShotFinder(fps=FPS, keyframes=False).shots(1) == []
