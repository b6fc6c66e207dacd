"""A world goes on against a server: the same world however it is cut into calls, and nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.world.fake_server import Fake, served

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.types import format_at
from matinee.world.client import Client
from matinee.world.going_on import Going
from matinee.world.kept import folder_of, keep_world, kept_world
from matinee.world.pages import Slates, Visits
from matinee.world.run import Run
from matinee.world.service import WorldConfig, simulate

CONFIG = WorldConfig(n_members=60, n_titles=30, n_days=30, future_days=6, seed=4)


@pytest.fixture(scope="module")
def past() -> Run:
    return simulate(CONFIG)


def home_of(folder: Path, past: Run) -> Home:
    home = Home.create(folder)
    keep_world(home, past.branch())
    return home


@contextmanager
def going(home: Home, fake: Fake, batch: int = 100) -> Iterator[Going]:
    with served(fake) as address:
        client = Client(address, connections=2, wait=lambda _s: None)

        def move(to_us: int) -> None:
            assert format_at(to_us) > fake.at
            fake.at = format_at(to_us)

        yield Going(home, client, move, batch=batch)
        client.close()


def fixed(visits: Visits) -> Slates:
    """What `Fake` shows."""
    title = np.full((len(visits), 4, 6), -1, np.int64)
    title[:, 0, 0], title[:, 0, 1], title[:, 1, 0] = 1, 2, 3
    fine = visits.eligible[visits.segment[:, None, None], np.maximum(title, 0)]
    return Slates(np.where(fine, title, -1))


def test_it_lives_what_a_branch_would_under_the_same_pages(tmp_path: Path, past: Run) -> None:
    branch = past.branch()
    before = branch.totals
    branch.go(4, pages=fixed)
    home, fake = home_of(tmp_path / "one", past), Fake()
    with going(home, fake) as one:
        done = one.go(4)
    since = branch.totals.since(before)
    assert (done.days, done.visits, done.plays) == (4, since.visits.sum(), since.plays.sum())
    assert done.quality_plays == since.quality_plays.sum()
    assert (done.pages, done.fallbacks) == (len(fake.asked), len(fake.asked))
    assert done.events == len(fake.events)
    assert fake.at == format_at(done.until_us) == "2025-02-04T00:00:00Z"
    other, again = home_of(tmp_path / "other", past), Fake()
    for days in (1, 2, 1):
        with going(other, again) as part:
            part.go(days)
    assert again.events.keys() == fake.events.keys()
    first, second = kept_world(home).state, kept_world(other).state
    for name in ("watched", "satiation", "plays", "renewal_day", "watch_s", "next_episode"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        np.testing.assert_array_equal(getattr(first, name), getattr(branch.state, name))


def test_events_are_those_of_the_record_and_name_the_page_they_began_on(tmp_path: Path, past: Run) -> None:
    branch, start = (
        past.branch(),
        {name: len(past.record.table(name)["at_us"]) for name in ("plays", "signals")},
    )
    branch.go(3, pages=fixed)
    fake = Fake()
    with going(home_of(tmp_path, past), fake) as one:
        one.go(3)
    plays = [event for event in fake.events.values() if event["type"] == "play"]
    rows = {name: column[start["plays"] :] for name, column in branch.record.table("plays").items()}
    assert len(plays) == len(rows["member"])
    assert sum(event["watch_s"] for event in plays) == pytest.approx(rows["watch_s"].sum(), rel=1e-6)
    on_page = [event for event in plays if "row" in event]
    assert len(on_page) == (rows["row"] > 0).sum() > 0
    assert all(event["decision_id"].startswith(f"d-{event['member_id']}-") for event in on_page)
    impressions = [event for event in fake.events.values() if event["type"] == "impression"]
    assert {(event["row"], event["col"]) for event in impressions} <= {(1, 1), (1, 2), (2, 1)}
    assert all(event["dwell_ms"] > 0 and "decision_id" in event for event in impressions)
    assert all(event["at"] >= 1_738_195_200 for event in fake.events.values()), "of the new days only"
    series = [event["title_id"] for event in plays if "-e" in event["title_id"]]
    assert series, "plays of a series name the episode"


def test_a_day_that_broke_off_is_lived_again_and_nothing_counts_twice(tmp_path: Path, past: Run) -> None:
    whole, plain = Fake(), home_of(tmp_path / "plain", past)
    with going(plain, whole) as one:
        one.go(3)
    fake, home = Fake(), home_of(tmp_path / "broken", past)
    sent = [0]

    def fails(method: str, _path: str) -> tuple[int, dict[str, str]] | None:
        sent[0] += method == "POST"
        return (500, {}) if sent[0] == 4 else None

    fake.before = fails
    with going(home, fake, batch=30) as one, pytest.raises(StorageError, match="POST /v1/events answers 500"):
        one.go(3)
    assert one.done.days < 3
    asked = len(fake.asked)
    fake.page = lambda _member: [["t00009"]]  # of the day that broke off, the pages are kept
    day = kept_world(home).day
    with going(home, fake, batch=30) as one:
        one.go(1)
    assert one.done.duplicates > 0
    assert len(fake.asked) == asked
    assert kept_world(home).day == day + 1
    fake.page = Fake().page
    with going(home, fake, batch=30) as one:
        one.go(30 + 3 - day - 1)
    assert fake.events.keys() == whole.events.keys()
    np.testing.assert_array_equal(kept_world(home).state.watched, kept_world(plain).state.watched)


def test_pages_that_were_not_all_given_are_asked_for_again(tmp_path: Path, past: Run) -> None:
    fake, home = Fake(), home_of(tmp_path, past)
    fake.before = lambda method, path: (500, {}) if len(fake.asked) >= 3 and "homepage" in path else None
    with going(home, fake) as one, pytest.raises(StorageError, match="/homepage answers 500"):
        one.go(1)
    assert kept_world(home).day == 30
    fake.before = Fake().before
    with going(home, fake) as one:
        assert one.go(1).days == 1


def test_what_cannot_go_on_is_named(tmp_path: Path, past: Run) -> None:
    home = home_of(tmp_path / "home", past)
    with going(home, Fake()) as one, pytest.raises(InputError, match=r"go on for 7 days, expected 1 to 6"):
        one.go(7)
    with going(home, Fake(at="2025-01-31T07:00:00Z")) as one, pytest.raises(InputError) as caught:
        one.go(1)
    assert "its clock says 2025-01-31T07:00:00Z, expected one before 2025-01-31T06:00:00Z" in str(
        caught.value
    )
    with (
        going(home, Fake(reject=True)) as one,
        pytest.raises(InputError, match="The first one: play e: no good"),
    ):
        one.go(1)
    with (
        going(Home.create(tmp_path / "empty"), Fake()) as one,
        pytest.raises(NotFoundError, match="keeps no world"),
    ):
        one.go(1)
    path = folder_of(home) / "world.json"
    path.write_bytes(path.read_bytes().replace(b'"digest":"', b'"digest":"x'))
    with pytest.raises(InputError, match="made by another version of Matinee"):
        kept_world(home)
    (folder_of(home) / "state.npz").write_bytes(b"PK")
    with pytest.raises(StorageError, match="the world cannot be read"):
        kept_world(home)


def test_a_server_of_another_home_is_found_out(
    tmp_path: Path, past: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.world.going_on.FOLLOW_S", 0.05)
    fake = Fake()
    with served(fake) as address:
        client = Client(address, connections=1, wait=lambda _s: None)
        with pytest.raises(
            InputError, match=r"its clock does not follow that of .* Is it the server of this home"
        ):
            Going(home_of(tmp_path, past), client, lambda _to_us: None).go(1)
        client.close()
