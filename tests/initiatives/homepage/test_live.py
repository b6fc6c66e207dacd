"""From events in a home to the page: what a member began, put aside or thumbed down is seen there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_services import titles_of

from matinee.initiatives.homepage import live as live_file
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.initiatives.homepage.members import LakeMembers, Past
from matinee.initiatives.homepage.model import HomepageModel
from matinee.initiatives.homepage.page import MemberState, Page, TitleState
from matinee.initiatives.homepage.scoring import with_scores
from matinee.learn.models.popularity import PopularityScorer
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play, Signal
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.log import LogWriter
from matinee.types import Scores, parse_at

AT_US = parse_at("2024-11-10T00:00:00Z")
TITLES = """title_id,name,kind,series_id,season,episode,runtime_s,genres
s,The Series,series,,,,,Crime
s1e2,Two,episode,s,1,2,3000,
s1e1,One,episode,s,1,1,3000,
""" + "".join(f"t{i},Film {i},film,,,,6000,{('Crime', 'Comedy', 'Drama')[i % 3]}\n" for i in range(60))
EVENTS = """member_id,title_id,at,event,watch_s,signal
m,t5,2024-11-01T20:00:00Z,play,6000,
m,t1,2024-11-07T20:00:00Z,play,3000,
m,s1e1,2024-11-08T20:00:00Z,play,2950,
m,t2,2024-11-08T21:00:00Z,signal,,list_add
m,t3,2024-11-08T22:00:00Z,signal,,thumb_down
plain,t5,2024-11-01T20:00:00Z,play,6000,
plain,t1,2024-11-07T20:00:00Z,play,6000,
plain,s1e1,2024-11-08T20:00:00Z,play,100,
"""


class FakeScoring:
    """Finds t0 likeliest, then t1, ..."""

    def __init__(self, catalogue: Catalogue) -> None:
        scores = [0.9 ** int(t[1:]) if t[0] == "t" else 1e-3 for t in catalogue.title_ids]
        self.scores_of_all = np.array(scores, np.float32) / np.float32(sum(scores))

        self.n_titles = len(catalogue)

    def scores(self, pasts: Sequence[Past], _asked_us: int) -> tuple[Scores, Scores]:
        same = np.stack([self.scores_of_all] * len(pasts))
        return same, same

    def states(self, pasts: Sequence[Past], _asked_us: int) -> list[MemberState]:
        return [with_scores(past, self.scores_of_all, self.scores_of_all) for past in pasts]


class FakeModel(HomepageModel):
    """Knows histories; its scores are fixed."""

    @staticmethod
    def of(_trained: object, catalogue: Catalogue, members: LakeMembers) -> FakeModel:
        popularity = PopularityScorer().fit(members.interactions)
        return FakeModel(None, catalogue, popularity, members, FakeScoring(catalogue))  # type: ignore[arg-type]

    def title_state(self, _at_us: int) -> TitleState:
        return titles_of(self.catalogue)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home.create(tmp_path / "home")
    for kind, text in (("titles", TITLES), ("events", EVENTS), ("members", "member_id,kids\nlisted,false\n")):
        (tmp_path / f"{kind}.csv").write_text(text)
        run_import(made, kind, tmp_path / f"{kind}.csv")
    monkeypatch.setattr(live_file.TrainedHomepage, "load", lambda folder: folder)
    monkeypatch.setattr(live_file, "HomepageModel", FakeModel)
    return made


def page_of(home: Home, member: str, at_us: int = AT_US) -> Page:
    config = PageConfig(explore_slots=0)
    live = LiveHomepage.of(home.releases, home, at_us, config=config)
    ((_, page),) = live.pages([member], rows=12, cols=12)
    return page


def row(page: Page, kind: str) -> list[tuple[str, str]]:
    return [(t.title_id, t.reason) for r in page.rows if r.kind == kind for t in r.tiles]


def discovered(page: Page) -> set[str]:
    return {tile.title_id for r in page.rows if r.intent == "discover" for tile in r.tiles}


def test_begun_titles_can_be_continued_and_a_series_with_its_next_episode(home: Home) -> None:
    page = page_of(home, "m")
    assert row(page, "continue_watching") == [("s1e2", "You have begun it"), ("t1", "50 % watched")]
    assert not {"s", "s1e2", "t1"} & discovered(page)
    assert row(page_of(home, "plain"), "continue_watching") == []


def test_the_list_is_a_row_and_what_was_thumbed_down_is_not_offered(home: Home) -> None:
    page, plain = page_of(home, "m"), page_of(home, "plain")
    assert row(page, "my_list") == [("t2", "On your list")]
    assert row(plain, "my_list") == []
    assert "t3" in discovered(plain)
    assert "t3" not in {tile.title_id for r in page.rows for tile in r.tiles}
    assert "t4" in discovered(page)


def test_the_open_log_counts_from_the_next_opening_on(home: Home) -> None:
    log = LogWriter(home.log, Clock("fixed", AT_US))
    at = "2024-11-09T20:00:00Z"
    log.append(
        [
            (Play(event_id="1", member_id="m", title_id="t1", at=at, watch_s=10, position_s=5990), AT_US),
            (Signal(event_id="2", member_id="m", title_id="t2", at=at, signal="list_remove"), AT_US),
            (Signal(event_id="3", member_id="m", title_id="t3", at=at, signal="thumb_up"), AT_US),
            (Signal(event_id="4", member_id="new", title_id="t9", at=at, signal="list_add"), AT_US),
        ]
    )
    log.close()
    page = page_of(home, "m")
    assert [t for t, _ in row(page, "continue_watching")] == ["s1e2"]
    assert row(page, "my_list") == []
    assert "t3" in discovered(page)
    assert row(page_of(home, "m", AT_US - 1), "my_list") == [("t2", "On your list")]
    live = LiveHomepage.of(home.releases, home, AT_US)
    assert live.member_ids == ["listed", "m", "new", "plain"]
    states = live.states(["new", "stranger"])
    assert [state.my_list.tolist() for state in states] == [
        np.flatnonzero(live.titles.catalogue.title_ids == "t9").tolist(),
        [],
    ]
