from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.world.posters.films import NAMES, film, of_every_genre

from matinee.world.posters.draw import draw
from matinee.world.posters.layouts import LAYOUTS
from matinee.world.posters.lettering import (
    CAP_SHARE,
    DESCENT,
    VOICES,
    breadth,
    plain,
    right_to_left,
    set_title,
    text_element,
)

SVG = "{http://www.w3.org/2000/svg}"
SAFE = 20.0


@pytest.mark.parametrize("variant", [name for name, layout in LAYOUTS.items() if layout.text])
def test_no_line_leaves_the_page_or_touches_another(variant: str) -> None:
    layout = LAYOUTS[variant]
    titles = [film(name, ("Drama", "Western", "Sci-Fi"), title_id=str(i)) for i, name in enumerate(NAMES)]
    for title in titles + of_every_genre():
        root = ElementTree.fromstring(draw(title, variant=variant).svg)
        bottoms: list[float] = []
        for text in root.iter(f"{SVG}text"):
            size = float(text.get("font-size", 0))
            spacing = float(text.get("letter-spacing", 0))
            for span in text:
                wide = float(span.get("textLength", 0)) - spacing
                x, y = float(span.get("x", 0)), float(span.get("y", 0))
                if text.get("text-anchor") == "middle":
                    left = x - spacing / 2 - wide / 2
                else:
                    left = x - wide if text.get("direction") == "rtl" else x
                assert left >= SAFE, (title.name, left)
                assert left + wide <= layout.width - SAFE, (title.name, left + wide)
                assert y - 0.7 * size >= 10, title.name
                assert y + 0.15 * size <= layout.height - 8, title.name
                assert all(y - 0.68 * size > before for before in bottoms[-1:]), title.name
                bottoms.append(y)


def test_whole_names_are_set() -> None:
    for name in NAMES:
        setting = set_title(plain(name), VOICES["friendly"], 340, 120, 74)
        said = "".join(line.text for line in setting.lines)
        bare = plain(name).replace(" ", "").replace("-", "")
        assert said.replace(" ", "").replace("-", "") == bare


def test_short_names_are_large_and_long_ones_can_be_read() -> None:
    voice = VOICES["poster"]
    sizes = [set_title(name, voice, 340, 140, 74).size for name in ("Up", "Taxi Driver", NAMES[6], NAMES[7])]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 74
    assert sizes[-1] > 16


def test_lines_are_even() -> None:
    setting = set_title("The Adventures of Priscilla, Queen of the Desert", VOICES["roman"], 340, 140, 74)
    widths = [line.width for line in setting.lines]
    assert len(widths) > 1
    assert min(widths) > 0.5 * max(widths)


def test_scripts_break_where_they_may() -> None:
    setting = set_title("千と千尋の神隠し、そして長い帰り道", VOICES["poster"], 200, 200, 90)
    assert len(setting.lines) > 1
    assert not any(line.text.startswith("、") for line in setting.lines)


def test_right_to_left_text_says_so() -> None:
    assert right_to_left("ואלס עם באשיר")
    setting = set_title("ואלס עם באשיר", VOICES["poster"], 340, 140, 74)
    element = text_element(setting, VOICES["poster"], 30, 0, "#fff", anchor="start")
    assert 'direction="rtl"' in element
    assert f'x="{30 + setting.width:.0f}"' in element


def test_accents_cost_no_width() -> None:
    voice = VOICES["roman"]
    assert breadth("été", voice) == pytest.approx(breadth("ete", voice))
    assert CAP_SHARE + DESCENT < 1.0
