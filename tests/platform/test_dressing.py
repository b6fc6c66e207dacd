"""Pages and their images, without a server."""

from __future__ import annotations

from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.clearance_watch import Standing
from matinee.observe.decisions import Slot
from matinee.platform.deciding import ArtworkChoices
from matinee.platform.dresser import reasons
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
