"""What becomes of pixels, in the process that scales; needs the extra `artwork`."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from matinee.serve import images_process
from matinee.serve.images_process import ScalingError, ScalingProcess
from matinee.serve.images_worker import scaled

Image = pytest.importorskip("PIL.Image", reason="the extra artwork is not installed")


def made(mode: str, size: tuple[int, int], kind: str = "PNG", **options: object) -> bytes:
    """Noise, so that a smaller copy has fewer bytes; left half and right half differ."""
    noise = Image.effect_noise(size, 60)
    left = noise.crop((0, 0, size[0] // 2, size[1])).point(lambda value: value // 4)
    noise.paste(left, (0, 0))
    out = io.BytesIO()
    noise.convert(mode).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> tuple[str, tuple[int, int], str]:
    with Image.open(io.BytesIO(data)) as image:
        return image.format, image.size, image.mode


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"),
        ("L", "PNG"),
        ("P", "GIF"),
        ("1", "PNG"),
        ("CMYK", "JPEG"),
        ("RGB", "JPEG"),
        ("RGB", "WEBP"),
    ],
)
def test_every_kind_of_image_comes_as_webp_in_the_width_and_shape(mode: str, kind: str) -> None:
    assert opened(scaled(made(mode, (1000, 600), kind), 240)) == ("WEBP", (240, 144), "RGB")


def test_transparency_stays() -> None:
    clear, out = Image.effect_noise((600, 600), 60).convert("RGB"), io.BytesIO()
    clear.putalpha(Image.linear_gradient("L").resize((600, 600)))
    clear.save(out, "PNG")
    with Image.open(io.BytesIO(scaled(out.getvalue(), 240))) as image:
        assert image.mode == "RGBA"
        assert image.getpixel((120, 0))[3] < 10 < 245 < image.getpixel((120, 239))[3]


def test_sixteen_bits_become_eight_without_being_cut_off() -> None:
    wide = Image.effect_noise((600, 600), 60).convert("I").point(lambda value: value * 200).convert("I;16")
    out = io.BytesIO()
    wide.save(out, "PNG")
    with Image.open(io.BytesIO(scaled(out.getvalue(), 240))) as image:
        low, high = image.convert("L").getextrema()
    assert 20 < low < high < 220


def test_an_image_that_is_no_wider_is_left_alone() -> None:
    data = made("RGB", (320, 480))
    assert scaled(data, 320) == b""
    assert scaled(data, 480) == b""


def test_a_copy_with_more_bytes_than_the_image_is_not_used() -> None:
    noise = made("RGB", (1000, 600), "WEBP", quality=1)
    assert scaled(noise, 960) == b""


def test_an_image_is_turned_as_its_camera_says_and_nothing_else_of_its_notes_stays() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "the name of a person"
    found = scaled(made("RGB", (800, 400), "JPEG", exif=exif), 240)
    assert opened(found)[1] == (240, 480)
    assert b"the name of a person" not in found
    with Image.open(io.BytesIO(found)) as image:
        upper, lower = image.crop((0, 0, 240, 240)), image.crop((0, 240, 240, 480))
        assert upper.convert("L").resize((1, 1)).getpixel((0, 0)) < lower.convert("L").resize(
            (1, 1)
        ).getpixel((0, 0))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def process() -> Iterator[ScalingProcess]:
    with closing(ScalingProcess()) as found:
        yield found


def test_the_process_scales_refuses_and_goes_on(process: ScalingProcess, tmp_path: Path) -> None:
    good, cut, huge, text = (tmp_path / name for name in ("good.png", "cut.png", "huge.png", "text.png"))
    good.write_bytes(made("RGB", (800, 400)))
    cut.write_bytes(good.read_bytes()[:20_000])
    huge.write_bytes(bomb(60_000, 60_000))
    text.write_bytes(b"no image")
    for bad in (cut, huge, text, tmp_path / "missing.png"):
        assert process.scale(bad, 320) == b""
    assert opened(process.scale(good, 320)) == ("WEBP", (320, 160), "RGB")


def test_a_process_that_dies_is_told_and_started_again(
    process: ScalingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good with a space.png"
    good.write_bytes(made("RGB", (800, 400)))
    monkeypatch.setattr(images_process, "WORKER", "matinee.serve.no_such_worker")
    with pytest.raises(ScalingError, match="did not answer"):
        process.scale(good, 320)
    monkeypatch.undo()
    assert process.scale(good, 320)


def test_a_process_with_nothing_to_do_ends(
    process: ScalingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_process, "IDLE_S", 0.05)
    good = tmp_path / "good.png"
    good.write_bytes(made("RGB", (800, 400)))
    assert process.scale(good, 320)
    until = time.monotonic() + 10
    while process._process is not None:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.scale(good, 240)
