"""A page from a server's state is the page from the lake, and it follows the last event."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_services import titles_of
from test_live import FakeModel, FakeScoring

from matinee.errors import StorageError
from matinee.initiatives.homepage import live as live_file
from matinee.initiatives.homepage import serving as serving_file
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.initiatives.homepage.members import LakeMembers, StateMembers
from matinee.initiatives.homepage.popular import PopularHomepage
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.initiatives.homepage.trained import TrainedHomepage
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Event, Play, Signal, stored
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.reader import Moment
from matinee.observe.log import LogWriter
from matinee.observe.member_state import TitleTable, read_marks
from matinee.observe.members import Member
from matinee.observe.state.fold import apply
from matinee.observe.state.record import MemberRecord, Played
from matinee.platform.abilities import NamesActions, Precomputes, Refreshes
from matinee.platform.deciding import Request, Surroundings
from matinee.types import DAY_US, parse_at

AT_US = parse_at("2024-11-10T00:00:00Z")
TITLES = """title_id,name,kind,series_id,season,episode,runtime_s,genres,maturity
s,The Series,series,,,,,Crime,0
s1e2,Two,episode,s,1,2,3000,,0
s1e1,One,episode,s,1,1,3000,,0
s2e1,Three,episode,s,2,1,,,0
""" + "".join(
    f"t{i},Film {i},film,,,,{6000 if i % 7 else ''},{('Crime', 'Comedy', 'Drama')[i % 3]},{i % 19}\n"
    for i in range(60)
)
MEMBERS = "member_id,territory,maturity_max,kids\nm0,AT,16,false\nm1,,12,true\n"
NAMES = ["s", "s1e1", "s1e2", "s2e1", "gone", *(f"t{i}" for i in range(12))]


class FakeState:
    """A store in memory: lines of members folded into records, as a server does it."""

    def __init__(self, members: dict[str, Member]) -> None:
        self.records: dict[str, MemberRecord] = {}
        self.members = members
        self.broken = False

    def take(self, member_id: str, line: bytes) -> None:
        self.records[member_id] = apply(self.record(member_id), line)

    def record(self, member_id: str) -> MemberRecord:
        if self.broken:
            raise StorageError("state: not reachable")
        return self.records.get(member_id, MemberRecord())

    def member(self, member_id: str) -> Member | None:
        if self.broken:
            raise StorageError("state: not reachable")
        return self.members.get(member_id)


def random_events(rng: np.random.Generator, n: int) -> list[Event]:
    """Plays, thumbs and lists of three members; many at equal times, some without any watch time."""
    out: list[Event] = []
    for i in range(n):
        common = {
            "event_id": f"e{i}",
            "member_id": f"m{rng.integers(3)}",
            "title_id": str(rng.choice(NAMES)),
            "at": int(rng.integers(0, 200)) * -43_200 + AT_US // 1_000_000 - 1,
        }
        if rng.random() < 0.7:
            seconds = [None, 10, 150, 299, 300, 2699, 2700, 3000, 5400, 6000, 9000]
            pick = rng.integers(0, len(seconds), 2)
            where = None if rng.random() < 0.5 else str(rng.choice(["AT", "DE"]))
            out.append(Play(**common, watch_s=seconds[pick[0]], position_s=seconds[pick[1]], territory=where))
        else:
            words = ["thumb_up", "thumb_down", "list_add", "list_remove"]
            out.append(Signal(**common, signal=str(rng.choice(words))))  # type: ignore[arg-type]
    return out


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.create(tmp_path / "home")
    for kind, text in (("titles", TITLES), ("members", MEMBERS)):
        (tmp_path / f"{kind}.csv").write_text(text)
        run_import(made, kind, tmp_path / f"{kind}.csv")
    return made


def with_log(home: Home, seed: int, n: int = 150) -> FakeState:
    """Log random events, and fold the same lines, in another order, into a state."""
    rng = np.random.default_rng(seed)
    state = FakeState(load_members(home))
    log = LogWriter(home.log, Clock("fixed", AT_US))
    log.append([(event, int(event.at) * 1_000_000) for event in random_events(rng, n)])  # type: ignore[arg-type]
    log.close()
    (segment,) = home.log.iterdir()
    for line in rng.permutation(segment.read_bytes().splitlines(keepends=True)).tolist():
        state.take(msgspec.json.decode(line)["member_id"], bytes(line))
    return state


@pytest.mark.parametrize("seed", range(3))
def test_what_is_known_about_a_member_is_the_same_from_the_lake_and_from_a_state(home: Home, seed) -> None:
    state = with_log(home, seed)
    catalogue = load_catalogue(home, AT_US)
    plays = interactions_from_home(home, until_us=AT_US, catalogue=catalogue)
    marks = read_marks(home, catalogue, Moment(AT_US, AT_US))
    lake = LakeMembers(plays, load_members(home), marks)
    ours = StateMembers.on(catalogue, state)
    for one, other in zip(lake.of(["m0", "m1", "m2", "m9"], AT_US), ours.of(["m0", "m1", "m2", "m9"], AT_US),
                          strict=True):  # fmt: skip
        assert one.history.tolist() == other.history.tolist()
        assert one.history_at_us.tolist() == other.history_at_us.tolist()
        assert one.history_weight.tolist() == other.history_weight.tolist()
        assert one.limits == other.limits
        assert one.limits.located(one.last_territory) == other.limits.located(other.last_territory)
        for name in ("in_progress", "in_progress_share", "my_list", "disliked"):
            assert getattr(one.marks, name).tolist() == getattr(other.marks, name).tolist(), name


@pytest.fixture
def decider(home: Home, monkeypatch: pytest.MonkeyPatch) -> tuple[HomepageDecider, FakeState]:
    state = with_log(home, 7)
    monkeypatch.setattr(live_file.TrainedHomepage, "load", lambda _folder: bare())
    monkeypatch.setattr(serving_file.Scoring, "on", lambda catalogue, *_: FakeScoring(catalogue))
    monkeypatch.setattr(serving_file, "title_state", lambda _t, _s, catalogue, *_: titles_of(catalogue))
    around = Surroundings(home, AT_US, PageConfig(explore_slots=1, explore_row=1), members=state)
    return HomepageDecider.open(home.releases / "v1", around), state


def bare() -> TrainedHomepage:
    none = np.zeros((0, 3))
    return TrainedHomepage(
        none[:, 0].astype(object), None, None, PopularityScorer(), none, none, none,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_page_from_a_state_is_the_page_from_the_lake(home: Home, decider, monkeypatch) -> None:
    served, _ = decider
    config = PageConfig(explore_slots=1, explore_row=1)
    from_lake = HomepageDecider.open(home.releases / "v1", Surroundings(home, AT_US, config))
    monkeypatch.setattr(live_file, "HomepageModel", FakeModel)
    live = LiveHomepage.of(home.releases / "v1", home, AT_US, config=config)
    for member in ("m0", "m1", "m2", "stranger"):
        decided = served.decide(Request(member, AT_US, {"rows": 6, "cols": 10}))
        assert decided.slots == from_lake.decide(Request(member, AT_US, {"rows": 6, "cols": 10})).slots
        ((_, page),) = live.pages([member], rows=6, cols=10)
        assert [slot.action for slot in decided.slots] == [t.title_id for r in page.rows for t in r.tiles]
        assert [slot.propensity for slot in decided.slots] == [
            t.propensity for r in page.rows for t in r.tiles
        ]
        assert [note.reason for note in decided.rows] == [row.reason for row in page.rows]


def say(state: FakeState, member_id: str, seq: int, event: Event, at_us: int = AT_US) -> None:
    state.take(member_id, stored(event, at_us, at_us, seq))


def test_the_last_event_counts_at_once_also_on_a_page_made_ahead(decider) -> None:
    served, state = decider
    ((_, made),) = served.precompute(["fresh"])
    asked = Request("fresh", AT_US, {"rows": 6, "cols": 8})
    before = served.decide(asked)
    assert served.decide_from(made, asked) is not None
    shown = [slot.action for slot in before.slots if slot.row_kind == "popular"]
    begun, listed, bad = (t for t in shown if t in {f"t{i}" for i in range(60) if i % 7}), shown[3], shown[4]
    begun = next(t for t in begun if t not in {listed, bad})
    at = AT_US // 1_000_000
    for seq, event in enumerate(
        [
            Play(event_id="a", member_id="fresh", title_id=begun, at=at, watch_s=3000),
            Signal(event_id="b", member_id="fresh", title_id=listed, at=at, signal="list_add"),
            Signal(event_id="c", member_id="fresh", title_id=bad, at=at, signal="thumb_down"),
        ]
    ):
        say(state, "fresh", 1_000 + seq, event)
    for decided in (served.decide(asked), served.decide_from(made, asked)):
        rows = {note.kind: [s.action for s in decided.slots if s.row == note.row] for note in decided.rows}
        assert rows["continue_watching"] == [begun]
        assert rows["my_list"] == [listed]
        assert bad not in {slot.action for slot in decided.slots}
        assert begun not in {s.action for s in decided.slots if s.row_kind != "continue_watching"}
        assert [note.row for note in decided.rows] == list(range(1, len(decided.rows) + 1))


def test_a_page_made_ahead_is_of_no_use_to_another_model_or_catalogue(decider) -> None:
    served, _ = decider
    ((_, made),) = served.precompute(["m0"])
    asked = Request("m0", AT_US, {"rows": 3, "cols": 4})
    assert served.decide_from(made, asked) is not None
    served.model = "v2"
    assert served.decide_from(made, asked) is None
    served.model = "v1"
    served._service += 1
    assert served.decide_from(made, asked) is None
    assert served.decide_from(b"\xc1 not a page", asked) is None


def test_a_refreshed_decider_knows_new_titles_and_keeps_the_model(home: Home, decider, tmp_path) -> None:
    served, state = decider
    served.decide(Request("m0", AT_US))
    (tmp_path / "more.csv").write_text("title_id,name,kind,genres,maturity\nt99,The new one,film,Crime,0\n")
    run_import(home, "titles", tmp_path / "more.csv")
    later_us = AT_US + DAY_US
    fresh = served.refreshed(Surroundings(home, later_us, served.composer.config, members=state))
    assert len(fresh.composer.titles.catalogue) == len(served.composer.titles.catalogue) + 1
    assert fresh.trained is served.trained
    assert fresh.composer.audiences.in_use() == served.composer.audiences.in_use() != []


def test_the_set_of_actions_has_a_name_that_members_share(decider) -> None:
    served, _ = decider
    one, other, kid = (served.decide(Request(m, AT_US)) for m in ("m2", "stranger", "m1"))
    (name,) = one.permitted
    assert other.permitted == (name,)
    assert kid.permitted != (name,)
    actions = served.actions_of(name)
    assert {slot.action for slot in one.slots} <= set(actions)
    assert {slot.action for slot in kid.slots} <= set(served.actions_of(kid.permitted[0]))
    assert served.actions_of("mask:unknown") is None
    few = served.decide(Request("m2", AT_US, actions=("t30", "t31", "nowhere")))
    assert set(few.permitted) <= {"t30", "t31"}


def test_it_says_what_it_can(decider) -> None:
    served, _ = decider
    assert isinstance(served, Precomputes)
    assert isinstance(served, Refreshes)
    assert isinstance(served, NamesActions)


def test_without_state_the_fallback_shows_only_what_anybody_may_see(home: Home, decider) -> None:
    _, state = decider
    around = Surroundings(home, AT_US, PageConfig(), members=state)
    popular = PopularHomepage.open(around)
    known = popular.decide(Request("m0", AT_US))
    assert "limits" not in known.context
    state.broken = True
    blind = popular.decide(Request("m5", AT_US))
    ages = {f"t{i}": i % 19 for i in range(60)}
    assert blind.context["limits"] == "strictest"
    assert blind.context["state_problem"] == "state: not reachable"
    assert {ages.get(slot.action, 0) for slot in blind.slots} == {0}
    assert popular.decide(Request("m0", AT_US)).context["limits"] == "read before"


def test_titles_of_plays_that_fell_out_of_the_record_count_as_watched(home: Home) -> None:
    record = MemberRecord(
        plays=[Played(AT_US, 1, 1, "t5", watch_s=6000.0)], older=["t1", "gone", "s1e1"], acted=3
    )
    state = FakeState({})
    state.records["m"] = record
    catalogue = load_catalogue(home, AT_US)
    past = StateMembers.on(catalogue, state).of(["m"], AT_US)[0]
    assert catalogue.title_ids[past.history].tolist() == ["t1", "s", "t5"]
    assert past.history_weight.tolist() == [0.0, 0.0, 1.0]
    assert TitleTable.of(catalogue).position["s"] == past.history[1]
