"""Reading an experiment: verdicts, refusals, looks, and what each says."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.prove.experiment.homes import (
    EXPERIMENT,
    START_US,
    add_rows,
    at,
    decision,
    new_home,
    play,
    random_home,
)

from matinee.errors import InputError, NotFoundError
from matinee.observe.home import Home
from matinee.prove.experiment.definition import Arm, Design, Experiment, Guardrail
from matinee.prove.experiment.findings import Look, Readout
from matinee.prove.experiment.guardrails import guardrails_broken
from matinee.prove.experiment.readout import read
from matinee.prove.stats.difference import difference
from matinee.prove.stats.moments import Moments

SPENDING = Design(analysis="spending", days=28)
CLEAR = msgspec.structs.replace(EXPERIMENT, design=SPENDING)


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the treated arm plays a quarter more."""
    return random_home(tmp_path_factory.mktemp("better"), n=3_000, lift=0.25, days=28)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the arms do not differ."""
    return random_home(tmp_path_factory.mktemp("alike"), n=3_000, days=28, seed=5)


def looked(home: Home, experiment: Experiment, days: float, looks: list[Look] | None = None) -> Readout:
    return read(home, experiment, looks or [], started_us=START_US, until_us=at(days))


def test_estimate_of_a_log_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    """Controls play 1, 2, 3 times in turn, treated units 2, 3, 4 times; nobody played before."""
    home = new_home(tmp_path)
    plays = {f"c{i}": 1 + i % 3 for i in range(300)} | {f"b{i}": 2 + i % 3 for i in range(300)}
    add_rows(
        home,
        "decisions",
        [decision(member, "control" if member[0] == "c" else "bold", 0.1) for member in plays],
    )
    add_rows(home, "plays", [play(m, 1.0 + k / 10) for m, n in plays.items() for k in range(n)])
    readout = looked(home, EXPERIMENT, 28.0)
    (found,) = readout.primary
    assert (found.control, found.treated) == (2.0, 3.0)
    assert found.lift == pytest.approx(0.5)
    assert found.error == pytest.approx(math.sqrt(2 * (200 / 299) / 300))
    assert found.reduction == 0
    assert readout.verdict == "ship"
    assert readout.arm == "bold"


def test_the_estimate_is_that_of_the_statistics_on_arrays(better: Home) -> None:
    (found,) = looked(better, EXPERIMENT, 28.0).primary
    from tests.prove.experiment.test_measuring import opened, rows_of

    with opened(better, at(28)) as (con, _):
        plays = rows_of(con, "SELECT member_id, at_us FROM plays")
        made = rows_of(con, "SELECT member_id, at_us, context FROM decisions")
    place = {member: i for i, member in enumerate(made["member_id"])}
    who = np.array([place[member] for member in plays["member_id"]])
    since = plays["at_us"] - made["at_us"][who]
    y, x = (np.bincount(who, weights=side, minlength=len(place)) for side in (since >= 0, since < 0))
    bold = np.array(['"bold"' in context for context in made["context"]])
    treated, control = (Moments.of(y[arm], x=x[arm]) for arm in (bold, ~bold))
    wanted = difference(treated, control, relative=True)
    assert found.lift == pytest.approx(wanted.value, rel=1e-9)
    assert found.z == pytest.approx(wanted.z, rel=1e-9)
    assert found.reduction == pytest.approx(wanted.reduction, rel=1e-9)


def test_a_difference_crosses_the_bound_before_the_end_and_stays(better: Home) -> None:
    looks: list[Look] = []
    said = {}
    for day in (4, 10, 16, 22, 28, 35):
        readout = looked(better, CLEAR, day, looks)
        looks, said[day] = readout.looks, readout.verdict
    assert said[4] == "keep running"
    assert said[22] == said[28] == said[35] == "ship"
    assert len(looks) == 5  # nothing after the planned end counts
    bounds = [look.bound["bold"] for look in looks]
    assert all(a is not None and b is not None and a > b for a, b in pairwise(bounds))
    assert [look.fraction for look in looks] == sorted(look.fraction for look in looks)
    assert looks[-1].fraction == 1.0
    assert looks[-1].winner == "bold"


def test_what_a_stop_says_is_smaller_and_stays(better: Home) -> None:
    looks: list[Look] = []
    for day in (8, 14, 20):
        readout = looked(better, CLEAR, day, looks)
        looks = readout.looks
        if readout.verdict == "ship":
            break
        assert readout.after_stop == []
    (stop,), (raw,) = readout.after_stop, readout.primary
    assert readout.verdict == "ship"
    assert raw.lift is not None
    assert 0 < stop.low < stop.estimate < raw.lift < stop.high
    assert stop.p < 0.05
    later = looked(better, CLEAR, 27, looks)
    assert (later.after_stop[0].until_us, later.after_stop[0].share) == (stop.until_us, True)
    assert later.after_stop[0].estimate == pytest.approx(stop.estimate, rel=0.05)
    assert looked(better, EXPERIMENT, 28).after_stop == []


def test_at_the_planned_end_what_shows_nothing_has_its_figures_too(alike: Home) -> None:
    readout = looked(alike, CLEAR, 28)
    (stop,) = readout.after_stop
    assert readout.verdict == "do not ship"
    assert stop.low < 0 < stop.high
    assert stop.p > 0.05
    assert readout.prior is not None
    assert readout.expected.startswith("Expected: drawn towards 0 by the assumption that 95 %")


def test_two_reads_of_the_same_data_are_one_look(better: Home) -> None:
    first = looked(better, CLEAR, 10)
    assert first.look is not None
    again = looked(better, CLEAR, 10, first.looks)
    assert again.look is None
    assert again.looks == first.looks
    assert again.primary[0].low == pytest.approx(first.primary[0].low)


def test_a_read_of_a_past_moment_uses_the_looks_of_then(better: Home) -> None:
    looks = looked(better, CLEAR, 20, looked(better, CLEAR, 10).looks).looks
    past = looked(better, CLEAR, 10, looks)
    assert past.look is None
    assert len(past.looks) == 1


def test_no_difference_at_the_end_is_not_shipped(alike: Home) -> None:
    readout = looked(alike, CLEAR, 28)
    assert readout.verdict == "do not ship"
    assert readout.reasons[0].startswith("The planned end has come and no arm was shown to be better")
    assert readout.primary[0].shows == "nothing"


def test_worse_is_not_shipped_before_the_end(better: Home) -> None:
    swapped = msgspec.structs.replace(CLEAR, arms=(Arm("bold", 0.5, "v2"), Arm("control", 0.5, "v1")))
    readout = looked(better, swapped, 25)
    assert readout.verdict == "do not ship"
    assert "control is worse than the control" in readout.reasons[0]


def test_a_fixed_design_hides_its_estimate_until_the_end(better: Home) -> None:
    early = looked(better, EXPERIMENT, 27)
    assert (early.verdict, early.primary, early.look) == ("keep running", [], None)
    assert early.estimate_hidden
    assert early.reasons == ["It is looked at once, at its end on 2024-11-01."]
    late = looked(better, EXPERIMENT, 40)
    assert late.verdict == "ship"
    assert late.until_us == at(28)
    assert late.primary[0].p is not None
    assert looked(better, EXPERIMENT, 50, late.looks).look is None


def test_a_sequence_may_go_on_after_its_days(alike: Home, better: Home) -> None:
    open_ended = msgspec.structs.replace(CLEAR, design=Design(analysis="sequence", days=14))
    readout = looked(alike, open_ended, 27)
    assert readout.verdict == "keep running"
    assert readout.ends_us is None
    assert readout.until_us == at(27)
    assert "days planned are over" in readout.reasons[0]
    assert looked(better, open_ended, 27).verdict == "ship"


def test_without_an_estimate_it_is_no_look(better: Home) -> None:
    readout = read(better, CLEAR, started_us=START_US, until_us=at(20), estimate=False)
    assert (readout.verdict, readout.primary, readout.look) == ("keep running", [], None)
    assert "was not looked at" in readout.reasons[0]


def test_several_treatments_share_alpha(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=1_500, days=28, arms=("control", "bold", "brave"))
    thirds = (Arm("control", 1 / 3), Arm("bold", 1 / 3), Arm("brave", 1 / 3))
    readout = looked(home, msgspec.structs.replace(CLEAR, arms=thirds), 28)
    assert [one.arm for one in readout.primary] == ["bold", "brave"]
    assert readout.look is not None
    assert readout.look.bound["bold"] == pytest.approx(2.2414, abs=1e-3)  # one look at 0.025
    assert "divided by 2 arms" in readout.primary[0].interval


def test_secondary_metrics_and_segments_and_what_is_missing(better: Home) -> None:
    experiment = msgspec.structs.replace(
        CLEAR,
        secondary=("watch_hours", "quality_play_rate", "latency_p95", "searches", "retained_7d"),
        segments=("device", "tenure"),
    )
    readout = looked(better, experiment, 28)
    shown = {one.metric: one for one in readout.secondary}
    assert set(shown) == {"watch_hours", "quality_play_rate", "latency_p95", "retained_7d"}
    assert shown["watch_hours"].shows == "better"
    assert shown["quality_play_rate"].shows == "nothing"
    missing = [check for check in readout.checks if check.name == "other metrics"]
    assert [check.text.split(":")[0] for check in missing] == ["searches"]
    assert any(check.name == "tables" and check.finding == "warning" for check in readout.checks)
    groups = {(one.segment, one.value): one for one in readout.segments}
    assert {("device", "tv"), ("device", "phone")} <= set(groups)
    one, other = groups["device", "tv"], groups["device", "phone"]
    assert abs(one.shrunk - other.shrunk) < abs(one.lift - other.lift)
    assert {point.day for point in readout.curves} == {7}
    primary = readout.primary[0]
    assert primary.shrunk is not None
    assert primary.lift is not None
    assert 0 < primary.shrunk < primary.lift


def test_late_events_are_told(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=800, days=14)
    first = looked(home, CLEAR, 10)
    with_day = [decision("late", "bold", 9.0), play("late", 9.8, seen_us=at(11))]
    add_rows(home, "decisions", with_day[:1])
    add_rows(home, "plays", with_day[1:])
    second = looked(home, CLEAR, 12, first.looks)
    text = next(check.text for check in second.checks if check.name == "late events")
    assert text.startswith("1 events from before the look of 2024-10-14 00:00 arrived after it")


def refused(home: Home, experiment: Experiment = CLEAR, days: float = 20) -> str:
    readout = looked(home, experiment, days)
    assert readout.verdict == "refused"
    assert (readout.primary, readout.secondary, readout.segments, readout.look) == ([], [], [], None)
    return " ".join(readout.reasons)


def test_no_exposure_is_refused(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    add_rows(home, "plays", [play("a", 1.0)])
    assert "No unit was exposed" in refused(home)


def test_an_arm_without_units_is_refused(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=300, days=20, arms=("control",))
    assert "No unit in arm bold; 300 in the others" in refused(home)


def test_a_wrong_ratio_of_units_is_refused(alike: Home) -> None:
    arms = (Arm("control", 0.6, "v1"), Arm("bold", 0.4, "v2"))
    text = refused(alike, msgspec.structs.replace(CLEAR, arms=arms))
    assert "Units do not come in the planned shares" in text
    assert "planned 60 %" in text


def test_units_in_two_arms_are_left_out_and_too_many_refused(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=3_000, days=28)
    second = {"control": "bold", "bold": "control"}
    add_rows(home, "decisions", [decision("m000001", arm, 27.0 + i / 10) for i, arm in enumerate(second)])
    readout = looked(home, CLEAR, 28)
    check = next(one for one in readout.checks if one.name == "units in two arms")
    assert check.finding == "warning"
    assert "1 units (0.0333 %) were seen in several arms and are left out: m000001." in check.text
    assert sum(arm.units for arm in readout.arms) == 2_999
    many = [decision(f"m{i:06d}", arm, 27.5 + k / 10) for i in range(20) for k, arm in enumerate(second)]
    add_rows(home, "decisions", many)
    assert "At most 0.1 % may be." in refused(home, days=28)


def test_an_arm_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=300, days=20)
    add_rows(home, "decisions", [decision("z", "bolder", 3.0)])
    assert "arms that the experiment does not have: bolder. It has control, bold." in refused(home)


def test_a_primary_metric_without_a_table_of_events_is_refused(alike: Home) -> None:
    text = refused(alike, msgspec.structs.replace(CLEAR, primary="searches"))
    assert "The table searches has no event at all, and searches counts them." in text


def test_too_few_units_run_on_and_are_refused_at_the_end(tmp_path: Path) -> None:
    home = random_home(tmp_path, n=150, days=28)
    early = looked(home, CLEAR, 14)
    assert (early.verdict, early.reasons) == ("keep running", ["There are too few units to compare."])
    assert "at least 100 are needed" in refused(home, days=28)


def test_a_missing_metric_and_a_wrong_moment_are_named(alike: Home) -> None:
    with pytest.raises(NotFoundError, match=r'experiment bolder-rows: unknown metric "playz".*mean "plays"'):
        looked(alike, msgspec.structs.replace(CLEAR, primary="playz"), 10)
    with pytest.raises(
        InputError, match=r"experiment bolder-rows: read at 2024-10-03.*expected after its start"
    ):
        looked(alike, CLEAR, -1)


WORSE = msgspec.structs.replace(
    CLEAR,
    arms=(Arm("bold", 0.5, "v2"), Arm("control", 0.5, "v1")),
    primary="active_days",
    guardrails=(Guardrail("plays", 0.02), Guardrail("fallback_rate", 0.5)),
)


def test_a_broken_guardrail_stops_an_arm(better: Home) -> None:
    readout = looked(better, WORSE, 20)
    assert readout.verdict == "stopped by guardrail"
    assert readout.stopped_arms == ["control"]
    (found,) = guardrails_broken(better, WORSE, START_US, at(20))
    assert (found.arm, found.metric) == ("control", "plays")
    assert found.text in readout.reasons[0]
    assert "control: plays is worse by more than 2 %" in found.text
    assert guardrails_broken(better, WORSE, START_US, at(1)) == []


def test_a_guardrail_that_does_not_stop_keeps_an_arm_from_being_shipped(better: Home) -> None:
    rail = Guardrail("latency_p95", 0.0, stop=False)
    metrics = better.root / "metrics"
    metrics.mkdir(exist_ok=True)
    text = '[costly]\ntitle = "C"\nkind = "mean"\ngood = "down"\nof = { table = "plays" }\n'
    (metrics / "own.toml").write_text(text, encoding="utf-8")
    costly = Guardrail("costly", 0.05, stop=False)
    readout = looked(better, msgspec.structs.replace(CLEAR, guardrails=(costly, rail)), 28)
    assert readout.verdict == "do not ship"
    assert "But bold: costly is worse by more than 5 %" in readout.reasons[-1] + readout.reasons[0]
    assert (
        guardrails_broken(better, msgspec.structs.replace(CLEAR, guardrails=(costly,)), START_US, at(28))
        == []
    )


def test_an_arm_that_was_stopped_before_is_not_shipped(better: Home) -> None:
    readout = read(better, CLEAR, started_us=START_US, until_us=at(28), stopped={"bold": "Kim saw errors."})
    assert readout.verdict == "stopped by guardrail"
    assert readout.reasons == ["bold: was stopped. Kim saw errors."]


def test_a_control_without_any_event_permits_none(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    rows = [
        decision(f"{arm}{i}", arm, 0.1 + i / 1_000, fallback=arm == "bold" and i % 4 == 0)
        for arm in ("control", "bold")
        for i in range(400)
    ]
    add_rows(home, "decisions", rows)
    add_rows(home, "plays", [play("bold1", 1.0)])
    experiment = msgspec.structs.replace(CLEAR, guardrails=(Guardrail("fallback_rate"),))
    (found,) = guardrails_broken(home, experiment, START_US, at(3))
    assert found.text == "bold: fallback_rate is worse (0.25 against 0)."


@pytest.mark.slow
def test_arms_that_are_alike_are_rarely_told_apart(tmp_path: Path) -> None:
    """A/A by the whole path: 60 logs, each looked at five times."""
    crossed = stopped = 0
    experiment = msgspec.structs.replace(CLEAR, guardrails=(Guardrail("watch_hours", 0.0),))
    for seed in range(60):
        home = random_home(tmp_path / str(seed), n=600, days=28, seed=100 + seed)
        looks: list[Look] = []
        for day in (6, 12, 18, 24, 28):
            readout = looked(home, experiment, day, looks)
            looks = readout.looks
        crossed += any(one.shows != "nothing" for one in readout.primary) or looks[-1].verdict == "ship"
        stopped += readout.verdict == "stopped by guardrail"
    assert crossed <= 8  # 5 % of 60 is 3; 9 or more have a chance of 0.4 %
    assert stopped <= 4


def test_a_guardrail_on_the_primary_metric_does_not_show_a_hidden_estimate(better: Home) -> None:
    guarded = msgspec.structs.replace(EXPERIMENT, guardrails=(Guardrail("plays"), Guardrail("watch_hours")))
    own, other = looked(better, guarded, 20.0).guardrails
    assert (own.lift, own.low, own.high) == (None, None, None)
    assert own.text == f"bold: plays is {own.standing}."
    assert other.lift is not None
    assert looked(better, guarded, 28.0).guardrails[0].lift is not None
