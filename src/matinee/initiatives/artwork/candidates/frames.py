"""From a film to its best frames: a first pass over small frames, then a close look at the promising ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.composition import motion, saliency, thirds
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.duplicates import Look
from matinee.initiatives.artwork.candidates.ffmpeg import Faults, Video, fitted, frames
from matinee.initiatives.artwork.candidates.picture import Box, Map, Picture, cut, luma, resized
from matinee.initiatives.artwork.candidates.quality import STILL_AT, Quality, change, measure, sharpness
from matinee.initiatives.artwork.candidates.shots import Shot, ShotFinder

SMALL = 256
"""Pixels across in the first pass."""
LARGE = 2688
"""Pixels across of frames that are kept: enough for a crop 2:3 of 1500 pixels height."""
SHORT_S = 180.0
"""Up to here every frame is read; longer films are read by keyframes."""
SPARSE_S = 20.0
"""Seconds between keyframes from which they are too few to know a film by."""
LEAST_WHOLE = 0.2
"""Share of a video's length that may lack pictures."""
MOST_PER_SHOT = 6
APART_US = 800_000
WINDOW_US = 640_000
"""Length of film that is looked at closely around a promising frame."""
CUT_CHANGE = 40.0
"""Mean change between neighbouring frames (0 to 255) across which a window does not reach."""
CLOSE = 4
"""Frames of a window that are measured at full size."""
LEAST_INSIDE = 0.4
"""Of a side: bars that leave less are none, but a dark picture."""
BAR_LUMA = 0.07
BAR_SEEN = 0.98
"""Share of a row's or column's pixels, over all frames, that are black where there is a bar."""

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What the first pass found.

    Attributes
    ----------
    bars : Box
        The picture without black bars.
    keyframes : bool
        Whether only keyframes were read.
    scores : list of float
        Of each frame, without composition; 0 for a flat one.
    looks : list of Look
        Of each frame: shots come again, above all in talks, and are looked at once.
    faults : Faults
        What could not be read.
    """

    shots: list[Shot]
    times_us: list[int]
    scores: list[float]
    looks: list[Look]
    bars: Box
    keyframes: bool
    faults: Faults


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it will be cropped, without bars."""

    at_us: int
    shot: int
    picture: Picture
    saliency: Map
    quality: Quality


def first_pass(video: Video, config: ExtractConfig, limits: Limits, progress: Report) -> Pass:
    """Find shots and score frames at a small size, by keyframes where the film is long."""
    keyframes = config.passes == "keyframes" or (config.passes == "auto" and video.duration_s > SHORT_S)
    found = _pass(video, limits, keyframes, progress)
    sparse = len(found.times_us) * SPARSE_S < video.duration_s
    if keyframes and sparse and config.passes == "auto":
        found = _pass(video, limits, False, progress)
    return found


def _pass(video: Video, limits: Limits, keyframes: bool, progress: Report) -> Pass:
    finder = ShotFinder(fps=video.fps, keyframes=keyframes)
    bars = BarFinder()
    scores: list[float] = []
    looks: list[Look] = []
    before: Picture | None = None
    faults = Faults()
    size = fitted(video, width=SMALL)
    for at_us, picture in frames(video, limits, size=size, keyframes=keyframes, faults=faults):
        finder.take(at_us, picture)
        moved = 0.0 if before is None or keyframes else change(before, picture)
        scores.append(measure(picture, change=moved).score)
        looks.append(Look.of(picture))
        bars.take(picture)
        before = picture
        progress(min(1.0, at_us / 1e6 / video.duration_s))
    _check_whole(video, finder.times_us_, keyframes)
    shots = finder.shots(round(video.duration_s * 1e6))
    return Pass(shots, finder.times_us_, scores, looks, bars.inside(), keyframes, faults)


def _check_whole(video: Video, times_us: Sequence[int], keyframes: bool) -> None:
    """Refuse a video whose pictures end long before it does (sound may go on a little)."""
    last_s = times_us[-1] / 1e6 if times_us else 0.0
    missing_s = video.duration_s - last_s
    if missing_s > LEAST_WHOLE * video.duration_s and missing_s > (SPARSE_S if keyframes else 1.0):
        raise InputError(
            f"{video.path}: its pictures end at {last_s:.1f} s of {video.duration_s:.1f} s, expected a whole "
            "video. Nothing was written. Fetch or export it again."
        )


def promising(found: Pass, n: int) -> list[tuple[int, int]]:
    """Frames to look at closely, as (number of the shot, number of the frame): the best of each shot.

    Every shot gives its best frame before any gives a second one, and none gives one that looks like another
    shot's; at most 3 n + 12 are given.
    """
    most = 3 * n + 12
    ranked: list[tuple[int, float, int, int]] = []
    for number, shot in enumerate(found.shots):
        picked = _apart(found, shot, max(2, math.ceil(most / max(1, len(found.shots)))))
        ranked += [(place, -found.scores[i], number, i) for place, i in enumerate(picked)]
    chosen: list[tuple[int, int]] = []
    for _, _, number, i in sorted(ranked):
        others = (j for shot, j in chosen if shot != number)
        if len(chosen) < most and not any(found.looks[i].like(found.looks[j]) for j in others):
            chosen.append((number, i))
    return sorted(chosen)


def _apart(found: Pass, shot: Shot, most: int) -> list[int]:
    """The best frames of a shot that are some time apart and are no flat ones."""
    picked: list[int] = []
    for i in sorted(range(shot.first, shot.end), key=lambda i: -found.scores[i]):
        if len(picked) == min(most, MOST_PER_SHOT) or found.scores[i] <= 0:
            break
        if all(abs(found.times_us[i] - found.times_us[j]) >= APART_US for j in picked):
            picked.append(i)
    return picked


def close_look(video: Video, found: Pass, wanted: tuple[int, int], limits: Limits) -> Frame | None:
    """The best frame near a promising one, at full size; None where all of them are flat."""
    number, i = wanted
    shot, at_us = found.shots[number], found.times_us[i]
    ahead = 0 if found.keyframes else WINDOW_US // 2
    start = max(shot.start_us, at_us - ahead)
    length = min(WINDOW_US, max(1, shot.end_us - start))
    size = fitted(video, width=LARGE)
    window = list(frames(video, limits, size=size, start_us=start, length_us=length))
    window = _before_a_cut([(time_us, picture) for time_us, picture in window if time_us < shot.end_us])
    bars = _bars([picture for _, picture in window], found.bars)
    small = [resized(cut(picture, bars), SMALL) for _, picture in window]
    changes = _changes(small)
    moving = motion(small)
    best: Frame | None = None
    for k in _sharpest(small, changes):
        time_us, picture = window[k]
        inside = cut(picture, bars)
        where = saliency(inside, moving)
        quality = measure(inside, composition=thirds(where), change=changes[k])
        if not quality.flat and (best is None or quality.score > best.quality.score):
            best = Frame(time_us, number, inside, where, quality)
    return best


def _sharpest(small: Sequence[Picture], changes: Sequence[float]) -> list[int]:
    """Positions of the frames that are the sharpest and the stillest, a few of the window."""
    value = [
        sharpness(picture) / (1 + moved / STILL_AT) for picture, moved in zip(small, changes, strict=True)
    ]
    return sorted(range(len(small)), key=lambda k: -value[k])[:CLOSE]


def _changes(small: Sequence[Picture]) -> list[float]:
    """Mean change of each picture to the one before; of the first to the one after."""
    steps = [change(a, b) for a, b in pairwise(small)]
    return [steps[0] if steps else 0.0, *steps][: len(small)]


def _before_a_cut(window: list[tuple[int, Picture]]) -> list[tuple[int, Picture]]:
    """The window up to the first cut in it: keyframes do not tell of each."""
    for k, ((_, one), (_, other)) in enumerate(pairwise(window), 1):
        if change(resized(one, SMALL), resized(other, SMALL)) > CUT_CHANGE:
            return window[:k]
    return window


def _bars(pictures: Sequence[Picture], of_film: Box) -> Box:
    """The picture without bars, told from these frames where they are bright enough, else from the film."""
    finder = BarFinder()
    for picture in pictures[:: max(1, len(pictures) // 4)]:
        finder.take(resized(picture, SMALL))
    own = finder.inside() if finder.n_ else of_film
    return own if min(own.width, own.height) >= LEAST_INSIDE else of_film


class BarFinder:
    """Finds black bars: rows and columns at the border that stay black in all frames that are not dark."""

    def __init__(self) -> None:
        self.rows_: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None = None
        self.columns_: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None = None
        self.n_ = 0

    def take(self, picture: Picture) -> None:
        """Look at the next frame."""
        if self.n_ > 2000:
            return
        dark = luma(picture) < BAR_LUMA
        if float(dark.mean()) > 0.7:
            return
        rows, columns = dark.mean(axis=1, dtype=np.float32), dark.mean(axis=0, dtype=np.float32)
        self.rows_ = rows if self.rows_ is None else np.minimum(self.rows_, rows)
        self.columns_ = columns if self.columns_ is None else np.minimum(self.columns_, columns)
        self.n_ += 1

    def inside(self) -> Box:
        """The picture without bars; all of it where no frame was bright enough to tell."""
        if self.rows_ is None or self.columns_ is None:
            return Box(0.0, 0.0, 1.0, 1.0)
        (top, bottom), (left, right) = _open(self.rows_), _open(self.columns_)
        return Box(left, top, right - left, bottom - top)


def _open(dark: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> tuple[float, float]:
    """Start and end, as shares, of what is no bar; one line more is given to a bar, whose edge is soft."""
    lit = np.flatnonzero(dark < BAR_SEEN)
    if not len(lit):
        return 0.0, 1.0
    n = len(dark)
    first, last = int(lit[0]), int(lit[-1]) + 1
    return (first + 1) / n if first else 0.0, (last - 1) / n if last < n else 1.0
