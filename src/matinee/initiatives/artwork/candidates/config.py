"""What is wanted from a video, and how far untrusted media may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matinee.errors import ConfigError, unknown_name

Format = Literal["webp", "avif"]
SIZES: dict[str, tuple[int, int]] = {
    "2:3": (1000, 1500),
    "16:9": (1920, 1080),
    "1:1": (1080, 1080),
    "4:3": (1440, 1080),
}
"""Aspect ratio -> largest width and height written, in pixels. A crop is made smaller, never larger."""
FORMATS = ("webp", "avif")
LONGEST_TITLE = 120
"""Characters of a title treatment."""
MOST = 60
"""Candidates of one run: more than a person looks at."""


@dataclass(frozen=True, slots=True)
class ExtractConfig:
    """What to make.

    Attributes
    ----------
    n : int, 1 to 60
        Frames chosen; each is cropped to every aspect ratio. Fewer where the video has fewer that differ.
    aspects : tuple of str
        Of "2:3", "16:9", "1:1", "4:3".
    format : "webp" or "avif"
        Of the images.
    title_text : str
        Drawn on the images; empty for images without text.
    language : str
        BCP 47 tag of the title's text, such as "en" or "pt-BR"; needed with `title_text`.
    font : str
        TrueType or OpenType file of the title; empty: the font that Pillow brings, which has Latin letters
        without accents only.
    face_model : str
        ONNX file for OpenCV's FaceDetectorYN; empty: no faces are looked for, and none are counted.
    passes : "auto", "all" or "keyframes"
        Frames read in the first pass. auto: all of a short clip, keyframes of a long one.
    """

    n: int = 12
    aspects: tuple[str, ...] = tuple(SIZES)
    format: Format = "webp"
    title_text: str = ""
    language: str = ""
    font: str = ""
    face_model: str = ""
    passes: Literal["auto", "all", "keyframes"] = "auto"

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MOST:
            raise ConfigError(f"artwork: n is {self.n}, expected 1 to {MOST} candidates.")
        if not self.aspects:
            raise ConfigError(f"artwork: aspects is empty, expected some of {', '.join(SIZES)}.")
        for aspect in self.aspects:
            if aspect not in SIZES:
                raise ConfigError(unknown_name("artwork", "aspect ratio", aspect, SIZES))
        if len(set(self.aspects)) < len(self.aspects):
            raise ConfigError(f"artwork: aspects is {', '.join(self.aspects)}, expected each once.")
        if self.format not in FORMATS:
            raise ConfigError(unknown_name("artwork", "format", self.format, FORMATS))
        if len(self.title_text) > LONGEST_TITLE or any(not c.isprintable() for c in self.title_text):
            raise ConfigError(
                f"artwork: title_text has {len(self.title_text)} characters, expected at most "
                f"{LONGEST_TITLE}, on one line and printable. Lines are broken where they balance."
            )
        if self.title_text and not self.title_text.strip():
            raise ConfigError("artwork: title_text is blank, expected words. Leave it out for no text.")
        if bool(self.title_text) != bool(self.language):
            raise ConfigError(
                f'artwork: title_text is "{self.title_text}" and language is "{self.language}", expected '
                "both or none. Say which language the text is in, such as --language en."
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the process goes that decodes a video; it is killed beyond.

    Attributes
    ----------
    wall_s, cpu_s : float
        Seconds of the whole extraction, and of computing of each process in it.
    memory_mb : int
        Address space of each process.
    file_mb : int
        Size of any file that is written.
    max_pixels : int
        Of one frame; 35,389,440 is 8K DCI.
    max_duration_s : float
        Of the video.
    """

    wall_s: float = 1800.0
    cpu_s: float = 1800.0
    memory_mb: int = 4096
    file_mb: int = 64
    max_pixels: int = 8192 * 4320
    max_duration_s: float = 6 * 3600.0

    def __post_init__(self) -> None:
        for name in ("wall_s", "cpu_s", "memory_mb", "file_mb", "max_pixels", "max_duration_s"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"artwork: {name} is {value}, expected a number above 0.")
