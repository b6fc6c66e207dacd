"""Frames of a video, by the ffmpeg that imageio-ffmpeg brings. Runs in the limited process only.

Every call allows one reader (the container's), files only (no network, no playlists), and frames up to the
limit, which the decoder checks itself: a header may lie.
"""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from matinee.errors import InputError, MissingExtraError
from matinee.initiatives.artwork.candidates.config import Limits
from matinee.initiatives.artwork.candidates.containers import DEMUXERS, container
from matinee.initiatives.artwork.candidates.picture import Picture

DURATION = re.compile(r"Duration: (\d+):(\d+):(\d+(?:\.\d+)?)")
STREAM = re.compile(r"Stream #0:(\d+).*?: Video: (\w+)(.*)")
SIZE = re.compile(r"[ ,](\d{1,6})x(\d{1,6})[ ,]")
OVER = re.compile(r"Picture size (\d+)x(\d+) exceeds")
SAR = re.compile(r"SAR (\d+):(\d+)")
FPS = re.compile(r"([\d.]+)(k?) fps")
ROTATION = re.compile(r"rotation of (-?[\d.]+) degrees")
HDR = ("smpte2084", "arib-std-b67")
SHOWN = re.compile(r"Parsed_showinfo.*?\bn:\s*(\d+)\b.*?pts_time:\s*(-?[\d.e+-]+)")
LEAST_SIDE, LEAST_DURATION_S = 64, 0.2
CUT_OFF = ("partial file", "File ended prematurely", "Truncat", "truncat")
TOO_LARGE = ("Picture size", "max_pixels")
"""In ffmpeg's words: the file ends early; a frame is larger than the header said and than is allowed."""
GENERAL = ("At least one", "Conversion", "frame=", "Error opening", "Error while", "Invalid data found")
"""Starts of lines of ffmpeg that say no more than that something went wrong."""
FAULT = "[error]"
"""Before what ffmpeg could not read."""
TAIL = 30
"""Lines of ffmpeg's words that are kept for a message."""


@dataclass(slots=True)
class Faults:
    """What ffmpeg could not read of a video.

    Attributes
    ----------
    n : int
        Its complaints; a fault has one or several.
    first_us : int or None
        Time of the last frame before the first of them.
    """

    n: int = 0
    first_us: int | None = None

    def add(self, at_us: int) -> None:
        """One more, after the frame of this time."""
        self.n += 1
        self.first_us = at_us if self.first_us is None else self.first_us


@dataclass(frozen=True, slots=True)
class Video:
    """What the header says.

    Attributes
    ----------
    width, height : int
        As shown: turned upright, with square pixels.
    duration_s, fps : float
        Length, and frames a second as declared.
    hdr : bool
        Its transfer curve is PQ or HLG; frames are taken as they are, and look flat.
    """

    path: Path
    reader: str
    width: int
    height: int
    duration_s: float
    fps: float
    codec: str
    hdr: bool


def program() -> str:
    """Path of ffmpeg.

    Raises
    ------
    MissingExtraError
        imageio-ffmpeg is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError:
        raise MissingExtraError("matinee artwork extract (imageio-ffmpeg)", "artwork") from None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def probe(path: Path, limits: Limits) -> Video:
    """Read the header of a video.

    Raises
    ------
    InputError
        Unreadable, without pictures or length, or beyond the limits.
    """
    reader = DEMUXERS[container(path)]
    ran = subprocess.run(
        [program(), "-hide_banner", "-nostdin", *_guarded(reader, limits), "-i", str(path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    said = ran.stderr.decode("utf-8", "replace")
    streams = [line for line in said.split("\n") if "Video:" in line and "attached pic" not in line]
    found = next((match for line in streams if (match := STREAM.search(line))), None)
    if found is None:
        if "Audio:" in said:
            raise InputError(
                f"{path}: has sound and no pictures, expected a video. Give the file with pictures."
            )
        raise InputError(f"{path}: cannot be read as a video: {_last(said, path)}. Fetch or export it again.")
    width, height = _size(found[3], said, path, limits)
    fps = FPS.search(found[3])
    return Video(
        path=path,
        reader=reader,
        width=width,
        height=height,
        duration_s=_duration(said, path, limits),
        fps=float(fps[1]) * (1000 if fps[2] else 1) if fps and float(fps[1]) > 0 else 25.0,
        codec=found[2],
        hdr=any(curve in found[3] for curve in HDR),
    )


def frames(
    video: Video,
    limits: Limits,
    *,
    size: tuple[int, int],
    keyframes: bool = False,
    start_us: int = 0,
    length_us: int | None = None,
    faults: Faults | None = None,
) -> Iterator[tuple[int, Picture]]:
    """Decode frames, each with its time.

    Parameters
    ----------
    size : (int, int)
        Width and height to scale to, in pixels.
    keyframes : bool
        Decode only frames that depend on no other: some ten times faster.
    start_us, length_us : int
        Part of the video; None: to its end.
    faults : Faults, optional
        Is told what could not be read. Decoders put something like the pictures around it in its place.

    Yields
    ------
    (int, ndarray of uint8, shape (height, width, 3))
        Microseconds from the start of the video; blue, green, red.

    Raises
    ------
    InputError
        ffmpeg ended with an error before the first frame, or found a frame beyond `max_pixels`.
    """
    width, height = size
    seek = ["-ss", f"{start_us / 1e6:.6f}"] if start_us else []
    part = ["-t", f"{length_us / 1e6:.6f}"] if length_us is not None else []
    deinterlace = "" if keyframes else "yadif=deint=interlaced,"
    graph = f"{deinterlace}scale={width}:{height}:flags=area,setsar=1,showinfo=checksum=0"
    command = [
        program(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info", "-threads", "2",
        *_guarded(video.reader, limits),
        *(["-skip_frame", "nokey"] if keyframes else []), *seek, *part, "-i", str(video.path),
        "-map", "0:V:0", "-an", "-sn", "-dn", "-vf", graph, "-fps_mode", "passthrough",
        "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    shown: queue.Queue[int | None] = queue.Queue()
    tail: list[str] = []
    listener = threading.Thread(
        target=_listen, args=(process.stderr, shown, tail, faults or Faults()), daemon=True
    )
    listener.start()
    n = 0
    try:
        while (pixels := _read(process.stdout, width * height * 3)) is not None:
            at_us = shown.get()
            if at_us is None:
                break
            n += 1
            yield start_us + max(0, at_us), np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        listener.join()
        _check_end(video, process.wait(), n, tail)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
        listener.join()
        process.stderr.close()


def fitted(video: Video, *, width: int) -> tuple[int, int]:
    """Width and height of a frame that is at most `width` wide and not enlarged; both are even."""
    share = min(1.0, width / video.width)
    return max(2, round(video.width * share / 2) * 2), max(2, round(video.height * share / 2) * 2)


def _guarded(reader: str, limits: Limits) -> list[str]:
    return [
        "-protocol_whitelist", "file", "-format_whitelist", _family(reader), "-f", reader,
        "-max_pixels", str(limits.max_pixels), "-max_streams", "64",
    ]  # fmt: skip


def _family(reader: str) -> str:
    """Names under which ffmpeg lists a reader; the white list compares them with all of its names."""
    return {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}.get(reader, reader)


def _check_end(video: Video, code: int, n: int, tail: list[str]) -> None:
    """Refuse what ffmpeg complained of beyond a broken frame here and there."""
    if broken := [line for line in tail if any(word in line for word in CUT_OFF)]:
        raise InputError(
            f"{video.path}: is cut off: {_last(broken[0], video.path)}. Nothing was written. Fetch it again."
        )
    if (code and n == 0) or any(word in line for word in TOO_LARGE for line in tail):
        said = _last("\n".join(tail), video.path)
        raise InputError(f"{video.path}: cannot be decoded: {said}. Nothing was written. Export it again.")


def _read(stream: IO[bytes], n: int) -> bytes | None:
    pixels = stream.read(n)
    return pixels if len(pixels) == n else None


def _listen(stream: IO[bytes], shown: queue.Queue[int | None], tail: list[str], faults: Faults) -> None:
    last_us = 0
    for raw in stream:
        line = raw.decode("utf-8", "replace").rstrip()
        if match := SHOWN.search(line):
            last_us = round(float(match[2]) * 1e6)
            shown.put(last_us)
        elif "showinfo" not in line:
            del tail[:-TAIL]
            tail.append(line)
            if FAULT in line:
                faults.add(max(0, last_us))
    shown.put(None)


def _size(words: str, said: str, path: Path, limits: Limits) -> tuple[int, int]:
    found = OVER.search(said) or SIZE.search(words + ",")
    if found is None or "0" in (found[1], found[2]):
        raise InputError(f"{path}: its pictures have no size, expected a video. Export it again.")
    width, height = int(found[1]), int(found[2])
    if width * height > limits.max_pixels:
        raise InputError(
            f"{path}: frames are {width} x {height} pixels, expected at most {limits.max_pixels:,} pixels. "
            "Nothing was decoded. Scale it down if it is a film."
        )
    sar = SAR.search(words)
    if sar and int(sar[2]) and 0.2 < int(sar[1]) / int(sar[2]) < 5:
        width = round(width * int(sar[1]) / int(sar[2]))
    turned = ROTATION.search(said)
    if turned and round(abs(float(turned[1]))) % 180 == 90:
        width, height = height, width
    if min(width, height) < LEAST_SIDE:
        raise InputError(
            f"{path}: frames are {width} x {height} pixels, expected {LEAST_SIDE} or more each way."
        )
    return width, height


def _duration(said: str, path: Path, limits: Limits) -> float:
    found = DURATION.search(said)
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0
    if seconds < LEAST_DURATION_S:
        raise InputError(f"{path}: lasts {seconds:g} s, expected {LEAST_DURATION_S:g} s or more of pictures.")
    if seconds > limits.max_duration_s:
        raise InputError(
            f"{path}: lasts {seconds / 3600:.1f} h, expected at most {limits.max_duration_s / 3600:g} h. "
            "Cut it first."
        )
    return seconds


def _last(said: str, path: Path) -> str:
    """The last of ffmpeg's words that say something, without its own prefixes."""
    lines = [re.sub(r"^(\[[^\]]*\]\s*)+", "", line).strip() for line in said.split("\n")]
    told = [line for line in lines if line and not line.startswith(GENERAL)]
    last = told[-1] if told else "no reason given"
    return last.replace(f"{path}: ", "").replace("Error opening input file ", "").rstrip(".")
