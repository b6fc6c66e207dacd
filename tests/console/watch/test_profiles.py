from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from matinee.console.watch import profiles
from matinee.console.watch.profiles import Listed, Profile, Profiles, read
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.manifest import DataFile
from matinee.observe.members import Member

AT_US = 1_731_000_000_000_000
MEMBERS = "member_id,account_id,territory,kids\n" + "".join(f"m{i},a{i // 2},AT,false\n" for i in range(20))
EVENTS = "member_id,title_id,at,watch_s\n" + "".join(
    f"{who},t1,{1_730_000_000 + 3600 * k},60\n" for k, who in enumerate(("m9", "old", "m3", "m8", "new"))
)


class Store:
    """A state that knows some members."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.asked = sorted(ids), 0

    def member_ids(self, after: str, limit: int) -> list[str]:
        self.asked += 1
        return [one for one in self.ids if one > after][:limit]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("profiles")
    found = Home.create(folder / "home")
    for kind, text in {"members": MEMBERS, "events": EVENTS}.items():
        (folder / f"{kind}.csv").write_text(text, encoding="utf-8")
        run_import(found, kind, folder / f"{kind}.csv")
    return found


def ids(found: list[Profile]) -> list[str]:
    return [one.member.member_id for one in found]


def test_who_was_active_last_comes_first_with_their_account(home: Home) -> None:
    found = read(home, Store("m1", "stored"), AT_US)  # type: ignore[arg-type]
    assert ids(found)[:6] == ["new", "m8", "m9", "m3", "m2", "old"]
    assert sorted(ids(found)) == sorted({*(f"m{i}" for i in range(20)), "new", "old", "stored"})
    assert found[1].member == Member("m8", "a4", "AT")
    assert [one.is_active for one in found].count(True) == 5


def test_of_too_many_those_who_were_active_last_are_kept(home: Home) -> None:
    store = Store("stored")
    assert set(ids(read(home, store, AT_US, most=3))) == {"new", "m8", "m3"}  # type: ignore[arg-type]
    assert store.asked == 0, "the state is looked through only where there are too few"


def test_what_happens_later_is_not_known(home: Home) -> None:
    found = read(home, Store(), 1_730_000_000_000_000 + 3_600_000_000)  # type: ignore[arg-type]
    assert [one.member.member_id for one in found if one.is_active] == ["old", "m9"]


def test_only_the_latest_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "MOST_ROWS", 100)
    files = [DataFile("plays", f"{i}", 60, i, i, i, i) for i in range(5)]
    assert [one.path for one in profiles._latest(files)] == ["4"]
    assert [one.path for one in profiles._latest([DataFile("plays", "x", 10**9, 0, 0, 0, 0)])] == ["x"]
    assert profiles._latest([]) == []


def served(**more: Any) -> Any:
    erased = SimpleNamespace(refuses=lambda one: one == "gone")
    return SimpleNamespace(home=None, store=None, clock=SimpleNamespace(now_us=AT_US), erased=erased, **more)


def test_a_list_that_takes_long_is_read_beside_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0

    def a_list(*_args: object) -> Listed:
        nonlocal n_read
        n_read += 1
        return Listed([Profile(Member(f"m{n_read}")), Profile(Member("gone"))], [f"m{n_read}", "gone"], True)

    monkeypatch.setattr(profiles, "_list", a_list)

    async def visit() -> None:
        found = Profiles(served(), again_s=0.0)
        both = await asyncio.gather(found.choice(), found.choice())
        assert [one.households[0].profiles[0].member.member_id for one in both] == ["m1", "m1"]
        assert both[0].cut
        assert both[0].n == 1, "one was erased"
        found._took_s, found._read_s = 10.0, -1_000_000.0
        assert (await found.choice("M1")).n == 1, "the one before is shown"
        assert found._reading is not None
        await found._reading
        found.again_s = 1_000.0
        assert (await found.choice("m2")).n == 1
        assert n_read == 2 + (found._took_s <= 0.0)

    asyncio.run(visit())


def test_whose_id_was_typed_comes_first_with_their_account(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [
        Profile(Member(one, account))
        for one, account in (("m70", None), ("m7x", None), ("other", "house 7"), ("7", "house 7"))
    ]
    texts = [f"{one.member.member_id} {one.member.account_id or ''}" for one in every]
    monkeypatch.setattr(profiles, "_list", lambda *_args: Listed(every, texts, False))

    async def typed(text: str) -> list[str]:
        found = await Profiles(served()).choice(text)
        return [one.member.member_id for household in found.households for one in household.profiles]

    assert asyncio.run(typed(" 7 ")) == ["other", "7", "m70", "m7x"]
    assert asyncio.run(typed("m7")) == ["m70", "m7x"]


def test_a_list_that_cannot_be_read_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [OSError("no"), Listed([], [], False)]

    def a_list(*_args: object) -> Listed:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(profiles, "_list", a_list)

    async def visit() -> None:
        found = Profiles(served())
        with pytest.raises(OSError, match="no"):
            await found.choice()
        assert (await found.choice()).n == 0

    asyncio.run(visit())
