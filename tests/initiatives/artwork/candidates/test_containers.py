from __future__ import annotations

import os
from pathlib import Path

import pytest

from matinee.errors import InputError, NotFoundError
from matinee.initiatives.artwork.candidates.containers import container

MP4 = b"\0\0\0\x20ftypisom" + b"\0" * 64
MKV = b"\x1a\x45\xdf\xa3" + b"\0" * 64
TS = (b"\x47" + b"\0" * 187) * 5


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("a.mp4", MP4, "MP4"),
        ("a.MOV", MP4, "MP4"),
        ("a.webm", MKV, "Matroska"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "AVI"),
        ("a.ts", TS, "MPEG-TS"),
        ("a.m2ts", b"".join(b"\0\0\0\0" + TS[:188] for _ in range(5)), "MPEG-TS"),
        ("a.mpg", b"\0\0\x01\xba" + b"\0" * 20, "MPEG-PS"),
    ],
)
def test_first_bytes_tell_the_container(tmp_path: Path, name: str, data: bytes, wanted: str) -> None:
    assert container(written(tmp_path, name, data)) == wanted


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("poster.jpg", b"\xff\xd8\xff", 'ends in ".jpg", expected a video: .mp4'),
        ("a.mp4", b"", "has no bytes"),
        ("a.mp4", b"%PDF-1.7 and so on", "holds no video that is known, expected MP4"),
        ("a.mp4", MKV, "holds Matroska, expected MP4 as its name says. Rename it to a.mkv"),
        ("a.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "holds no video that is known"),
        ("a.mkv", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "holds no video that is known, expected Matroska"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError) as problem:
        container(written(tmp_path, name, data))
    assert said in str(problem.value)
    assert name in str(problem.value)


def test_missing_folder_and_pipe(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        container(tmp_path / "no.mp4")
    with pytest.raises(InputError, match="is no regular file"):
        container(tmp_path)
    os.mkfifo(tmp_path / "p.mp4")
    with pytest.raises(InputError, match="is no regular file"):  # it would hang
        container(tmp_path / "p.mp4")
