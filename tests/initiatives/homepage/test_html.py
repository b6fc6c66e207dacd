from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.errors import InputError, StorageError
from matinee.initiatives.homepage.html import ALPHABET, Watched, write_html
from matinee.initiatives.homepage.packing import Picture
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE, Page, Row, Tile
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import parse_at

AT_US = parse_at("1998-04-23T00:00:00Z")


def catalogue() -> Catalogue:
    return Catalogue.from_rows(
        [
            {"title_id": "a", "name": "</script><b>A & B</b>", "genres": ["Drama"], "runtime_s": 5400},
            {"title_id": "b", "name": "Été", "genres": ["Drama", "War"], "release_us": AT_US, "maturity": 12},
            {"title_id": "c", "name": "Never shown"},
        ]
    )


def pages() -> list[Page]:
    tiles = [Tile(1, 1, "b", "Because you watched <i>A</i>"), Tile(2, 0, "a", "Top", 0.25, explored=True)]
    full = Page("m1", AT_US, [Row(1, "top_picks", "discover", "Top picks for you", tiles)])
    return [full, Page("m<2>", AT_US, [], reason=NO_ELIGIBLE_TITLE)]


def data_of(html: str) -> dict[str, list]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def numbers(text: str) -> list[int]:
    base = len(ALPHABET)
    found = [ALPHABET.index(c) for c in text]
    return [(a * base + b) * base + c for a, b, c in zip(found[::3], found[1::3], found[2::3], strict=True)]


def test_every_tile_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "homepage.html"
    size = write_html(path, pages(), catalogue(), watched={"m1": Watched(3, [0])})
    data = data_of(path.read_text(encoding="utf-8"))
    assert size == path.stat().st_size
    assert [title[0] for title in data["titles"]] == ["</script><b>A & B</b>", "Été"]
    assert data["titles"][1] == ["Été", 1998, [0, 1], 0, 12, 0]
    member, empty = data["members"]
    assert member[:2] == ["m1", 3]
    assert numbers(member[2]) == [0]
    kind, reason, titles, reasons, images, explored = member[3][0]
    assert images == ""
    assert data["kinds"][kind] == ["top_picks", "discover"]
    assert data["texts"][reason] == "Top picks for you"
    assert [data["titles"][t][0] for t in numbers(titles)] == ["Été", "</script><b>A & B</b>"]
    assert [data["texts"][t] for t in numbers(reasons)] == ["Because you watched <i>A</i>", "Top"]
    assert explored == {"1": 0.25}
    assert empty == ["m<2>", 0, "", [], NO_ELIGIBLE_TITLE]


def test_the_file_stands_alone_and_runs_no_foreign_text(tmp_path: Path) -> None:
    path = tmp_path / "homepage.html"
    write_html(path, pages(), catalogue(), heading="<Shop>", notes=["a < b"])
    html = path.read_text(encoding="utf-8")
    assert html.count("</script>") == 2  # the data and the program: none from a title
    assert "&lt;Shop&gt;" in html
    assert "a &lt; b" in html
    assert "default-src 'none'" in html
    assert not re.search(r'(src|href)="?(https?:)?//', html)


def test_histories_may_arrive_with_their_pages(tmp_path: Path) -> None:
    path = tmp_path / "homepage.html"
    watched: dict[str, Watched] = {}

    def passing() -> Iterator[Page]:
        for page in pages():
            watched[page.member_id] = Watched(7, [2])
            yield page

    write_html(path, passing(), catalogue(), watched=watched)
    assert [member[1] for member in data_of(path.read_text(encoding="utf-8"))["members"]] == [7, 7]


def test_long_pages_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "homepage.html"
    write_html(path, pages(), catalogue(), rows=1, cols=1)
    row = data_of(path.read_text(encoding="utf-8"))["members"][0][3][0]
    assert len(numbers(row[2])) == 1
    assert len(row) == 5  # the explored tile was cut away


def test_no_pages_and_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 pages were given"):
        write_html(tmp_path / "x.html", [], catalogue())
    with pytest.raises(StorageError, match="could not be written"):
        write_html(tmp_path / "missing" / "x.html", pages(), catalogue())
    assert list(tmp_path.iterdir()) == []


def test_images_are_packed_once_the_most_shown_first_and_only_those_that_may_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [
        Page(
            "m", AT_US, [Row(1, "k", "i", "r", [Tile(c, t, "ab"[t], "", artwork_id=a) for c, (t, a) in row])]
        )
        for row in (
            [(1, (0, "a1")), (2, (1, None))],
            [(1, (0, "a2")), (2, (1, "b1"))],
            [(1, (0, "a2")), (2, (1, "gone"))],
        )
    ]
    files = {"a1": b"<svg>1</svg>", "a2": b"<svg>22</svg>", "b1": b"RIFF"}

    def picture(one: str) -> Picture | None:
        return Picture("image/webp" if one == "b1" else "image/svg+xml", files[one]) if one in files else None

    path = tmp_path / "x.html"
    write_html(path, shown, catalogue(), picture=picture)
    data = data_of(path.read_text(encoding="utf-8"))
    found = data["images"]
    assert (found["sizes"], found["types"]) == ([12, 13, 4, 0], ["image/svg+xml", "image/webp"])
    assert zlib.decompress(base64.b64decode(found["bytes"])) == b"<svg>1</svg><svg>22</svg>RIFF"
    assert found["type_of"] == [0, 0, 1, 0]
    assert [numbers(member[3][0][4]) for member in data["members"]] == [[1, 0], [2, 3], [2, 4]]
    assert [title[5] for title in data["titles"]] == [2, 3]
    monkeypatch.setattr("matinee.initiatives.homepage.packing.MAX_BYTES", 4)
    write_html(path, shown, catalogue(), picture=picture)
    assert data_of(path.read_text(encoding="utf-8"))["images"]["sizes"] == [0, 13, 0, 0]
