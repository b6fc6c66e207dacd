"""The choice before there is any log: by what an image looks like and what the member watches."""

from __future__ import annotations

from collections import Counter

import pytest

from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.matching import KEEP, GenreMatch
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.platform.abilities import ChoosesArtwork
from matinee.platform.deciding import Request, Surroundings
from matinee.types import parse_at

TITLES = "title_id,name,kind,genres\n" + "".join(
    f"{kind}{i},{kind} {i},film,{genre}\n"
    for kind, genre in (("h", "Horror"), ("r", "Romance"), ("both", "Horror|Romance"))
    for i in range(12)
)
EVENTS = "member_id,title_id,at,event\n" + "".join(
    f"{member},{kind}{i},2024-11-01T{i:02d}:00:00Z,play\n"
    for member, kind in (("scared", "h"), ("soft", "r"))
    for i in range(12)
)
AT_US = parse_at("2024-11-02T00:00:00Z")


@pytest.fixture(scope="module")
def chooser(tmp_path_factory: pytest.TempPathFactory) -> GenreMatch:
    folder = tmp_path_factory.mktemp("matching")
    home = Home.create(folder / "home")
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    images = folder / "images"
    images.mkdir()
    rows = ["artwork_id,title_id,file,aspect,tags,is_default,approved_by"]
    for i in range(12):
        for number, cue in enumerate(("horror", "romance")):
            name = f"both{i}-{cue}"
            text = f'<rect width="200" height="300" fill="#{i:02x}{number:02x}00"/>'
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="300">{text}</svg>'
            (images / f"{name}.svg").write_text(svg, encoding="utf-8")
            rows.append(
                f"{name},both{i},{name}.svg,2:3,genre:{cue}|people:0,{number == 0},ada".replace("T", "t")
            )
    (images / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for kind, body in (("titles", TITLES), ("events", EVENTS)):
        file = folder / f"{kind}.csv"
        file.write_text(body, encoding="utf-8")
        run_import(home, kind, file)
    run_import(home, "artwork", images, clock=Clock.last_event(0))
    return GenreMatch.open(Surroundings(home, AT_US, ArtworkConfig(holdout=0.0, variety=0.0)))


WANTED = [f"both{i}" for i in range(12)]


def test_members_see_the_picture_of_what_they_watch(chooser: GenreMatch) -> None:
    assert isinstance(chooser, ChoosesArtwork)
    for member, cue, genre in (("scared", "horror", "Horror"), ("soft", "romance", "Romance")):
        found = chooser.choose_artwork(Request(member, AT_US), WANTED)
        assert Counter(str(one).rpartition("-")[2] for one in found.artwork_id).most_common(1)[0][0] == cue
        at = [i for i, one in enumerate(found.artwork_id) if str(one).endswith(cue)]
        said = f"chosen because you watch much {genre}: a picture that looks like {cue}"
        assert {found.why[i] for i in at} == {said}
        assert [found.propensity[i] for i in at] == pytest.approx([1 - KEEP / 2] * len(at), abs=0.01)


def test_nobody_knows_a_new_member_so_all_images_are_alike(chooser: GenreMatch) -> None:
    found = chooser.choose_artwork(Request("new", AT_US), [*WANTED, "h1"])
    assert set(found.propensity[:-1]) == {0.5}
    assert set(found.why) == {None}
    assert (found.artwork_id[-1], found.n[-1]) == (None, 0)


def test_a_member_keeps_an_image_and_one_title_has_one(chooser: GenreMatch) -> None:
    first = chooser.choose_artwork(Request("new", AT_US), WANTED)
    later = chooser.choose_artwork(Request("new", AT_US + 1_000_000, seed=7), [*WANTED, WANTED[0]])
    assert later.artwork_id == [*first.artwork_id, first.artwork_id[0]]
    assert later.propensity[-1] == 1.0
