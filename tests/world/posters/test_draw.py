from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.world.posters.films import NAMES, film, of_every_genre

from matinee.errors import InputError
from matinee.observe.catalogue.artwork_files import look_at
from matinee.observe.catalogue.artwork_tags import SINGLE, unknown_tags
from matinee.world.posters.draw import BY_ASPECT, Drawn, draw, variants
from matinee.world.posters.layouts import LAYOUTS

SVG = "{http://www.w3.org/2000/svg}"


def all_of(title: object) -> list[Drawn]:
    return [draw(title, variant=name) for name in LAYOUTS]  # type: ignore[arg-type]


def tag(image: Drawn, kind: str) -> str | None:
    return next((one.partition(":")[2] for one in image.tags if one.startswith(f"{kind}:")), None)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_every_name_gives_an_image_that_the_importer_takes(name: str, tmp_path: Path) -> None:
    for image in all_of(film(name)):
        path = tmp_path / f"{image.variant}.svg"
        path.write_text(image.svg, encoding="utf-8")
        found = look_at(path)
        assert (found.format, found.width_px, found.height_px) == ("svg", image.width_px, image.height_px)
        assert found.fits(image.aspect)


def test_names_are_text_and_never_markup() -> None:
    image = draw(film('<script>alert("x")</script> & Sons'), variant="type")
    root = ElementTree.fromstring(image.svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "g", "path", "circle", "ellipse", "text", "tspan", "linearGradient", "stop",
        "clipPath",
    }  # fmt: skip
    assert root.findtext(f"{SVG}title") == '<script>alert("x")</script> & Sons'
    said = "".join(span.text or "" for span in root.iter(f"{SVG}tspan"))
    assert said.replace("-", "").startswith("<script>alert")


def test_the_same_title_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "from tests.world.posters.films import film\nfrom matinee.world.posters.draw import variants\n"
        "import sys; sys.stdout.buffer.write(''.join(v.svg for v in variants(film(), 6)).encode())"
    )
    here = "".join(one.svg for one in variants(film(), 6))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.decode() == here


def test_variants_differ_and_so_do_titles_and_seeds() -> None:
    for title in of_every_genre():
        images = all_of(title)
        assert len({one.svg for one in images}) == len(LAYOUTS)
        assert len({one.tags for one in images}) >= 4, title.title_id
    assert draw(film(title_id="a")) != draw(film(title_id="b"))
    assert draw(film(), seed=1) != draw(film())


def test_ids_stay_apart_when_many_stand_in_one_page() -> None:
    titles = [film(title_id=f"t{i}") for i in range(40)]
    found = [
        name for one in titles for image in all_of(one) for name in re.findall(r'id="([^"]+)"', image.svg)
    ]
    assert len(found) == len(set(found)) > 100
    for image in all_of(titles[0]):
        used = set(re.findall(r"url\(#([^)]+)\)", image.svg))
        assert used == set(re.findall(r'id="([^"]+)"', image.svg))


def test_tags_are_of_the_vocabulary_and_true() -> None:
    for title in of_every_genre():
        for image in all_of(title):
            assert unknown_tags(image.tags) == []
            assert all(tag(image, kind) is not None for kind in ("people", "emotion", "setting", "colour"))
            assert all(sum(one.startswith(f"{kind}:") for one in image.tags) <= 1 for kind in SINGLE)
            assert (tag(image, "text") == "yes") == ("<text" in image.svg) == (image.language == "und")
            assert (tag(image, "emotion") == "none") == (tag(image, "people") == "0")
    people = {image.variant: tag(image, "people") for image in all_of(film(genres=("Romance",)))}
    assert people["scene"] == people["still"] == "0"
    assert (people["faces"], people["company"]) == ("2", "3+")


def test_only_genres_that_the_title_has_are_shown() -> None:
    shown = {tag(image, "genre") for image in all_of(film(genres=("Crime", "Sci-Fi", "Nonsense")))}
    assert shown == {"crime", "science-fiction"}
    assert {tag(image, "genre") for image in all_of(film(genres=()))} == {None}


@pytest.mark.parametrize(
    ("genres", "maturity"),
    [
        (("Horror", "Children's"), 6),
        (("Horror",), 0),
        (("Thriller", "Animation"), 3),
        (("Crime", "Family"), None),
    ],
)
def test_children_get_no_fright(genres: tuple[str, ...], maturity: int | None) -> None:
    for seed in range(5):
        for variant in LAYOUTS:
            image = draw(film(genres=genres, maturity=maturity), variant=variant, seed=seed)
            assert tag(image, "genre") in (None, "children", "animation")
            assert tag(image, "colour") != "dark"
            assert tag(image, "emotion") not in ("fear", "anger", "sad")


def test_grown_ups_do() -> None:
    image = draw(film(genres=("Horror",), maturity=16), variant="faces")
    assert {"genre:horror", "emotion:fear"} <= set(image.tags)


def test_images_are_small() -> None:
    sizes = [len(image.svg.encode()) for title in of_every_genre() for image in all_of(title)]
    assert statistics.median(sizes) < 4000
    assert max(sizes) < 8000


def test_what_cannot_be_drawn_is_named() -> None:
    with pytest.raises(InputError, match=r'unknown variant "scenes"\. Did you mean "scene"'):
        draw(film(), variant="scenes")
    with pytest.raises(InputError, match="n is 7, expected 1 to 6 for aspect 2:3"):
        variants(film(), 7)
    with pytest.raises(InputError, match='unknown aspect "9:16"'):
        variants(film(), aspect="9:16")
    assert [len(names) for names in BY_ASPECT.values()] == [6, 2]
