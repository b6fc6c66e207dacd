"""Credits of merged answers, from decisions and their outcomes in a home."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import TOY

from matinee.errors import InputError
from matinee.observe.decision_log import RewardRow, decision_line, new_decision_id, reward_id, reward_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.outcomes.join import join
from matinee.prove.experiment.definition import Arm, Design, Experiment
from matinee.prove.experiment.interleaving_reading import InterleavingReading, read_interleaving
from matinee.types import HOUR_US

AT = 1_730_000_000_000_000
LATER = AT + 100 * HOUR_US
ARMS = (Arm("old", 0.5, "fallback"), Arm("new", 0.5))


def experiment(analysis: str = "fixed", **changes: object) -> Experiment:
    given = {"kind": "interleaving", "arms": ARMS, "name": "rankers", "initiative": "toy"} | changes
    return Experiment(
        owner="o", hypothesis="h", primary="sum", design=Design(analysis=analysis), **given  # type: ignore[arg-type]
    )  # fmt: skip


def shown(
    home: Home, i: int, unit: str, teams: str | None, earned: dict[str, float], **changes: object
) -> str:
    """A decision with a slot for each letter (actions s1, s2, ...), and what was reported of them."""
    at_us = AT + i * 1_000_000
    decision_id = new_decision_id(at_us)
    context = {"experiment": "rankers"} | ({} if teams is None else {"teams": teams})
    given = {
        "initiative": "toy", "unit_id": unit, "policy": "p", "model": "v", "context": context,
        "slots": [Slot(f"s{k}", 1.0) for k in range(1, len(teams or "xxx") + 1)],
    } | changes  # fmt: skip
    lines = [decision_line(DecisionRecord(decision_id=decision_id, at_us=at_us, **given), at_us, 10 * i)]  # type: ignore[arg-type]
    for k, (action, value) in enumerate(earned.items(), start=1):
        row = RewardRow(
            f"{reward_id(decision_id, TOY.reward.name)}{k}", decision_id, "toy", unit, TOY.reward.name,
            value, at_us + k, at_us + k + 1, action,
        )  # fmt: skip
        lines.append(reward_line(row, 10 * i + k))
    with (home.log / "1-a-0001.ndjson").open("ab") as file:
        file.writelines(lines)
    return decision_id


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


def read(home: Home, at_us: int = LATER, analysis: str = "fixed") -> InterleavingReading:
    join(home, TOY, now_us=at_us)
    return read_interleaving(home, experiment(analysis), at_us)


def test_rewards_go_to_the_team_of_their_slot(home: Home) -> None:
    first = shown(home, 0, "m1", "-AB", {"s1": 1, "s2": 2, "s3": 4})
    shown(home, 1, "m1", "B-A", {"s1": 8})
    shown(home, 2, "m2", "---", {"s2": 16, "s1": 0, "s3": 0})
    shown(home, 3, "m1", "-AB", {"s3": 32}, sticky_of=first)  # counts for the first
    shown(home, 4, "m4", None, {"s1": 64})
    shown(home, 5, "m5", "AB", {"s1": 128}, context={"experiment": "another", "teams": "AB"})
    shown(home, 6, "m6", "AB", {"s1": 256}, context={"experiment": "rankers", "teams": "AB", "shadow": True})
    found = read(home)
    p = found.preference
    assert (p.credit_a, p.credit_b, p.credit_shared) == (2, 44, 17)
    assert (p.n_units, p.for_a, p.for_b, p.ties) == (2, 0, 1, 1)
    assert (p.coin.a, p.coin.b) == (1, 0)
    assert (found.n_decisions, found.n_odd, found.n_open) == (3, 0, 0)
    assert found.n_unknown == 2


def test_open_and_odd_decisions_are_counted(home: Home) -> None:
    shown(home, 0, "m1", "AB", {"s1": 1, "s2": 1})
    shown(home, 1, "m2", "AB", {"s1": 7}, context={"experiment": "rankers", "teams": "A"})
    join(home, TOY, now_us=LATER)
    shown(home, 2, "m3", "AB", {"s1": 1})
    found = read_interleaving(home, experiment(), LATER)
    assert (found.n_decisions, found.n_odd, found.n_open) == (1, 1, 1)
    assert found.preference.credit_a == 1


def test_the_verdict_names_the_arm(home: Home) -> None:
    for i in range(40):
        shown(home, i, f"m{i}", "AB" if i % 2 else "BA", {f"s{1 + i % 2}": 1})
    found = read(home)
    assert found.winner == "new"
    assert found.verdict == "new is preferred"
    rows = dict(found.as_rows())
    assert rows["first slot"] == "new 20 units, old 20 (fair coin: p 1)"
    assert rows["units"].startswith("40: 40 prefer new, 0 prefer old, 0 neither; share +100.0%")
    assert read(home, analysis="sequence").winner == "new"
    early = read_interleaving(home, experiment(), AT)
    assert early.verdict == "nothing was earned yet by a slot that belongs to one arm"
    assert dict(early.as_rows())["at all looks together"] == "none (95%)"


def test_a_broken_coin_is_refused_with_the_reason(home: Home) -> None:
    for i in range(20):
        shown(home, i, f"m{i}", "BA", {"s1": 1})
    assert read(home).verdict == (
        "refused: old had the first slot for 0 units and new for 20; with a fair coin that happens with "
        "probability 1.9e-06"
    )


def test_only_an_interleaving_is_read(home: Home) -> None:
    with pytest.raises(InputError, match='kind is "ab", expected "interleaving"'):
        read_interleaving(home, experiment(kind="ab"), LATER)
