from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from matinee.cli.main import main
from matinee.cli.precompute import write_answers
from matinee.errors import InputError
from matinee.observe.erasure.erased import mark
from matinee.observe.home import Home
from matinee.observe.state.open import open_store
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.platform.lifecycle import model_folder, project
from matinee.types import DAY_US, HOUR_US

AT_US = 20_000 * DAY_US


class Plain:
    policy = "plain"

    def decide(self, _request: Request) -> Decided:
        return Decided(())


class Ahead(Plain):
    def precompute(self, unit_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        yield from ((unit_id, f"page of {unit_id}".encode()) for unit_id in unit_ids)

    def decide_from(self, _made: bytes, _request: Request) -> Decided | None:
        return None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home.create(tmp_path / "home")
    made.settings.write_text("")

    @contextmanager
    def opened(_home: Home, name: str, *, at: str | None = None) -> Iterator[SimpleNamespace]:
        del at
        decider = Ahead() if name == "ahead" else Plain()
        yield SimpleNamespace(
            model=lambda _which: (made.releases / "v1", SimpleNamespace(files={})),
            initiative=SimpleNamespace(open=lambda _folder, _around: decider),
            surroundings=Surroundings(made, AT_US, None),
            at_us=AT_US,
        )

    monkeypatch.setattr(project, "open_project", opened)
    monkeypatch.setattr(model_folder, "check_files", lambda _folder, _files: None)
    return made


def test_answers_are_put_into_the_state(home: Home) -> None:
    store = open_store(home)
    told: list[int] = []
    ids = [f"m{i}" for i in range(1_500)]
    written = write_answers(home, "ahead", store, ids, keep_h=6, tell=told.append)
    assert (written.units, written.expires_us) == (1_500, AT_US + 6 * HOUR_US)
    assert told == [1_024, 1_500]
    assert store.get("page:ahead", "m1499") == b"page of m1499"
    store.close()


def test_an_initiative_without_the_ability_is_refused(home: Home) -> None:
    store = open_store(home)
    with pytest.raises(InputError, match=r"plain: its answers cannot be made ahead.*at request for it\."):
        write_answers(home, "plain", store, ["m1"], keep_h=6)
    store.close()


def test_nothing_is_made_for_members_who_were_erased(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(home, "m1")
    store = open_store(home)
    put, meanwhile = store.put, ["m2"]

    def putting(kind: str, values: Sequence[tuple[str, bytes]], *, expires_us: int | None = None) -> None:
        while meanwhile:  # one is erased when the answers are on their way
            mark(home, meanwhile.pop())
        put(kind, values, expires_us=expires_us)

    monkeypatch.setattr(store, "put", putting)
    assert write_answers(home, "ahead", store, ["m1", "m2", "m3"], keep_h=6).units == 2
    assert [store.get("page:ahead", one) for one in ("m1", "m2", "m3")] == [None, None, b"page of m3"]
    store.close()


def test_the_members_of_a_file(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "members.csv").write_text("member_id\nm1\nm2\n")
    wanted = ["precompute", "ahead", "--home", str(home.root), "--members", str(tmp_path / "members.csv")]
    assert main([*wanted, "--json"]) == 0
    assert '"units": 2' in capsys.readouterr().out
    assert main(["precompute", "ahead", "--home", str(home.root), "--keep-h", "0"]) == 2
    assert "--keep-h is 0.0, expected a number of hours above 0." in capsys.readouterr().err
    assert main(["precompute", "ahead", "--home", str(home.root)]) == 0
    assert "The state knows no member yet" in capsys.readouterr().out
