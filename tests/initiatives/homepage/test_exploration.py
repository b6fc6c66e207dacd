"""Explored slots of served pages as a log: exact odds, what is left out, a value that is known."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deciders import decider_of
from small_services import NOW_US, member_of, plain_catalogue, titles_of

from matinee.cli.main import main
from matinee.errors import InputError
from matinee.initiatives.homepage import HOMEPAGE
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.exploration import Explored, write_explored
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.observe.decision_log import RewardRow, decision_line, new_decision_id, reward_id, reward_line
from matinee.observe.decisions import DecisionRecord
from matinee.observe.home import Home
from matinee.platform.deciding import Decided, Request
from matinee.platform.outcomes.join import join
from matinee.types import HOUR_US

N = 30
LATER = NOW_US + 100 * HOUR_US


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.create(tmp_path)
    made.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def decider() -> HomepageDecider:
    config = PageConfig(explore_slots=2, explore_row=1, explore_col=1, explore_pool=8)
    who = member_of(N, history=[N - 1], scores=np.geomspace(1, 1e-2, N))
    return decider_of(titles_of(plain_catalogue(N)), who, config, NOW_US)


def shown(home: Home, decider: HomepageDecider, i: int, liked: object = (), **changes: object) -> Decided:
    """A page that was served; titles in `liked` are reported as watched well."""
    request = Request(f"m{i}", NOW_US, context={"device": "tv", "rows": 3, "cols": 5}, seed=i)
    decided = decider.decide(request)
    decision_id = new_decision_id(NOW_US + i)
    given = {
        "fallback": False,
        "sticky_of": None,
        "context": {**request.context, **decided.context},
    } | changes
    record = DecisionRecord(
        decision_id, "homepage", request.unit_id, NOW_US + i, decider.policy, "m", list(decided.slots),
        **given,  # type: ignore[arg-type]
    )  # fmt: skip
    lines = [decision_line(record, NOW_US + i, 100 * i)]
    for k, slot in enumerate(s for s in decided.slots if s.action in liked):  # type: ignore[operator]
        name = HOMEPAGE.reward.name
        row = RewardRow(
            f"{reward_id(decision_id, name)}{k}", decision_id, "homepage", request.unit_id, name, 1.0,
            NOW_US + i + 1, NOW_US + i + 2, slot.action,
        )  # fmt: skip
        lines.append(reward_line(row, 100 * i + k + 1))
    with (home.log / "1-a-0001.ndjson").open("ab") as file:
        file.writelines(lines)
    return decided


def written(home: Home) -> tuple[Explored, list[dict[str, str]]]:
    join(home, HOMEPAGE, now_us=LATER)
    path = home.root / "explored.csv"
    found = write_explored(home, path, at_us=LATER)
    with path.open(encoding="utf-8") as file:
        return found, list(csv.DictReader(file))


def test_each_explored_slot_is_a_row_with_what_it_was_drawn_from(
    home: Home, decider: HomepageDecider
) -> None:
    pages = [shown(home, decider, i) for i in range(5)]
    found, rows = written(home)
    drawn = [slot for page in pages for slot in page.slots if slot.explored]
    assert found == Explored(10, 0, {})
    assert [row["action"] for row in rows] == [slot.action for slot in drawn]
    for row, slot in zip(rows, drawn, strict=True):
        odds = json.loads(row["p_all"])
        assert len(odds) == slot.n_permitted == int(row["n_actions"])
        assert float(row["propensity"]) == slot.propensity == pytest.approx(odds[slot.action], rel=1e-5)
        assert sum(odds.values()) == pytest.approx(1, abs=1e-5)
        assert (int(row["row"]), int(row["col"])) == (slot.row, slot.col)
        assert row["device"] == "tv"


def test_pages_that_are_no_examples_are_left_out_and_counted(home: Home, decider: HomepageDecider) -> None:
    first = shown(home, decider, 0)
    context = first.context
    shown(home, decider, 1, fallback=True)
    shown(home, decider, 2, context=context | {"teams": "A" * len(first.slots)})
    shown(home, decider, 3, context=context | {"shadow": True})
    shown(home, decider, 4, context=context | {"made": "ahead"})
    shown(home, decider, 5, context={})
    shown(home, decider, 6, sticky_of="d")
    found, rows = written(home)
    assert len(rows) == found.slots == 2
    assert found.left_out == {
        "on a page made ahead and corrected since": 2,
        "on a page made in the shadow of another": 2,
        "on a page of the fallback": 2,
        "on a page of two arms interleaved": 2,
        "on a page that was served again": 2,
        "without the odds it was drawn with": 2,
    }


def test_without_explored_slots_the_reason_is_named(home: Home, decider: HomepageDecider) -> None:
    path = home.root / "explored.csv"
    with pytest.raises(InputError, match=r"no explored slot whose outcome is final \(none was shown\)"):
        write_explored(home, path)
    shown(home, decider, 1, fallback=True)
    join(home, HOMEPAGE, now_us=LATER)
    with pytest.raises(InputError, match=r"final \(2 on a page of the fallback\)\. Set \[homepage\]"):
        write_explored(home, path)
    assert not path.exists()


def test_another_way_to_draw_is_evaluated_with_its_true_value(
    home: Home, decider: HomepageDecider, capsys: pytest.CaptureFixture[str]
) -> None:
    """Titles with an even number are always liked: an even draw is worth their share of the pool."""
    liked = {f"t{i}" for i in range(0, N, 2)}
    for i in range(250):
        shown(home, decider, i, liked)
    found, rows = written(home)
    assert found.rewarded == sum(row["action"] in liked for row in rows) > 0
    truth, policy = [], home.root / "policy.csv"
    with policy.open("w", encoding="utf-8") as file:
        file.write("decision_id,action,p\n")
        for row in rows:
            pool = json.loads(row["p_all"])
            truth.append(np.mean([title in liked for title in pool]))
            file.writelines(f"{row['decision_id']},{title},{1 / len(pool)}\n" for title in pool)
    command = ["ope", "--initiative", "homepage", "--explored", "--policy", str(policy)]
    command += ["--home", str(home.root)]
    assert main(command) == 0
    assert f"{found.slots} explored slots, {found.rewarded} of them" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "estimated"
    for name in ("ips", "snips", "dr"):
        one = report["estimates"][name]
        assert one["low"] <= np.mean(truth) <= one["high"]
        assert one["high"] - one["low"] < 0.3


def test_the_log_alone_is_kept_where_asked_for(
    home: Home, decider: HomepageDecider, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(home, decider, 0)
    _, rows = written(home)
    out = home.root / "kept.csv"
    place = ["--home", str(home.root)]
    command = ["ope", "--initiative", "homepage", *place]
    assert main([*command, "--explored", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slots"] == len(rows) == 2
    assert out.read_text(encoding="utf-8") == (home.root / "explored.csv").read_text(encoding="utf-8")
    for words, said in (
        (["--out", str(out)], "expected --explored beside it"),
        (["--explored"], "expected --out FILE, --policy FILE or both"),
        (["--explored", "--policy-version", "newest"], "no --log or --policy-version"),
    ):
        assert main([*command, *words]) == 2
        assert said in capsys.readouterr().err
    assert main(["ope", "--initiative", "retention", *place, "--explored", "--out", str(out)]) == 2
    assert "retention: draws no slots of its decisions at random" in capsys.readouterr().err
