"""matinee experiment read and power: what they print, store and refuse."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import msgspec
import pytest
from tests.platform.toys import TOY
from tests.prove.experiment.homes import EXPERIMENT, START_US, add_rows, decision, random_home
from tests.prove.experiment.test_interleaving_readout import DAYS, design, merged
from tests.prove.experiment.test_interleaving_readout import START_US as BEGAN_US

from matinee.cli.main import main
from matinee.observe.home import Home
from matinee.platform.lifecycle.experimenting import stop_experiment
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.registering import register
from matinee.platform.loading import load
from matinee.platform.registry.experiment_rows import ArmStop, End
from matinee.prove.experiment.definition import Arm, Design, Experiment, Guardrail
from matinee.types import DAY_US, format_at

RUNNING = msgspec.structs.replace(
    EXPERIMENT,
    initiative="homepage",
    arms=(Arm("control", 0.5, "fallback"), Arm("bold", 0.5, "fallback")),
    design=Design(days=28),
    segments=("device",),
    secondary=("watch_hours",),
)

LEAST_PLAYS = Guardrail("plays", margin=0.05)


def started(folder: Path, experiment: Experiment = RUNNING, *, lift: float = 0.3) -> Home:
    home = random_home(folder, n=1_500, days=28, lift=lift)
    with open_registry(home) as registry:
        register(registry, load("homepage", home), now_us=START_US)
        registry.experiments.start(experiment, digest="", started_us=START_US)
    return home


def looks(home: Home) -> list[str]:
    with open_registry(home) as registry:
        return [look.verdict for look in registry.experiments.looks("bolder-rows")]


def run(home: Home, *words: str) -> int:
    return main(["experiment", *words, "--home", str(home.root)])


def day(n: float) -> str:
    return format_at(START_US + round(n * DAY_US))


def test_reading_prints_the_verdict_first_and_keeps_the_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = started(tmp_path)
    page = tmp_path / "out.html"
    assert run(home, "read", "bolder-rows", "--at", day(27), "--html", str(page), "--by", "kim") == 0
    out = capsys.readouterr().out
    assert out.startswith("bolder-rows: SHIP: bold\n- bold is better than the control: plays +")
    assert "sample ratio" in out
    assert f"Page: {page}" in out
    assert "<svg" in page.read_text(encoding="utf-8")
    assert looks(home) == ["ship"]
    assert run(home, "read", "bolder-rows", "--at", day(27), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["arm"], said["look"]) == ("ship", "bold", None)
    assert [look["made_by"] for look in said["looks"]] == ["kim"]
    assert run(home, "read", "bolder-rows", "--at", day(10)) == 0
    assert looks(home) == ["ship"]


def test_checks_and_guardrails_alone_are_no_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = started(tmp_path)
    assert run(home, "read", "bolder-rows", "--at", day(20), "--no-look") == 0
    assert "KEEP RUNNING" in capsys.readouterr().out
    assert looks(home) == []


def test_a_moment_that_has_not_come_is_no_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else it would be taken for the planned end, and all error probability spent on it."""
    home = started(tmp_path)
    assert run(home, "read", "bolder-rows", "--at", day(60)) == 2
    assert "the home's clock shows 2024-10-31" in capsys.readouterr().err
    assert looks(home) == []


def test_reading_stops_no_arm_unless_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guarded = msgspec.structs.replace(RUNNING, primary="watch_hours", secondary=(), guardrails=(LEAST_PLAYS,))
    home = started(tmp_path, guarded, lift=-0.6)

    def stopped() -> dict[str, ArmStop]:
        with open_registry(home) as registry:
            return registry.experiments.read("bolder-rows").stopped_arms

    assert run(home, "read", "bolder-rows", "--no-look") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("bolder-rows: STOPPED BY GUARDRAIL - bold:")
    assert "Arm bold would be stopped. This read stops nothing" in out
    assert not stopped()
    assert run(home, "read", "bolder-rows", "--stop", "--at", day(20)) == 2
    assert "an arm is stopped now, by what is known now" in capsys.readouterr().err
    assert run(home, "read", "bolder-rows", "--no-look", "--stop", "--by", "kim", "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert (list(said["broken_arms"]), said["stopped_now"]) == (["bold"], ["bold"])
    (stop,) = stopped().values()
    assert (stop.made_by, stop.reason) == ("kim", said["broken_arms"]["bold"])
    assert run(home, "read", "bolder-rows", "--no-look", "--stop") == 1
    assert "would be stopped" not in capsys.readouterr().out


def test_the_end_goes_by_what_was_said_last(tmp_path: Path) -> None:
    """A look said ship; then the data are refused, and then believed again."""
    home = started(tmp_path)
    assert run(home, "read", "bolder-rows", "--at", day(26)) == 0
    crowd = [decision(f"x{i}", "bold", 26.5) for i in range(400)]
    add_rows(home, "decisions", crowd)
    for _ in range(2):
        assert run(home, "read", "bolder-rows", "--at", day(27)) == 1
    assert looks(home) == ["ship", "refused"]
    with open_registry(home) as registry:
        stop = partial(stop_experiment, registry, "bolder-rows", ended_us=START_US + 28 * DAY_US)
        assert stop(dry_run=True).verdict == "refused"
        add_rows(home, "decisions", [decision(f"y{i}", "control", 26.5) for i in range(400)])
        assert run(home, "read", "bolder-rows", "--at", day(27)) == 0
        assert looks(home) == ["ship", "refused", "ship"]
        assert (stop(dry_run=True).verdict, stop(dry_run=True).winner) == ("ship", "bold")
        registry.experiments.stop_arm("bolder-rows", "bold", START_US + 27 * DAY_US, "errors")
        assert (stop().verdict, stop.keywords["ended_us"]) == ("keep", START_US + 28 * DAY_US)
    assert run(home, "read", "bolder-rows") == 1


def test_one_that_was_stopped_early_does_not_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = started(tmp_path, lift=0.0)
    with open_registry(home) as registry:
        registry.experiments.stop("bolder-rows", End(ended_us=START_US + 9 * DAY_US))
    assert run(home, "read", "bolder-rows") == 0
    out = capsys.readouterr().out
    assert out.startswith("bolder-rows: DO NOT SHIP\n- It was stopped on ")
    assert "with the verdict: undecided" in out
    assert run(home, "read", "bolder-rows", "--at", day(5), "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "keep running", "it ran then"


def test_one_that_has_ended_is_read_as_of_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = started(tmp_path, lift=0.0)
    with open_registry(home) as registry:
        registry.experiments.stop_arm("bolder-rows", "bold", START_US + 2 * DAY_US, "errors")
        registry.experiments.stop("bolder-rows", End(ended_us=START_US + 9 * DAY_US))
        assert registry.experiments.read("bolder-rows").stopped_arms["bold"] == ArmStop(
            START_US + 2 * DAY_US, "errors"
        )
    assert run(home, "read", "bolder-rows", "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "stopped by guardrail"
    assert said["until_us"] == START_US + 9 * DAY_US
    assert looks(home) == []


def test_an_interleaving_is_read_by_its_own_analysis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = merged(tmp_path / "home", 0.8, units=150)
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    arms = (Arm("old", 0.5, "fallback"), Arm("new", 0.5, "fallback"))
    one = msgspec.structs.replace(design("spending"), arms=arms, salt="s")
    with open_registry(home) as registry:
        register(registry, TOY, now_us=BEGAN_US)
        registry.experiments.start(one, digest="", started_us=BEGAN_US)
    page = tmp_path / "page.html"
    words = ("read", "rankers", "--at", format_at(BEGAN_US + DAYS * DAY_US))
    assert run(home, *words, "--html", str(page)) == 0
    out = capsys.readouterr().out
    assert out.startswith("rankers: SHIP: new\n- new is better than the control: preference +0.")
    for part in ("What the stop says", "Median-unbiased", "fair coin", "first slot"):
        assert part in out
    assert "What the stop says" in page.read_text(encoding="utf-8")
    assert run(home, *words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["look"], len(said["looks"])) == ("ship", None, 1)
    assert said["after_stop"][0]["low"] > 0


def test_what_was_not_started_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = started(tmp_path)
    assert run(home, "read", "bolder-row") == 2
    assert "bolder-row" in capsys.readouterr().err


def test_power_prints_units_and_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = random_home(tmp_path, n=1_500, days=28)
    words = ("power", "homepage", "--metric", "watch_hours", "--effect", "0.3", "--at", day(28))
    assert run(home, *words) == 0
    out = capsys.readouterr().out
    assert "To find 30 % with probability 0.8 (2 arms" in " ".join(out.split())
    assert run(home, *words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    needed = {one["analysis"]: one for one in said["needed"]}
    assert needed["fixed"]["units"] < needed["spending"]["units"] < needed["sequence"]["units"]
    assert needed["fixed"]["days"] <= 28
    assert said["seen_by"] == "plays"
    assert run(home, *words, "--effect", "-1") == 2
    capsys.readouterr()
    assert run(home, *words, "--days", "400", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["asked_days"], len(said["new_units"])) == (400, said["days"])
    assert said["days"] < 100
    assert said["new_units"][0] > 0, "days before the log are no days without members"
    assert max(one["days"] for one in said["effects"]) <= said["days"]


def test_power_of_what_cannot_be_planned_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = random_home(tmp_path, n=50, days=28)
    assert run(home, "power", "homepage", "--metric", "latency_p95") == 2
    assert "latency_p95 is a quantile" in capsys.readouterr().err
    assert run(home, "power", "homepage", "--metric", "plays") == 2
    assert "expected at least 100 units" in capsys.readouterr().err
