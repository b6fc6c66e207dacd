from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from tests.initiatives.artwork.candidates.clips import scene

from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.config import SIZES
from matinee.initiatives.artwork.candidates.picture import to_image
from matinee.initiatives.artwork.candidates.title_treatment import (
    CONTRAST,
    SAFE,
    TitleFont,
    balanced,
    draw_title,
)

EVEN = np.full((90, 160), 1 / (90 * 160), np.float32)
LONG = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb"
TITLES = ["Up", "Heat", "The Man Who Fell to Earth", "Nebuchadnezzar", LONG, "1984 & after"]


def test_lines_are_balanced() -> None:
    assert balanced(["a", "b"], 1, [1, 1], 1) == ("a b",)
    words = ["once", "upon", "a", "time", "in", "the", "west"]
    lines = balanced(words, 2, [len(word) for word in words], 1)
    assert lines == ("once upon a", "time in the west") or max(map(len, lines)) <= 16


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("aspect", SIZES)
def test_titles_are_legible_inside_the_safe_area(title: str, aspect: str) -> None:
    pytest.importorskip("PIL", reason="the extra artwork is not installed")
    size = tuple(side // 3 for side in SIZES[aspect])
    bright = to_image(np.full((size[1], size[0], 3), 250, np.uint8))
    done = draw_title(bright, title, TitleFont(None), EVEN)
    assert " ".join(done.lines) == title
    assert done.contrast >= CONTRAST
    assert done.size_px >= 0.03 * min(size)
    white = np.asarray(done.image)[:, :, :].min(axis=2) > 248
    margin = int(SAFE * min(size)) - 2
    assert white.any()
    assert not white[-margin:].any()
    block = int(0.9 * done.size_px * 1.12 * len(done.lines))
    columns = np.flatnonzero(white[-margin - block : -margin].any(axis=0))
    assert columns.min() >= margin
    assert columns.max() < size[0] - margin


def test_the_title_leaves_what_matters_free() -> None:
    pytest.importorskip("PIL", reason="the extra artwork is not installed")
    at_bottom = np.full((90, 160), 1e-6, np.float32)
    at_bottom[70:] = 1
    picture = to_image(scene(1))
    assert draw_title(picture, "Heat", TitleFont(None), at_bottom / at_bottom.sum()).at_top
    assert not draw_title(picture, "Heat", TitleFont(None), EVEN).at_top


def test_a_font_that_lacks_letters_or_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="the extra artwork is not installed")
    TitleFont(None).check("Heat, 1995: what now?")
    with pytest.raises(InputError, match=re.escape('has no letter for "é日" of the title. Give --font FILE')):
        TitleFont(None).check("Café 日")
    (tmp_path / "x.ttf").write_bytes(b"no font")
    with pytest.raises(InputError, match="is no font"):
        TitleFont(tmp_path / "x.ttf").check("a")
