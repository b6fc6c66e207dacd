"""The readout of an interleaving: verdicts by each analysis, looks, and what refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.platform.toys import TOY
from tests.prove.experiment.test_interleaving_reading import experiment, shown

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.platform.outcomes.join import join
from matinee.prove.experiment.definition import Design, Experiment, Guardrail
from matinee.prove.experiment.findings import Look, Readout
from matinee.prove.experiment.page import page
from matinee.prove.experiment.readout import read
from matinee.types import DAY_US

START_US = 1_730_000_000_000_000
UNITS, DAYS = 240, 14


def merged(folder: Path, prefer_new: float, *, units: int = UNITS, coin: bool = True) -> Home:
    """A home in which units see one merged answer each, evenly over the days, and choose one of two slots."""
    home = Home.create(folder)
    for i in range(units):
        teams = "AB" if i % 2 and coin else "BA"
        slot = 1 + teams.index("B" if i * 0.618034 % 1 < prefer_new else "A")
        seconds = i * DAYS * 86_400 // units
        shown(home, seconds, f"m{i}", teams, {f"s{slot}": 1.0})
    join(home, TOY, now_us=START_US + 2 * DAYS * DAY_US)
    return home


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return merged(tmp_path_factory.mktemp("better"), 0.63)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return merged(tmp_path_factory.mktemp("alike"), 0.5)


def looked(home: Home, one: Experiment, day: float, looks: list[Look] | None = None) -> Readout:
    return read(home, one, looks or [], started_us=START_US, until_us=START_US + round(day * DAY_US))


def design(analysis: str, days: int = DAYS) -> Experiment:
    planned = Design(analysis=analysis, days=days, looks=days)  # type: ignore[arg-type]
    return msgspec.structs.replace(experiment(), design=planned)


def test_spending_goes_on_then_ships_by_the_stored_bounds(better: Home) -> None:
    one, looks = design("spending"), list[Look]()
    early = looked(better, one, 4)
    assert (early.verdict, early.primary, early.look) == ("keep running", [], None)
    assert early.checks[-1].text == "35 units prefer one of the arms, at least 50 are needed."
    for day in range(6, DAYS + 1):
        found = looked(better, one, day, looks)
        assert found.look is not None
        looks.append(found.look)
        if found.verdict == "ship":
            break
        assert (found.verdict, found.after_stop) == ("keep running", [])
    assert (found.verdict, found.arm, looks[-1].winner) == ("ship", "new", "new")
    assert 0 < looks[0].fraction < looks[-1].fraction < 1
    (shown_,) = found.primary
    assert shown_.difference_low is not None
    assert 0 < shown_.difference_low < shown_.difference < 1
    assert looks[-1].n["new"] > looks[-1].n["old"]
    (stop,) = found.after_stop
    assert 0 < stop.low < stop.estimate < shown_.difference
    assert stop.p < 0.05
    again = looked(better, one, day, looks)
    assert (again.verdict, again.look, again.looks) == ("ship", None, looks)
    later = looked(better, one, DAYS, looks)
    assert later.reasons[0].startswith("Decided at the look of")
    assert later.after_stop[0].until_us == looks[-1].until_us
    assert "first slot" in page(found)


@pytest.mark.parametrize("analysis", ["spending", "fixed", "sequence"])
def test_arms_that_are_alike_are_not_shipped(alike: Home, analysis: str) -> None:
    found = looked(alike, design(analysis), DAYS + 2)
    assert found.verdict == ("keep running" if analysis == "sequence" else "do not ship")
    (one,) = found.primary
    assert one.shows == "nothing"
    assert one.difference_low is not None
    assert one.difference_high is not None
    assert one.difference_low < 0 < one.difference_high
    assert (one.p is None) == (analysis == "spending")
    assert len(found.after_stop) == (analysis == "spending")


def test_the_preferred_control_is_kept(tmp_path: Path) -> None:
    found = looked(merged(tmp_path, 0.2), design("sequence"), DAYS + 2)
    assert (found.verdict, found.primary[0].shows) == ("do not ship", "worse")


def test_all_units_that_agree_have_an_error_too(tmp_path: Path) -> None:
    found = looked(merged(tmp_path, 1.0, units=80), design("fixed"), DAYS)
    assert found.verdict == "ship"
    assert found.primary[0].error == pytest.approx(found.look.n["new"] ** -0.5 if found.look else 0)


def test_a_fixed_design_shows_nothing_before_its_end(better: Home) -> None:
    found = looked(better, design("fixed"), 10)
    assert (found.verdict, found.primary, found.counts, found.look) == ("keep running", [], [], None)
    assert found.estimate_hidden
    assert looked(better, design("fixed"), DAYS).verdict == "ship"


def test_what_refuses(tmp_path: Path) -> None:
    uneven = merged(tmp_path / "uneven", 0.5, units=100, coin=False)
    refused = looked(uneven, design("spending"), DAYS)
    assert (refused.verdict, refused.look, refused.counts) == ("refused", None, [])
    assert "old had the first slot for 0 units and new for" in refused.reasons[0]
    nothing = looked(Home.create(tmp_path / "none"), design("spending"), 3)
    assert nothing.verdict == "refused"
    assert 'No answer of experiment "rankers" was merged.' in nothing.reasons[0]
    few = merged(tmp_path / "few", 1.0, units=20)
    assert looked(few, design("spending"), 1).checks[0].text.startswith("2 are open")
    at_end = looked(few, design("spending"), DAYS)
    assert at_end.verdict == "refused"
    assert "units prefer one of the arms, at least 50 are needed." in at_end.reasons[0]
    with pytest.raises(InputError, match="expected after its start"):
        looked(uneven, design("spending"), -1)


def test_metrics_and_guardrails_are_said_not_to_be_compared(better: Home) -> None:
    one = msgspec.structs.replace(design("sequence"), guardrails=(Guardrail("watch_hours"),))
    found = looked(better, one, 10)
    assert [c.finding for c in found.checks if c.name == "other metrics"] == ["not run"]
