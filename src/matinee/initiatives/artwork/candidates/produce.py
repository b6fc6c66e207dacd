"""All steps from a video to images and their facts, as they run in the limited process."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.errors import InputError, MissingExtraError
from matinee.initiatives.artwork.candidates import crops, diversity, duplicates
from matinee.initiatives.artwork.candidates.config import SIZES, ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.faces import Finder, face_finder
from matinee.initiatives.artwork.candidates.ffmpeg import Video, probe
from matinee.initiatives.artwork.candidates.frames import Frame, Pass, close_look, first_pass, promising
from matinee.initiatives.artwork.candidates.picture import Box, Map, Picture, cut, cut_map, to_image
from matinee.initiatives.artwork.candidates.tags import measured_tags
from matinee.initiatives.artwork.candidates.text_free import text_finder
from matinee.initiatives.artwork.candidates.title_treatment import TitleFont, draw_title

if TYPE_CHECKING:
    from PIL import Image

PACKAGES = {
    "cv2": "OpenCV",
    "PIL": "Pillow",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "scenedetect": "scenedetect",
}
QUALITY = {"webp": 86, "avif": 72}
SAVE: dict[str, dict[str, int]] = {"webp": {"method": 4}, "avif": {"speed": 7}}
PREVIEW = 420
"""Pixels of the longer side of the images in the contact sheet."""
SHARES = {"shots": 0.45, "frames": 0.4, "images": 0.15}
"""Of the time, for the progress bar."""
LEAST_SHARE = 0.5
"""Of the best frame's score: frames below are offered to nobody."""
AT_ONCE = 2
"""Close looks at the same time; ffmpeg does most of their work."""

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Made:
    """One image that was written.

    Attributes
    ----------
    preview : str
        File name of a small copy for the contact sheet.
    contrast : float
        Of the title against its ground; 0 without a title.
    """

    file: str
    preview: str
    aspect: str
    width_px: int
    height_px: int
    tags: list[str]
    crop: Box
    contrast: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chosen frame.

    Attributes
    ----------
    measures : dict
        Of quality, 0 to 1, by name.
    preview : str
        File name of the whole frame, small.
    """

    source_frame_us: int
    shot: int
    score: float
    measures: dict[str, float]
    n_faces: int | None
    preview: str
    images: list[Made]


@dataclass(frozen=True, slots=True)
class Produced:
    """What came of a video.

    Attributes
    ----------
    n_looked : int
        Frames of the first pass.
    n_close, n_alike, n_poor, n_text : int
        Frames looked at closely; of these dropped as near-duplicates, as far worse than the best, for text.
    text_checked : bool
        Whether a text recogniser was there.
    n_faults : int
        What ffmpeg complained of in the first pass.
    fault_us : int or None
        Where the first of these is.
    """

    width: int
    height: int
    duration_s: float
    fps: float
    codec: str
    hdr: bool
    keyframes: bool
    n_shots: int
    n_looked: int
    n_close: int
    n_alike: int
    n_poor: int
    n_text: int
    text_checked: bool
    n_faults: int
    fault_us: int | None
    took_s: float
    candidates: list[Candidate]


def check_packages() -> None:
    """Refuse to start without the extra.

    Raises
    ------
    MissingExtraError
        Names the first package that is missing.
    """
    for module, name in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f"matinee artwork extract ({name})", "artwork")


def produce(video: Path, config: ExtractConfig, work: Path, *, limits: Limits, progress: Report) -> Produced:
    """Make candidates in the folder `work`.

    Raises
    ------
    InputError
        The video, the face model or the font cannot be used, or no frame of the video shows anything.
    """
    import cv2

    cv2.setNumThreads(1)
    began = time.monotonic()
    maker = Maker(config, work)
    known = probe(video, limits)
    found = first_pass(known, config, limits, lambda share: progress("shots", SHARES["shots"] * share))
    looked = _close(known, found, config.n, limits, progress)
    scores = [frame.quality.score for frame in looked]
    kept = [looked[i] for i in duplicates.distinct([frame.picture for frame in looked], scores)]
    good = [frame for frame in kept if frame.quality.score >= LEAST_SHARE * max(scores)]
    free = [frame for frame in good if not maker.shows_text(frame.picture)]
    if not free:
        raise InputError(
            f"{video}: every good frame shows text, expected some without. Give a version without titles."
        )
    chosen = diversity.choose(
        [frame.picture for frame in free], [frame.quality.score for frame in free],
        [frame.at_us for frame in free], round(known.duration_s * 1e6), config.n,
    )  # fmt: skip
    made = []
    for done, i in enumerate(chosen):
        progress("images", 1 - SHARES["images"] * (1 - done / len(chosen)))
        made.append(maker.candidate(free[i], done + 1))
    return Produced(
        width=known.width, height=known.height, duration_s=known.duration_s, fps=known.fps, codec=known.codec,
        hdr=known.hdr, keyframes=found.keyframes, n_shots=len(found.shots), n_looked=len(found.times_us),
        n_close=len(looked), n_alike=len(looked) - len(kept),
        n_poor=len(kept) - len(good), n_text=len(good) - len(free),
        text_checked=maker.text_checked, n_faults=found.faults.n, fault_us=found.faults.first_us,
        took_s=time.monotonic() - began, candidates=made,
    )  # fmt: skip


def _close(video: Video, found: Pass, n: int, limits: Limits, progress: Report) -> list[Frame]:
    """Look closely at all promising frames.

    Raises
    ------
    InputError
        The video has no frame, or none that shows anything.
    """
    if not found.shots:
        raise InputError(
            f"{video.path}: no frame can be decoded, expected a video. Fetch or export it again."
        )
    wanted = promising(found, n)
    looked: list[Frame] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda one: close_look(video, found, one, limits), wanted)
        for done, frame in enumerate(results, 1):
            looked += [frame] if frame is not None else []
            progress("frames", SHARES["shots"] + SHARES["frames"] * done / len(wanted))
    if not looked:
        raise InputError(
            f"{video.path}: no frame shows more than one colour, expected pictures. Nothing was written."
        )
    return looked


class Maker:
    """Turns frames into images, with what the operator gave: a face model, a title, a font.

    Parameters
    ----------
    work : Path
        Folder that the images are written to.
    """

    def __init__(self, config: ExtractConfig, work: Path) -> None:
        self.config = config
        self.work = work
        self.font = TitleFont(Path(config.font) if config.font else None)
        if config.title_text:
            self.font.check(config.title_text)
        self.find_faces: Finder | None = face_finder(Path(config.face_model)) if config.face_model else None
        self._reads = text_finder()

    @property
    def text_checked(self) -> bool:
        """Whether a text recogniser is there."""
        return self._reads is not None

    def shows_text(self, picture: Picture) -> bool:
        """Whether a frame is known to show text."""
        return self._reads is not None and self._reads(picture)

    def candidate(self, frame: Frame, number: int) -> Candidate:
        """Crop a frame to all aspect ratios and write the images."""
        faces = self.find_faces(frame.picture) if self.find_faces else []
        important = crops.importance(frame.saliency, faces)
        images = [self._image(frame, number, aspect, important, faces) for aspect in self.config.aspects]
        preview = f"{number:02d}-frame.preview.webp"
        _save_small(to_image(frame.picture), self.work / preview)
        measures = asdict(frame.quality)
        measures.pop("flat")
        return Candidate(
            source_frame_us=frame.at_us,
            shot=frame.shot,
            score=frame.quality.score,
            measures=measures,
            n_faces=len(faces) if self.find_faces else None,
            preview=preview,
            images=images,
        )

    def _image(self, frame: Frame, number: int, aspect: str, important: Map, faces: list[Box]) -> Made:
        from PIL import Image

        config = self.config
        height, width = frame.picture.shape[:2]
        crop = crops.best_crop(important, aspect, width, height)
        part = cut(frame.picture, crop)
        inside = [face for face in faces if crops.holds(crop, face)]
        text = True if config.title_text else (False if self.text_checked else None)
        tags = measured_tags(part, n_faces=len(inside) if self.find_faces else None, text=text)
        image = to_image(part).resize(_size(aspect, part), Image.Resampling.LANCZOS)
        contrast = 0.0
        if config.title_text:
            treated = draw_title(image, config.title_text, self.font, cut_map(important, crop))
            image, contrast = treated.image, treated.contrast
        name = f"{number:02d}-{aspect.replace(':', 'x')}"
        file, preview = f"{name}.{config.format}", f"{name}.preview.webp"
        image.save(self.work / file, quality=QUALITY[config.format], **SAVE[config.format])
        _save_small(image, self.work / preview)
        return Made(file, preview, aspect, image.width, image.height, tags, crop, contrast)


def _size(aspect: str, part: Picture) -> tuple[int, int]:
    """Width and height to write: exactly of the aspect ratio as far as whole pixels go, never enlarged."""
    width, height = SIZES[aspect]
    share = min(1.0, part.shape[1] / width, part.shape[0] / height)
    return max(1, round(width * share)), max(1, round(height * share))


def _save_small(image: Image.Image, path: Path) -> None:
    small = image.copy()
    small.thumbnail((PREVIEW, PREVIEW))
    small.save(path, quality=78, method=2)
