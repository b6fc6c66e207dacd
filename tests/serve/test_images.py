"""Scaled images: made once for all who ask at the same time, kept within bounds, else the file as it is."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.home import Home
from matinee.serve import images
from matinee.serve.images import Images
from matinee.serve.images_kept import LEAST_BYTES, KeptImages
from matinee.serve.images_process import ScalingError, ScalingProcess

Scale = Callable[[Path, int], bytes]


@contextmanager
def opened(home: Path, scale: Scale) -> Iterator[Images]:
    with closing(Images(Home(home), scale)) as found:
        yield found


def picture(home: Path, name: str = "abc.png") -> Path:
    path = home / name
    path.write_bytes(b"original")
    return path


def test_an_image_is_made_once_and_then_found_also_by_another_process(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def scale(file: Path, width: int) -> bytes:
        asked.append((file.name, width))
        return b"small %d" % width

    path = picture(tmp_path)
    with opened(tmp_path, scale) as one:
        first = asyncio.run(one.sized(path, 320))
        assert (first.path.read_bytes(), first.path.suffix, first.lasting) == (b"small 320", ".webp", True)
        assert asyncio.run(one.sized(path, 160)).path.read_bytes() == b"small 160"
    with opened(tmp_path, scale) as other:
        assert asyncio.run(other.sized(path, 320)) == first
    assert asked == [("abc.png", 320), ("abc.png", 160)]
    assert all(path.name.startswith("abc.png-") for path in one.kept.folder.iterdir())


def test_what_many_ask_for_at_the_same_time_is_made_once_and_one_who_leaves_takes_it_from_nobody(
    tmp_path: Path,
) -> None:
    go = threading.Event()
    asked: list[int] = []

    def scale(_file: Path, width: int) -> bytes:
        asked.append(width)
        assert go.wait(10)
        return b"small"

    async def ask(found: Images) -> None:
        path = picture(tmp_path)
        tasks = [asyncio.create_task(found.sized(path, 320)) for _ in range(20)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        go.set()
        given = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(given[0], asyncio.CancelledError)
        assert {one.path.read_bytes() for one in given[1:] if not isinstance(one, BaseException)} == {
            b"small"
        }

    with opened(tmp_path, scale) as found:
        asyncio.run(ask(found))
    assert asked == [320]


def test_the_file_as_it_is_where_nothing_is_gained(tmp_path: Path) -> None:
    asked: list[str] = []

    def scale(file: Path, _width: int) -> bytes:
        asked.append(file.name)
        return b""

    drawn, path = picture(tmp_path, "abc.svg"), picture(tmp_path)
    with opened(tmp_path, scale) as found:
        for _ in range(3):
            assert asyncio.run(found.sized(drawn, 320)).path == drawn
            given = asyncio.run(found.sized(path, 320))
            assert (given.path, given.lasting) == (path, True)
    assert asked == ["abc.png"]


def test_without_the_extra_every_file_comes_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "find_spec", lambda _name: None)
    path = picture(tmp_path)
    with closing(Images(Home(tmp_path))) as found:
        given = asyncio.run(found.sized(path, 320))
    assert (given.path, given.lasting) == (path, True)
    assert not found.kept.folder.exists()


def test_a_failure_is_the_file_as_it_is_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def scale(_file: Path, width: int) -> bytes:
        asked.append(width)
        if len(asked) == 1:
            raise ScalingError("it took too long")
        return b"small"

    path = picture(tmp_path)
    with opened(tmp_path, scale) as found:
        for _ in range(3):
            given = asyncio.run(found.sized(path, 320))
            assert (given.path, given.lasting) == (path, False)
        assert asked == [320]
        monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + images.AGAIN_S)
        assert asyncio.run(found.sized(path, 320)).path.read_bytes() == b"small"


def test_too_many_that_wait_are_given_out_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_WAITING", 2)
    go = threading.Event()

    def scale(_file: Path, _width: int) -> bytes:
        assert go.wait(10)
        return b"small"

    async def ask(found: Images) -> list[bool]:
        path = picture(tmp_path)
        waiting = [asyncio.create_task(found.sized(path, width)) for width in (160, 240)]
        await asyncio.sleep(0)
        more = await found.sized(path, 320)
        go.set()
        return [more.lasting, *[one.lasting for one in await asyncio.gather(*waiting)]]

    with opened(tmp_path, scale) as found:
        assert asyncio.run(ask(found)) == [False, True, True]


def test_a_disk_that_takes_nothing_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    path = picture(tmp_path)
    with opened(tmp_path, lambda *_: b"small") as found:
        given = asyncio.run(found.sized(path, 320))
    assert (given.path, given.lasting) == (path, False)
    with pytest.raises(StorageError, match="could not be kept"):
        found.kept.put("abc.png", 320, b"small")


def test_the_folder_is_bounded_and_those_not_asked_for_longest_go_first(tmp_path: Path) -> None:
    kept = KeptImages(tmp_path / "kept", most_bytes=20 * LEAST_BYTES)
    for i in range(18):
        os.utime(kept.put(f"{i:02d}.png", 320, b"x"), (i, i))
    (tmp_path / "kept" / ".left.webp.1234").write_bytes(b"x")
    os.utime(tmp_path / "kept" / ".left.webp.1234", (0, 0))
    assert kept.find("00.png", 320) is not None
    for i in range(18, 30):
        kept.put(f"{i:02d}.png", 320, b"x")
    names = sorted(path.name for path in kept.folder.iterdir())
    assert len(names) <= 20
    assert "00.png-320.webp" in names
    assert "01.png-320.webp" not in names
    assert ".left.webp.1234" not in names
    assert "29.png-320.webp" in names
    assert kept.find("01.png", 320) is None


def test_a_process_that_was_closed_scales_nothing(tmp_path: Path) -> None:
    process = ScalingProcess()
    process.close()
    with pytest.raises(ScalingError, match="the server stops"):
        process.scale(picture(tmp_path), 320)
