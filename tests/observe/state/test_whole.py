"""Whether the facts of members are in the state: after imports, erasures, and where the state was lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.erasure.lake import remove_from_lake
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.state import whole as whole_file
from matinee.observe.state.imports import catch_up
from matinee.observe.state.open import open_store
from matinee.observe.state.sqlite_file import discard
from matinee.observe.state.store import OpenedStore
from matinee.observe.state.sync_members import sync_members
from matinee.observe.state.whole import Whole

NOW = 1_730_000_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "shop")


@pytest.fixture
def store(home: Home) -> Iterator[OpenedStore]:
    with closing(open_store(home)) as found:
        yield found


def imported(home: Home, text: str, kind: str = "members") -> None:
    path = home.root / f"{kind}.csv"
    path.write_text(text)
    run_import(home, kind, path, clock=Clock("fixed", NOW))


MEMBERS = "member_id,kids,maturity_max\nkid,true,7\nana,,\n"


def test_facts_are_known_when_they_were_brought_in(
    home: Home, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_file, "LOOK_S", 600.0)  # however slow the machine is
    whole = Whole(home, store)
    assert whole.facts_known()
    imported(home, "title_id,name\nt1,One\n", "titles")
    assert whole.facts_known(afresh=True)
    imported(home, MEMBERS)
    assert whole.facts_known()  # for some moments more
    assert not whole.facts_known(afresh=True)
    sync_members(home, store)
    assert not whole.facts_known()
    assert whole.facts_known(afresh=True)
    imported(home, "member_id,kids,maturity_max\nben,true,7\n")
    assert not whole.facts_known(afresh=True)
    catch_up(home, store, NOW)
    assert whole.facts_known(afresh=True)
    imported(home, "title_id,name\nt2,Two\n", "titles")
    assert whole.facts_known(afresh=True)


def test_an_erasure_leaves_the_facts_known(home: Home, store: OpenedStore) -> None:
    imported(home, MEMBERS)
    sync_members(home, store)
    whole = Whole(home, store)
    remove_from_lake(home, "ana", {})
    assert whole.facts_known()
    assert Whole(home, store).facts_known()


def test_a_state_that_was_lost_is_told_everything(home: Home, store: OpenedStore) -> None:
    imported(home, MEMBERS)
    assert sync_members(home, store).members == 2
    store.close()
    discard(home.state_db)
    with closing(open_store(home)) as empty:
        whole = Whole(home, empty)
        assert not whole.facts_known()
        assert sync_members(home, empty).members == 2
        assert whole.facts_known(afresh=True)
        found = empty.member("kid")
        assert found is not None
        assert found.kids


def test_a_lake_that_was_put_back_is_read_in_full(home: Home, store: OpenedStore) -> None:
    imported(home, MEMBERS)
    earlier = (home.lake / "manifest.json").read_bytes()
    imported(home, "title_id,name\nt1,One\n", "titles")
    imported(home, "member_id,kids,maturity_max\nben,true,7\n")
    sync_members(home, store)
    (home.lake / "manifest.json").write_bytes(earlier)
    assert sync_members(home, store).members == 2


def test_a_state_that_cannot_be_reached_knows_nothing(
    home: Home, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(kind: str, key: str) -> bytes:
        raise StorageError("state: unreachable")

    imported(home, MEMBERS)
    sync_members(home, store)
    whole = Whole(home, store)
    monkeypatch.setattr(whole_file, "LOOK_S", 0.0)
    assert whole.facts_known()
    monkeypatch.setattr(store, "get", down)
    assert not whole.facts_known()


def test_while_members_are_brought_in_the_lake_is_asked_once(
    home: Home, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(home, MEMBERS)
    sync_members(home, store)
    imported(home, "member_id,kids,maturity_max\nbob,true,7\n")
    whole = Whole(home, store)
    asked, real = [], whole._newest_batch
    monkeypatch.setattr(Whole, "_newest_batch", lambda _: asked.append(1) or real())
    assert [whole.facts_known(afresh=True) for _ in range(5)] == [False] * 5
    assert len(asked) == 1
    sync_members(home, store)
    assert whole.facts_known(afresh=True)
