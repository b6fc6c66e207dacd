"""Small films whose shots are known, drawn with numpy and written by ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 320, 180, 25
Frame = NDArray[np.uint8]


def scene(seed: int, *, width: int = WIDTH, height: int = HEIGHT) -> Frame:
    """A picture with a ground of its own colours and a few hard shapes (blue, green, red)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ground = rng.uniform(30, 150, 3) + rng.uniform(-40, 60, 3) * (x / width + y / height)[:, :, None]
    out = np.clip(ground + rng.normal(0, 4, (height, width, 1)), 0, 255).astype(np.uint8)
    for _ in range(7):
        left, top = rng.integers(0, width - 40), rng.integers(0, height - 30)
        out[top : top + rng.integers(12, 60), left : left + rng.integers(15, 80)] = rng.integers(0, 255, 3)
    return out


def shaken(picture: Frame, n: int, seed: int = 0) -> list[Frame]:
    """A shot: the same picture n times, moved by a pixel or two."""
    rng = np.random.default_rng(seed)
    return [np.roll(picture, tuple(rng.integers(-1, 2, 2)), axis=(0, 1)) for _ in range(n)]


def black(n: int) -> list[Frame]:
    return [np.full((HEIGHT, WIDTH, 3), 2, np.uint8)] * n


def one_colour(n: int) -> list[Frame]:
    return [np.full((HEIGHT, WIDTH, 3), (40, 90, 200), np.uint8)] * n


def ffmpeg(*words: object, given: bytes | None = None) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, words)]
    subprocess.run(command, input=given, check=True, capture_output=True)


def write_clip(path: Path, pictures: Iterable[Frame], *options: object) -> Path:
    """Write pictures as a film of 25 frames a second, nearly without loss."""
    frames = list(pictures)
    height, width = frames[0].shape[:2]
    ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", FPS, "-i", "pipe:0",
        *(options or ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p")),
        path, given=b"".join(frame.tobytes() for frame in frames),
    )  # fmt: skip
    return path
