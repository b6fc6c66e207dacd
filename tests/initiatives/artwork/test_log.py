"""What the log says of images: which could have stood there, and which one a play came of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.observe.catalogue.test_artwork import image
from tests.observe.catalogue.test_clearance_watch import put

from matinee.initiatives.artwork.assets import load_images
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.log import ImageLog, read_image_log
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.observe.decision_log import decision_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.platform.initiative import Reward
from matinee.platform.outcomes.join import join
from matinee.platform.outcomes.rule import FromPlays
from matinee.types import DAY_US, HOUR_US

START = 1_730_000_000_000_000
NOW = START + 3 * DAY_US
CONFIG = ArtworkConfig(pages="page", min_impressions=100)
TITLES = "\n".join(
    [
        "title_id,kind,series_id,season,episode,runtime_s",
        "t1,film,,,,6000",
        "s1,series,,,,",
        "e1,episode,s1,1,1,1500",
    ]
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "home")
    (tmp_path / "titles.csv").write_text(TITLES, encoding="utf-8")
    run_import(home, "titles", tmp_path / "titles.csv")
    return home


class Log:
    """Writes a closed segment."""

    def __init__(self, home: Home) -> None:
        self.home, self.lines = home, []

    def page(self, decision_id: str, at_us: int, *slots: Slot, member: str = "m1", **more: Any) -> Log:
        context = {"artwork_model": "v7", "territory": "NL"} | more.pop("context", {})
        record = DecisionRecord(
            decision_id, "page", member, at_us, "page@1", "v1", list(slots), context=context, **more
        )
        self.lines.append(decision_line(record, at_us, len(self.lines), member))
        return self

    def event(self, kind: str, title_id: str, at_us: int, decision_id: str, **more: Any) -> Log:
        line = {"type": kind, "event_id": f"e{len(self.lines)}", "member_id": "m1", "title_id": title_id}
        line |= {"at_us": at_us, "seen_us": at_us, "seq": len(self.lines), "decision_id": decision_id}
        self.lines.append(json.dumps(line | more).encode() + b"\n")
        return self

    def seen(self, title_id: str, decision_id: str, at_us: int = START + 1, **place: Any) -> Log:
        return self.event("impression", title_id, at_us, decision_id, **place)

    def play(self, title_id: str, decision_id: str, at_us: int = START + HOUR_US, **place: Any) -> Log:
        return self.event("play", title_id, at_us, decision_id, watch_s=5_000.0, **place)

    def read(self) -> ImageLog:
        (self.home.log / "1-a-0001.ndjson").write_bytes(b"".join(self.lines))
        return read_image_log(self.home, NOW, CONFIG)


def tile(
    title_id: str, artwork_id: str, n: int, *, row: int = 1, col: int = 1, p: float | None = None
) -> Slot:
    return Slot(title_id, 1.0, row, col, artwork_id=artwork_id, artwork_propensity=p or 1 / n, artwork_n=n)


def images(home: Home, *facts: dict[str, Any]) -> None:
    put(home, *facts, from_us=START - DAY_US)


def cleared(artwork_id: str, title_id: str = "t1", **facts: Any) -> dict[str, Any]:
    return image(artwork_id, title_id, approved_us=START - DAY_US, aspect="2:3", **facts)


def could(home: Home, log: ImageLog) -> list[list[str]]:
    art = load_images(home, NOW)
    ids = np.array(art.artwork_ids.tolist())
    first = {title: int(art.indptr[i]) for i, title in enumerate(art.titles.tolist())}
    return [
        ids[first[title] + np.flatnonzero(mask)].tolist()
        for title, mask in zip(log.title_id.tolist(), log.could(art), strict=True)
    ]


def test_images_that_could_have_stood_there_are_those_cleared_then_and_there(home: Home) -> None:
    images(
        home, cleared("a"), cleared("b"), cleared("late", start_us=START + 100),
        cleared("de", territories=["DE"]), cleared("waits") | {"approved_by": None},
        cleared("wide") | {"aspect": "16:9"},
    )  # fmt: skip
    put(home, cleared("b", withdrawn_us=START + 50), from_us=START + 50)
    put(home, cleared("a", territories=["NL"]) | {"approved_us": START + 70}, from_us=START + 70)
    log = Log(home)
    for k, (at_us, where, n) in enumerate(
        [(START, "NL", 2), (START + 60, "DE", 2), (START + 110, "NL", 2), (START + 110, "DE", 9)]
    ):
        log.page(f"d{k}", at_us, tile("t1", "a", n), context={"territory": where})
        log.seen("t1", f"d{k}", at_us + 1)
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(log.lines))
    found = read_image_log(home, NOW, ArtworkConfig(pages="page", aspect="2:3"))
    assert could(home, found) == [["a", "b"], ["a", "de"], ["a", "late"], []]


def test_images_that_were_registered_after_their_pages_count_as_all_of_the_title(home: Home) -> None:
    put(home, image("a", "t1", approved_us=NOW), image("b", "t1", approved_us=NOW), from_us=NOW - 1)
    log = Log(home).page("d1", START, tile("t1", "a", 2)).seen("t1", "d1").read()
    assert could(home, log) == [["a", "b"]]


def test_titles_with_images_that_wait_teach_the_evidence_too(home: Home) -> None:
    """Else a single candidate that nobody approved would keep a title out of all that is proven."""
    images(home, cleared("a"), cleared("b"), cleared("waits") | {"approved_by": None})
    log = Log(home)
    for k in range(40):
        log.page(f"d{k}", START + k, tile("t1", "ab"[k % 2], 2), member=f"m{k}")
        for kind in ("impression", "play"):
            log.event(kind, "t1", START + 100 + k, f"d{k}", member_id=f"m{k}", watch_s=5_000.0)
    found, art = log.read(), load_images(home, NOW)
    tastes = type("Tastes", (), {"genres": ()})()
    model = ArtworkModel.fit(found, art, tastes, CONFIG)
    assert model.learner.evidence.n_plays > 20


@pytest.mark.parametrize("joined", [False, True])
def test_a_play_is_of_the_image_that_was_on_show_when_it_came(home: Home, joined: bool) -> None:
    images(home, cleared("a"), cleared("b"), cleared("s", "s1"), cleared("z", "s1"))
    log = Log(home)
    for k, played_us in enumerate((START + 10, START + 30)):
        first, again = f"d{k}", f"g{k}"
        log.page(first, START + k, tile("t1", "a", 2), tile("s1", "s", 2, col=2))
        # the page is given out again, and the first image was withdrawn meanwhile
        log.page(again, START + 20, tile("t1", "b", 1, p=1.0), tile("s1", "s", 2, col=2), sticky_of=first)
        log.seen("t1", first, START + 5, row=1, col=1).seen("s1", first, START + 5, row=1, col=2)
        log.play("t1", again if k else first, played_us, row=1, col=1)
        log.play("e1", again, START + 40 + k, row=1, col=2)
    if joined:
        log.read()
        reward = Reward("quality plays", "plays", "as tested", 24, FromPlays())
        join(home, type("I", (), {"name": "page", "reward": reward})(), now_us=NOW)  # type: ignore[arg-type]
    found = log.read()
    assert list(zip(found.artwork_id.tolist(), found.plays.tolist(), strict=True)) == [
        ("a", 1.0), ("s", 1.0), ("a", 0.0), ("s", 1.0),
    ]  # fmt: skip


def test_an_event_goes_to_the_place_that_it_names_else_to_the_first_with_its_title(home: Home) -> None:
    images(home, cleared("a"), cleared("b"), cleared("s", "s1"), cleared("z", "s1"), cleared("e", "e1"))
    log = Log(home).page(
        "d1", START, tile("s1", "s", 2), tile("e1", "z", 2, col=2), tile("t1", "a", 2, row=2),
        tile("t1", "b", 2, row=3),
    )  # fmt: skip
    for col, title in ((1, "s1"), (2, "e1")):
        log.seen(title, "d1", row=1, col=col)
    log.seen("t1", "d1", row=2, col=1).seen("t1", "d1", row=3, col=1)
    log.play("e1", "d1").play("t1", "d1", row=3, col=1).play("t1", "d1", member_id="somebody else")
    found = log.read()
    assert dict(zip(found.artwork_id.tolist(), found.plays.tolist(), strict=True)) == {
        "s": 0.0, "z": 1.0, "a": 0.0, "b": 1.0,
    }  # fmt: skip


def test_events_that_name_a_page_by_its_further_rows_are_found(home: Home) -> None:
    images(home, cleared("a"), cleared("b"), cleared("s", "s1"), cleared("z", "s1"))
    log = Log(home).page("d1", START, tile("s1", "s", 2))
    log.page("d2", START + 1, tile("t1", "a", 2, row=2), context={"continues": "d1"})
    found = log.seen("t1", "d1", START + 5).play("t1", "d1").read()
    assert (found.artwork_id.tolist(), found.plays.tolist()) == (["a"], [1.0])
