"""Pages and their images, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.observe.catalogue.test_artwork import image
from tests.observe.catalogue.test_clearance_watch import put

from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.clearance_watch import Standing
from matinee.observe.decisions import Slot
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.platform.abilities import ArtworkChoices
from matinee.platform.dresser import FALLBACK, Dresser, reasons
from matinee.platform.dressing import Pictures, dress, looked_over, to_choose

ROWS = [
    {"artwork_id": f"{title}{i}", "title_id": title, "file": f"{title}{i}.svg", "aspect": ("2:3", "1:1")[i]}
    | {"approved_by": "ada", "approved_us": 5 + i, "territories": ["NL"] if title == "c" else []}
    for title in "abc"
    for i in range(2)
]
ART = Artworks.from_rows(ROWS)
PICTURES = Pictures.of(ART)
STANDING = Standing(1, {str(one): i for i, one in enumerate(ART.artwork_ids)}, ART.clearances, frozenset())
SLOTS = [Slot(title, 0.5, row=1, col=col) for col, title in enumerate("abcad", 1)]


def dressed(choices: ArtworkChoices | None, above: tuple[Slot, ...] = (), at_us: int = 9, where: str = "BE"):  # type: ignore[no-untyped-def]
    titles = to_choose(SLOTS, above)
    found = dress(SLOTS, titles, choices, PICTURES, STANDING, at_us=at_us, territory=where, above=above)
    return [(s.artwork_id, s.artwork_propensity, s.artwork_n) for s in found.slots], found.replaced


def test_default_images_are_certain_and_only_where_they_may_be_shown() -> None:
    nothing = (None, None, None)
    shown, replaced = dressed(None)
    assert shown == [("a0", 1.0, 1), ("b0", 1.0, 1), nothing, ("a0", 1.0, 1), nothing]
    assert replaced == 0
    assert dressed(None, where="NL")[0][2] == ("c0", 1.0, 1)
    assert dressed(None, at_us=4)[0] == [nothing] * 5


def test_a_choice_stands_where_it_may_be_shown_and_is_certain_the_second_time() -> None:
    choices = ArtworkChoices("p", ["a1", None, "c1", None], [0.2, 1.0, 0.3, 1.0], [2, 0, 2, 0], [None] * 4)
    shown, replaced = dressed(choices)
    assert shown[0] == ("a1", 0.2, 2)
    assert shown[3] == ("a1", 1.0, 2)
    assert (shown[1], shown[2]) == (("b0", 1.0, 1), (None, None, None))
    assert replaced == 1


def test_a_title_keeps_the_image_that_it_has_above() -> None:
    above = (Slot("a", 1.0, artwork_id="a1"), Slot("c", 1.0, artwork_id="c1"))
    assert to_choose(SLOTS, above) == ["b", "d"]
    shown, _ = dressed(None, above)
    assert shown[0] == ("a1", 1.0, 1)
    assert shown[2] == (None, None, None)


def test_the_last_look_leaves_what_may_be_shown_alone() -> None:
    good = [Slot("a", 1.0, artwork_id="a1", artwork_propensity=0.3, artwork_n=2)]
    assert looked_over(good, PICTURES, STANDING, at_us=9, territory=None).slots == good
    found = looked_over(good, PICTURES, STANDING, at_us=5, territory=None)
    assert (found.slots[0].artwork_id, found.slots[0].artwork_propensity, found.replaced) == ("a0", 1.0, 1)


def test_the_shape_of_default_images() -> None:
    square = Pictures.of(ART, aspect="1:1")
    assert square.defaults(STANDING, 9, None) == {"a": "a1", "b": "b1"}


def test_each_image_has_a_sentence() -> None:
    choices = ArtworkChoices("p", ["a1", None], [0.2, 1.0], [2, 0], ["chosen because you smile", None])
    slots = [Slot("a", 1.0, artwork_id="a1", artwork_n=2), Slot("b", 1.0, artwork_id="b0"), Slot("d", 1.0)]
    said = reasons(slots, ["a", "b"], choices, "")
    assert [one.why for one in said.values()] == [
        "chosen because you smile",
        "the default image",
        "no image of the title may be shown",
    ]


SERIES = Pictures.of(ART, series_of={"a-e1": "a", "a-e2": "a", "c-e1": "c", "b": "a", "x-e1": "x"})


def test_an_episode_without_an_image_has_that_of_its_series() -> None:
    slots = [Slot("a-e1", 0.5, row=1, col=1), Slot("b", 0.5, row=1, col=2), Slot("x-e1", 0.5, row=1, col=3)]
    slots += [Slot("a", 0.5, row=2, col=1), Slot("c-e1", 0.5, row=2, col=2), Slot("a-e2", 0.5, row=2, col=3)]
    assert to_choose(slots, pictures=SERIES) == ["a", "b", "x-e1", "c"]
    choices = ArtworkChoices("p", ["a1", "b1", None, None], [0.2, 0.4, 1.0, 1.0], [2, 2, 0, 0], [None] * 4)

    def shown(choices: ArtworkChoices | None, titles: list[str], **more: Any) -> list[tuple[Any, ...]]:
        found = dress(slots, titles, choices, SERIES, STANDING, at_us=9, territory="BE", **more)
        return [(s.artwork_id, s.artwork_propensity) for s in found.slots]

    nothing = (None, None)
    page = [("a1", 0.2), ("b1", 0.4), nothing, ("a1", 1.0), nothing, ("a1", 1.0)]
    assert shown(choices, ["a", "b", "x-e1", "c"]) == page
    each = ArtworkChoices(  # whoever asks about episodes by their own ids is answered alike
        "p", ["a1", "b1", None, "a1", None, "a1"], [0.2, 0.4, 1, 1, 1, 1], [2, 2, 0, 2, 0, 2], [None] * 6
    )  # fmt: skip
    assert shown(each, to_choose(slots)) == page
    assert shown(None, [])[0] == ("a0", 1.0)
    above = (Slot("a-e9", 1.0), Slot("a", 1.0, artwork_id="a1"))
    assert shown(None, [], above=above)[0] == ("a1", 1.0)
    assert to_choose(slots, above, SERIES) == ["b", "x-e1", "c"]


def test_an_episode_whose_own_images_may_not_be_shown_has_that_of_its_series() -> None:
    slots = [Slot("c", 1.0, row=1, col=1, artwork_id="c0", artwork_propensity=0.5, artwork_n=2)]
    pictures = Pictures.of(ART, series_of={"c": "a"})
    assert dress(slots, ["c"], None, pictures, STANDING, at_us=9, territory="BE").slots[0].artwork_id == "a0"
    assert looked_over(slots, pictures, STANDING, at_us=9, territory="BE").slots[0].artwork_id == "a0"


def test_the_sentence_of_an_episode_is_that_of_its_series() -> None:
    choices = ArtworkChoices("p", ["a1"], [0.2], [2], ["chosen because you smile"])
    slots = [Slot("a-e1", 1.0, artwork_id="a1", artwork_n=2)]
    assert reasons(slots, ["a"], choices, "", SERIES)["a-e1"].why == "chosen because you smile"


def test_series_are_read_with_the_images(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    (tmp_path / "titles.csv").write_text(
        "title_id,kind,series_id\ns1,series,\ne1,episode,s1\ne2,episode,s2\n"
    )
    run_import(home, "titles", tmp_path / "titles.csv")
    put(home, image("x", "s1"), from_us=1)
    assert Pictures.load(home).series_of == {"e1": "s1"}


def test_a_version_is_asked_for_and_one_that_is_gone_leaves_the_default_images(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    put(home, image("a1", "a"), from_us=1)
    plain = Dresser.open(home, "artwork", 20, version=FALLBACK)
    assert plain is not None
    assert plain.chooser is not None
    gone = Dresser.open(home, "artwork", 20, version="19980422T000000Z-gone")
    assert gone is not None
    assert gone.chooser is None
    slots, told = gone.dressed("m", [Slot("a", 1.0, 1, 1)], {}, None)
    assert slots[0].artwork_id == "a1"
    assert "19980422T000000Z-gone" in told["a"].why


def test_pages_follow_the_clearance_while_they_are_made(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    put(home, image("a1", "a"), image("b1", "b", territories=["BE", "NL"]), image("c1", "c"), from_us=1)
    dresser = Dresser.open(home, "nobody", 20)
    assert dresser is not None
    assert dresser.watch is not None
    slots = [Slot(title, 1.0, 1, col) for col, title in enumerate("abc", 1)]
    first, _ = dresser.dressed("m", slots, {}, "BE")
    assert [slot.artwork_id for slot in first] == ["a1", "b1", "c1"]
    assert dresser.gone(["a1", "b1", "c1"]) == set()
    put(home, image("a1", "a", withdrawn_us=30), image("b1", "b", territories=["NL"]), from_us=30)
    assert dresser.gone(["a1", "b1", "c1", "unknown"]) == {"a1", "b1", "unknown"}
    second, _ = dresser.dressed("m", slots, {}, "BE")
    assert [slot.artwork_id for slot in second] == [None, None, "c1"]
