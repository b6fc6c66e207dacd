"""Shots of a film: where the picture changes from one frame to the next. By scenedetect.

References
----------
Castellano, PySceneDetect 0.7, `ContentDetector` and `AdaptiveDetector` (https://www.scenedetect.com).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matinee.errors import MissingExtraError
from matinee.initiatives.artwork.candidates.picture import Picture

SHORTEST_S = 0.4
"""Cuts closer than that are flashes."""
KEYFRAME_CHANGE = 27.0
"""Mean change of hue, saturation and value (0 to 255) between two keyframes that are two shots."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A part of a film without a cut; its frames in the first pass are those from `first` up to `end`."""

    start_us: int
    end_us: int
    first: int
    end: int


class ShotFinder:
    """Finds shots while frames go by; it keeps none of them.

    Parameters
    ----------
    fps : float
        Frames a second of what is given.
    keyframes : bool
        Frames are seconds apart: each is compared with the one before. Otherwise a cut is a change that
        stands out against its neighbours, so that a pan is none.
    """

    def __init__(self, *, fps: float, keyframes: bool) -> None:
        self.fps = fps
        self.keyframes = keyframes
        self.detector_: Any = _detector(fps, keyframes)
        self.times_us_: list[int] = []
        self.cuts_: set[int] = set()

    def take(self, at_us: int, picture: Picture) -> None:
        """Look at the next frame."""
        self._add(self.detector_.process_frame(self._code(len(self.times_us_)), picture))
        self.times_us_.append(at_us)

    def shots(self, end_us: int) -> list[Shot]:
        """All shots, in order, up to the end of the film."""
        times = self.times_us_
        if not times:
            return []
        self._add(self.detector_.post_process(self._code(len(times) - 1)))
        edges = [0, *sorted(cut for cut in self.cuts_ if 0 < cut < len(times)), len(times)]
        return _shots(times, edges, max(end_us, times[-1] + 1))

    def _code(self, number: int) -> Any:
        from scenedetect import FrameTimecode

        return FrameTimecode(number, float(self.fps))

    def _add(self, found: Sequence[Any]) -> None:
        self.cuts_ |= {int(cut.frame_num) for cut in found}


def _shots(times: Sequence[int], edges: Sequence[int], end_us: int) -> list[Shot]:
    ends = [*(times[edge] for edge in edges[1:-1]), end_us]
    return [
        Shot(times[first], until, first, end)
        for first, end, until in zip(edges[:-1], edges[1:], ends, strict=True)
    ]


def _detector(fps: float, keyframes: bool) -> Any:
    try:
        from scenedetect.detectors import AdaptiveDetector, ContentDetector
    except ImportError:
        raise MissingExtraError("matinee artwork extract (scenedetect)", "artwork") from None
    if keyframes:
        return ContentDetector(threshold=KEYFRAME_CHANGE, min_scene_len=1)
    return AdaptiveDetector(min_scene_len=max(1, round(SHORTEST_S * fps)))
