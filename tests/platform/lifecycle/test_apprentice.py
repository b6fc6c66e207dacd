"""An apprentice shadows the incumbent, is judged by its log, and takes over by share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.platform.lifecycle.logged_toy import AT, BOUNDED, LEARNED, START, decide, running, version

from matinee.cli.apprentice import show
from matinee.errors import ConfigError, InputError
from matinee.observe.home import Home
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.apprentice import Apprentice, ApprenticeConfig, look
from matinee.platform.lifecycle.apprentice_step import Stepped, step
from matinee.platform.lifecycle.project import open_project_of
from matinee.platform.registry.rollouts import RolloutRow
from matinee.types import DAY_US

OLD, BETTER, WORSE = (1.0, 1.0, 2.0), (0.2, 3.0, 0.2), (1.0, 0.1, 3.0)
EXPECTED = sum(a * b for a, b in zip(OLD, BETTER, strict=True)) / (sum(OLD) * sum(BETTER))


def looked(home: Home, initiative: Initiative = BOUNDED, **given: object) -> Apprentice:
    with open_project_of(home, initiative, at=AT) as project:
        return look(project, **given)  # type: ignore[arg-type]


def stepped(home: Home, initiative: Initiative = BOUNDED, **given: object) -> tuple[Apprentice, Stepped]:
    with open_project_of(home, initiative, at=AT) as project:
        found = look(project, config=ApprenticeConfig(fresh=0), **given)  # type: ignore[arg-type]
        return found, step(project, found, now_us=START + 29 * DAY_US, approver="kim")


@pytest.fixture
def old(home: Home) -> str:
    return version(home, OLD, release=True)


def with_shadow(home: Home, old: str, weights: Sequence[float] = BETTER, n: int = 400) -> str:
    new = version(home, weights)
    decide(home, old, OLD, n, shadow=(new, weights))
    return new


@pytest.mark.slow
def test_a_better_apprentice_climbs_the_ladder_to_a_release(home: Home, old: str) -> None:
    new = with_shadow(home, old)
    did, seen, salts = [], [], set()
    for _ in range(6):
        found, done = stepped(home)
        row: RolloutRow | None = running(home)
        did.append(done.did)
        seen.append((found.stage, found.share, found.next_share))
        if row is not None and row.kind == "canary":
            assert row.version == new
            salts.add(row.salt)
    assert did == [
        "started a shadow",
        "started a canary for 1% of the units",
        "started a canary for 5% of the units",
        "started a canary for 20% of the units",
        "started a canary for 50% of the units",
        "released it to everybody",
    ]
    assert seen[1:4] == [("shadow", 0.0, 0.01), ("canary", 0.01, 0.05), ("canary", 0.05, 0.2)]
    assert len(salts) == 1, "units fell out of the canary when its share grew"
    with open_project_of(home, BOUNDED) as project:
        assert project.registry.releases.current("toy").version == new  # type: ignore[union-attr]
    with pytest.raises(InputError, match=f"version {new} is in production"):
        looked(home)


def test_agreement_value_and_gain_are_reported(home: Home, old: str) -> None:
    new = with_shadow(home, old)
    found = looked(home)
    assert (found.version, found.incumbent, found.stage, found.varied) == (new, old, "new", 1.0)
    assert found.agreement is not None
    assert found.agreement.n == found.n_shadowed == found.n_reproduced == 400
    share = found.agreement.mean
    assert abs(share.value - EXPECTED) < 4 * share.standard_error
    assert found.report is not None
    assert found.gain is not None
    truth = (0.2 * 0.2 + 3 * 0.8 + 0.2 * 0.1) / 3.4 - (0.2 + 0.8 + 0.2) / 4
    assert 0 < found.gain.low < truth < found.gain.high
    assert found.report.bounds is not None
    assert found.report.logged is not None


def test_a_worse_one_is_stopped_and_one_that_is_not_known_waits(home: Home, old: str) -> None:
    version(home, WORSE)
    assert stepped(home)[1].did == "started a shadow"
    with_shadow(home, old, WORSE)
    found, done = stepped(home)
    assert (found.verdict, done.did) == ("stop", "stopped the shadow")
    assert "It is worse" in found.reasons[0]
    assert running(home) is None
    assert (looked(home).verdict, looked(home).stage) == ("wait", "new")
    same = version(home, (1.0, 1.01, 2.0))
    decide(home, old, OLD, 60, from_us=START + DAY_US)
    assert stepped(home, version=same)[1].did == "started a shadow"
    found, done = stepped(home)
    assert (found.verdict, done.did, found.next_share) == ("wait", "", None)
    assert found.reasons[0].startswith("It is not known to be better: gain over the incumbent")


def test_from_an_incumbent_that_never_varies_nothing_can_be_learned(home: Home) -> None:
    certain = (0.0, 0.0, 1.0)
    old = version(home, certain, release=True)
    with_decisions = version(home, BETTER)
    decide(home, old, certain, 50, shadow=(with_decisions, BETTER))
    found = looked(home)
    assert found.varied == 0.0
    assert "Nothing can be learned: the incumbent never varies" in found.reasons[0]
    assert "Let its policy draw" in found.reasons[0]
    assert stepped(home)[1].did == "started a shadow"
    assert looked(home).verdict == "wait"


@pytest.mark.slow
def test_a_gate_that_says_no_leaves_all_as_it_is(home: Home, old: str) -> None:
    class No:
        name = "no"

        def check(self, _: Candidate) -> GateResult:
            return GateResult("no", "failed", "No.")

    with_shadow(home, old)
    refusing = replace(BOUNDED, gates=(No(),))
    stepped(home, refusing)
    before = running(home)
    found, done = stepped(home, refusing)
    assert (found.next_share, done.did, [one.gate for one in done.refused]) == (0.01, "", ["no"])
    assert running(home) == before


def test_a_canary_waits_for_decisions_of_its_own_and_stops_when_they_are_worse(
    home: Home, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    new = with_shadow(home, old)
    stepped(home)
    _, done = stepped(home)
    assert done.did.startswith("started a canary")
    started = START + 29 * DAY_US
    found = looked(home, config=ApprenticeConfig(fresh=30))
    assert (found.verdict, found.direct) == ("wait", {})
    assert "it made 0 decisions with a known outcome, expected 30 first" in found.reasons[1]
    later = started + 2 * DAY_US
    decide(home, new, (1.0, 0.0, 0.0), 60, from_us=later, canary="2")
    decide(home, old, (0.0, 1.0, 0.0), 60, from_us=later, seed=1)
    with open_project_of(home, BOUNDED, at="2025-01-30") as project:
        found = look(project)
    assert {arm: one.n for arm, one in found.direct.items()} == {"canary": 60, "incumbent": 60}
    assert found.verdict == "stop"
    assert "As a canary it brings" in found.reasons[0]
    show(found)
    printed = capsys.readouterr().out
    for said in ("canary, 60 decisions", "incumbent, 60 decisions", "As a canary it brings", "Due: its end."):
        assert said in printed


def test_a_version_that_says_today_something_else_than_as_a_shadow_is_not_believed(
    home: Home, old: str
) -> None:
    new = version(home, BETTER)
    decide(home, old, OLD, 200, shadow=(new, (2.0, 1.0, 1.0)))
    stepped(home)
    found = looked(home)
    assert found.n_reproduced < 0.9 * found.n_shadowed
    assert "says today what it logged as a shadow about" in found.reasons[0]
    assert found.verdict == "wait"


def test_what_stands_in_the_way_is_told(home: Home, old: str) -> None:
    with pytest.raises(InputError, match=f"version {old} is in production"):
        looked(home)
    new, other = version(home, BETTER), version(home, WORSE)
    assert looked(home, version=new).reasons[0].startswith(f"There is no decision of {old} to judge by")
    assert stepped(home, version=new)[1].did == "started a shadow"
    with pytest.raises(InputError, match=f"expected none or one of {other}. Stop it first"):
        looked(home, version=other)
    unbounded = replace(BOUNDED, reward=replace(BOUNDED.reward, low=None, high=None))
    decide(home, old, OLD, 100)
    decide(home, old, OLD, 1, from_us=START + DAY_US, seed=2)
    assert looked(home, unbounded).gain is not None, "rewards of 0 and 1 are taken for bounded"
    half = replace(BOUNDED, reward=replace(BOUNDED.reward, high=None))
    assert looked(home, half).reasons[0].startswith("The reward has no known bounds")
    nothing = replace(BOUNDED, name="toys")
    version(home, OLD, name="toys")
    with pytest.raises(InputError, match="nothing is in production"):
        looked(home, nothing)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"ladder": (0.5, 0.2, 1.0)},
            r"ladder is \[0\.5, 0\.2, 1\.0\], expected shares above 0 that rise to 1",
        ),
        ({"ladder": (0.5,)}, "expected shares above 0 that rise to 1"),
        ({"alpha": 0.0}, r"alpha is 0\.0, expected between 0 and 1"),
        ({"fresh": -1}, "fresh is -1, expected decisions, 0 or more"),
    ],
)
def test_settings_outside_their_range_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ApprenticeConfig(**given)  # type: ignore[arg-type]


def test_decisions_that_it_may_have_learned_from_do_not_count(home: Home, old: str) -> None:
    decide(home, old, OLD, 100)
    version(home, BETTER, at_us=LEARNED + 10 * DAY_US)
    assert "100 that the version may have learned from" in looked(home).reasons[0]
