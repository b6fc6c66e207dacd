"""The first pass and the close look, on films written by the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.initiatives.artwork.candidates.clips import black, ffmpeg, one_colour, scene, shaken, write_clip

from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.ffmpeg import fitted, frames, probe
from matinee.initiatives.artwork.candidates.frames import close_look, first_pass, promising

pytest.importorskip("cv2", reason="the extra artwork is not installed")
pytest.importorskip("imageio_ffmpeg", reason="the extra artwork is not installed")
LIMITS = Limits()


def nothing(_share: float) -> None:
    return None


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Black, a shot, black, a shot, one colour, a shot: cuts at 20, 50, 70, 110, 130."""
    parts = [
        black(20),
        shaken(scene(1), 30),
        black(20),
        shaken(scene(2), 40),
        one_colour(20),
        shaken(scene(3), 35),
    ]
    return write_clip(tmp_path_factory.mktemp("film") / "film.mp4", [one for part in parts for one in part])


def test_the_header_is_read(film: Path) -> None:
    video = probe(film, LIMITS)
    assert (video.width, video.height, video.fps, video.codec) == (320, 180, 25.0, "h264")
    assert video.duration_s == pytest.approx(165 / 25, abs=0.05)
    assert fitted(video, width=256) == (256, 144)


def test_frames_come_with_their_times(film: Path) -> None:
    video = probe(film, LIMITS)
    times = [at for at, _ in frames(video, LIMITS, size=(64, 36))]
    assert times == [40_000 * i for i in range(165)]
    part = [at for at, _ in frames(video, LIMITS, size=(64, 36), start_us=2_000_000, length_us=200_000)]
    assert part[0] == pytest.approx(2_000_000, abs=1)
    assert len(part) == 5


def test_shots_are_found_and_black_or_flat_frames_are_never_promising(film: Path) -> None:
    video = probe(film, LIMITS)
    found = first_pass(video, ExtractConfig(), LIMITS, nothing)
    starts = [shot.start_us // 40_000 for shot in found.shots]
    assert starts == pytest.approx([0, 20, 50, 70, 110, 130], abs=2)
    wanted = promising(found, 12)
    numbers = [found.times_us[i] // 40_000 for _, i in wanted]
    assert {shot for shot, _ in wanted} == {1, 3, 5}
    assert all(20 <= i < 50 or 70 <= i < 110 or i >= 130 for i in numbers)
    looked = [close_look(video, found, one, LIMITS) for one in wanted]
    assert all(frame is not None and not frame.quality.flat for frame in looked)


def test_bars_are_cut_off(tmp_path: Path) -> None:
    boxed = []
    for picture in shaken(scene(7), 30):
        out = np.zeros_like(picture)
        out[24:156] = picture[24:156]
        boxed.append(out)
    video = probe(write_clip(tmp_path / "boxed.mp4", boxed), LIMITS)
    found = first_pass(video, ExtractConfig(), LIMITS, nothing)
    frame = close_look(video, found, promising(found, 1)[0], LIMITS)
    assert frame is not None
    assert frame.picture.shape[1] == 320
    assert 124 <= frame.picture.shape[0] <= 132


def test_portrait_turned_and_stretched_pixels_are_shown_upright(tmp_path: Path, film: Path) -> None:
    ffmpeg("-i", film, "-t", "1", "-vf", "setsar=4/3", tmp_path / "wide.mp4")
    assert (probe(tmp_path / "wide.mp4", LIMITS).width, probe(tmp_path / "wide.mp4", LIMITS).height) == (
        427,
        180,
    )
    ffmpeg("-display_rotation", "90", "-i", film, "-t", "1", "-c", "copy", tmp_path / "tall.mp4")
    tall = probe(tmp_path / "tall.mp4", LIMITS)
    assert (tall.width, tall.height) == (180, 320)
    _, picture = next(iter(frames(tall, LIMITS, size=(tall.width, tall.height))))
    assert picture.shape == (320, 180, 3)


def bad(folder: Path, film: Path, kind: str) -> Path:
    whole = film.read_bytes()
    path = folder / f"{kind}.mp4"
    match kind:
        case "no-index":  # the index of this file stands at its end
            path.write_bytes(whole[: len(whole) // 2])
        case "noise":
            path.write_bytes(whole[:32] + np.random.default_rng(0).bytes(20_000))
        case "sound":
            ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", path)
        case "short":
            write_clip(path, shaken(scene(1), 2))
        case "tiny":
            write_clip(path, [np.zeros((16, 16, 3), np.uint8)] * 25)
        case "long":
            ffmpeg("-i", film, "-c", "copy", "-bsf:v", "setts=ts=TS*20000", path)
        case "huge":
            path = folder / "huge.avi"
            source = "color=c=red:size=8000x9000:rate=5:duration=0.2"
            ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", path)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no-index", "cannot be read as a video: moov atom not found"),
        ("noise", "cannot be read as a video"),
        ("sound", "has sound and no pictures"),
        ("short", "lasts 0.08 s, expected 0.2 s or more"),
        ("tiny", "frames are 16 x 16 pixels, expected 64 or more"),
        ("long", "expected at most 6 h"),
        ("huge", "frames are 8000 x 9000 pixels, expected at most 35,389,440 pixels"),
    ],
)
def test_bad_videos_are_named(tmp_path: Path, film: Path, kind: str, said: str) -> None:
    path = bad(tmp_path, film, kind)
    with pytest.raises(InputError) as problem:
        probe(path, LIMITS)
    assert said in str(problem.value)
    assert path.name in str(problem.value)


def test_a_video_that_is_cut_off_behind_its_header_is_named(tmp_path: Path, film: Path) -> None:
    ffmpeg("-i", film, "-c", "copy", "-movflags", "faststart", tmp_path / "whole.mp4")
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(0.6 * len(data))])
    with pytest.raises(InputError, match=r"cut\.mp4: (is cut off|its pictures end)"):
        first_pass(probe(tmp_path / "cut.mp4", LIMITS), ExtractConfig(), LIMITS, nothing)


def test_frames_larger_than_the_header_says_are_not_decoded(tmp_path: Path, film: Path) -> None:
    video = probe(film, LIMITS)
    with pytest.raises(InputError, match="cannot be decoded"):
        list(frames(video, Limits(max_pixels=10_000), size=(64, 36)))


def test_a_playlist_behind_a_videos_name_opens_no_other_file(tmp_path: Path, film: Path) -> None:
    script = tmp_path / "list.mp4"
    script.write_bytes(b"\0\0\0\x18ftyp" + f"\n#EXTM3U\n#EXTINF:1,\n{film}\n".encode())
    with pytest.raises(InputError, match="cannot be read as a video"):
        probe(script, LIMITS)
