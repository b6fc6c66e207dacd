"""Old events and decisions go, with what belongs to them; windows and clocks are respected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import in_home

from matinee.cli.main import main
from matinee.errors import ConfigError
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.cutting import cut, oldest_event_us, plan_cut
from matinee.observe.lake.reader import open_events, open_facts
from matinee.observe.lake.writer import LakeWriter
from matinee.platform.lifecycle.pruning import prune_lake
from matinee.types import DAY_US, SECOND_US, format_at

DAY_S = 86_400
LAST = 20_000 * DAY_S  # midnight


def fill(root: Path, *, keep: str = "") -> Home:
    """Forty days of a play and a decision each; every decision has a reward, and three sets of actions."""
    home = Home.create(root)
    home.settings.write_text(f'[clock]\nnow = "last_event"\n{keep}')
    for part, days in (("a", range(20, 40)), ("b", range(20))):
        table = root.parent / f"{part}.csv"
        rows = [f"m{d % 3},t1,{LAST - d * DAY_S},{60}" for d in days]
        table.write_text("member_id,title_id,at,watch_s\n" + "\n".join(rows) + "\n")
        run_import(home, "events", table)
    titles = root.parent / "titles.csv"
    titles.write_text("title_id,name\nt1,One\n")
    run_import(home, "titles", titles, clock=Clock.fixed(0))
    lines = []
    for d in range(40):
        at_us = (LAST - d * DAY_S) * SECOND_US
        common = {"initiative": "toy", "unit_id": "m1", "at_us": at_us, "seen_us": at_us, "seq": d + 1}
        name = f"d{d}"
        lines.append({"type": "decision", "event_id": name, "decision_id": name, "action": "a",
                      "actions": f'["mask:{"old" if d > 30 else "used"}"]'} | common)  # fmt: skip
        late = common | {"at_us": at_us + DAY_US}
        lines.append({"type": "reward", "event_id": f"r{d}", "decision_id": name, "value": 1.0} | late)
    for name in ("old", "used"):
        at_us = (LAST - 39 * DAY_S) * SECOND_US
        lines.append({"type": "action_set", "event_id": f"mask:{name}", "actions": '["a", "b"]',
                      "initiative": "toy", "at_us": at_us, "seen_us": at_us, "seq": 99})  # fmt: skip
    text = "\n".join(map(json.dumps, lines))
    (home.log / "1-x-0001.ndjson").write_text(text + "\n")
    compact(home)
    return home


def found(home: Home, table: str, column: str) -> list[Any]:
    with connect() as con:
        open_events(con, home, table)
        return [row[0] for row in con.execute(f"SELECT {column} FROM {table} ORDER BY at_us, seq").fetchall()]


def test_nothing_goes_by_default(tmp_path: Path) -> None:
    done = prune_lake(fill(tmp_path / "shop"), dry_run=False)
    assert (done.before, done.cuts) == ({}, {})
    assert done.reaches_us == (LAST - 39 * DAY_S) * SECOND_US


def test_old_events_go_and_facts_stay(tmp_path: Path) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\nevents_days = 10\n")
    planned = prune_lake(home)
    assert len(found(home, "plays", "at_us")) == 40
    done = prune_lake(home, dry_run=False, asked=True)
    assert done == planned
    assert done.cuts["plays"].rows == 29
    assert done.cuts["plays"].bytes > 0
    assert list(done.cuts) == ["plays"]
    assert found(home, "plays", "at_us")[0] == (LAST - 10 * DAY_S) * SECOND_US == done.reaches_us
    assert oldest_event_us(home) == done.reaches_us
    assert len(found(home, "decisions", "event_id")) == 40
    with connect() as con:
        assert open_facts(con, home, "titles") == {"titles": True}
    assert prune_lake(home, dry_run=False).cuts == {}


def test_rewards_and_sets_go_with_their_decisions(tmp_path: Path) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\ndecisions_days = 29\n")
    done = prune_lake(home, dry_run=False)
    kept = {f"d{d}" for d in range(30)}
    assert set(found(home, "decisions", "event_id")) == kept
    assert set(found(home, "rewards", "decision_id")) == kept
    assert found(home, "action_sets", "event_id") == ["mask:used"]
    assert {table: cut.rows for table, cut in done.cuts.items()} == {
        "decisions": 10, "rewards": 10, "action_sets": 1
    }  # fmt: skip
    assert len(found(home, "plays", "at_us")) == 40


def test_a_reward_window_is_not_cut(tmp_path: Path) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\ndecisions_days = 1\n")
    in_home(home)
    with pytest.raises(ConfigError, match=r"\[keep\] decisions_days is 1, expected \d+ or more: \w+ waits"):
        prune_lake(home, dry_run=False)
    assert len(found(home, "decisions", "event_id")) == 40


def test_the_last_event_stays(tmp_path: Path) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\nevents_days = 40\n")
    with pytest.raises(ConfigError, match="would remove every event: the newest is of 2024-10-04"):
        prune_lake(home, at="2030-01-01")
    home.settings.write_text('[clock]\nnow = "wall"\n[keep]\nevents_days = 40\n')
    with pytest.raises(ConfigError, match='now = "wall" all before'):
        prune_lake(home, dry_run=False)


def test_a_clock_that_jumped_ahead_removes_nothing_by_itself(tmp_path: Path) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\nevents_days = 10\n")
    with pytest.raises(
        ConfigError, match=r"would remove 29 of 40 rows of plays at .*, expected at most 50% in"
    ):
        prune_lake(home, dry_run=False)
    home.settings.write_text("[keep]\nevents_days = 30\n")
    with pytest.raises(ConfigError, match=r"the newest event arrived .*, expected at most 7 days"):
        prune_lake(home, at=format_at((LAST + 8 * DAY_S) * SECOND_US), dry_run=False)
    assert len(found(home, "plays", "at_us")) == 40
    assert prune_lake(home, at=format_at(LAST * SECOND_US), dry_run=False).cuts["plays"].rows == 9


def test_a_crash_leaves_the_lake_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fill(tmp_path / "shop")
    before = {"plays": (LAST - 5 * DAY_S) * SECOND_US}
    planned = plan_cut(home, before)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LakeWriter, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            cut(home, before)
    assert len(found(home, "plays", "at_us")) == 40
    assert cut(home, before) == planned


def test_the_command_says_what_would_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\nevents_days = 30\n")
    run: Callable[..., int] = lambda *more: main(["prune", "--home", str(home.root), *more])  # noqa: E731
    assert run("--yes", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["removed"] is False
    assert told["lake"]["cuts"]["plays"]["rows"] == 9
    assert run() == 0
    assert "would go" in capsys.readouterr().out
    assert run("--yes") == 0
    assert "The oldest event that stays is of" in capsys.readouterr().out
    assert len(found(home, "plays", "at_us")) == 31


def test_a_rebuilt_state_reaches_as_far_as_the_events_that_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = fill(tmp_path / "shop", keep="[keep]\nevents_days = 30\n")
    assert main(["prune", "--yes", "--home", str(home.root)]) == 0
    capsys.readouterr()
    assert main(["rebuild-state", "--home", str(home.root)]) == 0
    told = capsys.readouterr().out
    assert "from 31 events in the lake" in told
    assert "It reaches back to 2024-09-04T00:00:00Z, the oldest event that is kept." in told
