from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from tests.world.posters.films import of_every_genre

from matinee.observe.catalogue.artwork_tags import TAGS
from matinee.world.posters.colour import PALETTES, SMALL_TEXT, contrast, luminance, readable
from matinee.world.posters.cues import CUES
from matinee.world.posters.draw import draw
from matinee.world.posters.layouts import LAYOUTS
from matinee.world.posters.lettering import VOICES

SVG = "{http://www.w3.org/2000/svg}"


def test_contrast_has_the_published_values() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#0000ff", "#ffffff") == pytest.approx(8.59, abs=0.005)
    assert luminance("#ff0000") == pytest.approx(0.2126)


@pytest.mark.parametrize("name", PALETTES)
def test_type_can_be_read_on_ink(name: str) -> None:
    palette = PALETTES[name]
    assert contrast(palette.ink, palette.paper) >= SMALL_TEXT
    assert palette.feel in TAGS["colour"]
    assert contrast(palette.accent, palette.ink) >= 1.6, "what is drawn in accent must be seen on ink"


def test_type_of_every_poster_can_be_read_on_what_is_behind_it() -> None:
    for title in of_every_genre():
        for variant in LAYOUTS:
            svg = draw(title, variant=variant).svg
            texts = list(ElementTree.fromstring(svg).iter(f"{SVG}text"))
            inks = {palette.ink for palette in PALETTES.values()}
            grounds = [colour for colour in re.findall(r'fill="(#[0-9a-f]{6})"', svg) if colour in inks]
            if variant == "framed":
                grounds = re.findall(r'fill="(#[0-9a-f]{6})"', svg)[:1]
            for text in texts:
                assert contrast(text.get("fill", ""), grounds[0]) >= SMALL_TEXT, (title.title_id, variant)


def test_something_readable_is_always_found() -> None:
    assert readable("#808080", ["#7f7f7f"]) in ("#ffffff", "#000000")


def test_cues_name_what_there_is() -> None:
    for name, cue in CUES.items():
        assert set(cue.palettes) <= set(PALETTES), name
        assert set(cue.voices) <= set(VOICES), name
        assert cue.emotion in TAGS["emotion"], name
        assert cue.genre is None or cue.genre in TAGS["genre"], name
        assert {setting for _, setting in cue.scenes} <= set(TAGS["setting"]), name
