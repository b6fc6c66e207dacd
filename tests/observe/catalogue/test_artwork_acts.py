"""Approving and withdrawing are versions of the facts; each names who, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.observe.catalogue.test_artwork import image
from tests.observe.catalogue.test_clearance_watch import put

from matinee.errors import InputError, NotFoundError
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_acts import approve, withdraw
from matinee.observe.catalogue.artwork_listing import listing, told
from matinee.observe.catalogue.clearance_watch import ClearanceWatch
from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path)
    bare = {"approved_by": None, "approved_us": None}
    put(home, image("a1", "t1", **bare), image("a2", "t1", **bare), image("b1", "t2"), from_us=1)
    return home


def cleared(home: Home, at_us: int, territory: str | None = None) -> list[str]:
    art = Artworks.load(home, at_us)
    return art.artwork_ids[art.cleared(at_us, territory)].tolist()


def test_an_approval_holds_from_its_moment_where_and_when_it_says(home: Home) -> None:
    done = approve(home, ["a1", "a1"], by=" Ada ", now_us=50, territories=["NL"], end_us=90)
    assert (done.images, done.titles, done.bare) == (["a1"], ["t1"], [])
    assert [cleared(home, at, "NL") for at in (49, 50, 90)] == [["b1"], ["a1", "b1"], ["b1"]]
    assert cleared(home, 60, "BE") == ["b1"]
    assert approve(home, ["a1"], by="Ada", now_us=60).already == ["a1"]
    assert read_manifest(home.lake).version == 2


def test_a_dry_run_writes_nothing(home: Home) -> None:
    before = read_manifest(home.lake)
    assert approve(home, ["a1"], by="Ada", now_us=50, dry_run=True).images == ["a1"]
    assert withdraw(home, ["b1"], why="x", by="Ada", now_us=50, dry_run=True).bare == ["t2"]
    assert read_manifest(home.lake) == before


def test_a_withdrawal_holds_at_once_and_says_which_titles_are_left_without_an_image(home: Home) -> None:
    approve(home, ["a1", "a2"], by="Ada", now_us=50)
    watch = ClearanceWatch(home, every_s=0)
    assert watch.current().cleared("a1", 60, None)
    done = withdraw(home, ["a1", "b1"], why="rights", by="Bob", now_us=60)
    assert (done.images, done.bare) == (["a1", "b1"], ["t2"])
    assert watch.current().withdrawn == {"a1", "b1"}
    assert [cleared(home, at) for at in (59, 60)] == [["a1", "a2", "b1"], ["a2"]]
    again = withdraw(home, ["a1"], why="other", by="Bob", now_us=70)
    assert (again.images, again.already) == ([], ["a1"])


def test_an_act_whose_clock_is_behind_still_counts(home: Home) -> None:
    approve(home, ["a1"], by="Ada", now_us=500)
    done = withdraw(home, ["a1"], why="rights", by="Bob", now_us=20)
    assert done.at_us == 500
    assert "a1" not in cleared(home, 500)


def test_what_was_withdrawn_is_approved_again_only_on_purpose(home: Home) -> None:
    withdraw(home, ["a1"], why="rights", by="Bob", now_us=60)
    with pytest.raises(
        InputError, match=r"artwork a1: was withdrawn on 1970-01-01T00:00:00Z \(rights\)\. Pass --again"
    ):
        approve(home, ["a2", "a1"], by="Ada", now_us=70)
    assert cleared(home, 70) == ["b1"]
    approve(home, ["a1"], by="Ada", now_us=70, again=True)
    assert cleared(home, 70) == ["a1", "b1"]


def test_bad_acts_are_named_and_change_nothing(home: Home, tmp_path: Path) -> None:
    before = read_manifest(home.lake)
    with pytest.raises(
        NotFoundError, match=r'unknown id "a11"\. Did you mean "a1"\? See them: matinee artwork list'
    ):
        approve(home, ["a1", "a11"], by="Ada", now_us=50)
    with pytest.raises(InputError, match="--by is empty"):
        approve(home, ["a1"], by=" ", now_us=50)
    with pytest.raises(InputError, match="--why is empty, expected the reason"):
        withdraw(home, ["a1"], why="", by="Ada", now_us=50)
    with pytest.raises(InputError, match=r"until is 1970-01-01T00:00:00Z, expected a time after 1970"):
        approve(home, ["a1"], by="Ada", now_us=50, start_us=9, end_us=9)
    assert read_manifest(home.lake) == before
    with pytest.raises(NotFoundError, match="No image is known: matinee import artwork"):
        withdraw(Home.create(tmp_path / "empty"), ["a1"], why="x", by="Ada", now_us=50)


def test_lists_say_what_may_be_shown_and_why_not(home: Home) -> None:
    approve(home, ["a1"], by="Ada", now_us=50, territories=["NL"])
    found = {one.artwork_id: one.said for one in listing(home, 60)}
    assert found == {"a1": "yes in NL", "a2": "no: not approved", "b1": "yes"}
    first = listing(home, 60, territory="BE", title_id="t1")[0]
    assert first.said == "no: not in this territory"
    assert [one.artwork_id for one in listing(home, 60, uncleared=True)] == ["a2"]
    with pytest.raises(NotFoundError, match='title "t9" has no image'):
        listing(home, 60, title_id="t9")


def test_everything_about_one_image_with_its_history(home: Home) -> None:
    approve(home, ["a1"], by="Ada", now_us=50, territories=["NL"])
    withdraw(home, ["a1"], why="rights", by="Bob", now_us=60)
    one = told(home, "a1", 60)
    assert (one.cleared, one.said) == (False, "no: withdrawn")
    assert [(change.from_us, change.changed) for change in one.history] == [
        (1, ["registered"]),
        (50, ["approved_by", "approved_us", "territories"]),
        (60, ["withdrawn_us", "withdrawn_by", "withdrawn_why"]),
    ]
    assert told(home, "a1", 55).said == "yes, in NL"
    with pytest.raises(NotFoundError, match=r'unknown id "a3"\. Did you mean "a2"\?|See them'):
        told(home, "a3", 60)
