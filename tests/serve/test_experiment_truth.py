"""Experiments on simulated members through the real server, against what is true of them.

The truth is known since the same world can be lived with either answer for everybody: the members have the
same luck, so what differs is what the pages did.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import serving
from trained import release, trained

from matinee.observe.home import Home
from matinee.observe.home_clock import home_clock
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.platform.lifecycle.experiment_reading import read_experiment
from matinee.platform.lifecycle.experimenting import start_experiment
from matinee.platform.lifecycle.project import open_project, open_registry
from matinee.prove.experiment.assignment import assign
from matinee.prove.experiment.definition import FALLBACK, Arm, Design, Experiment
from matinee.prove.experiment.findings import Readout
from matinee.serve.moment import move_clock
from matinee.world.client import Client
from matinee.world.going_on import Going
from matinee.world.kept import keep_world
from matinee.world.service import WorldConfig, simulate, write_home

WORLD = WorldConfig(n_members=600, n_titles=80, n_days=60, future_days=10, seed=3)
START_US = WORLD.start_us + WORLD.n_days * 86_400_000_000
DAYS = 8
PATIENT = {"MATINEE_SERVE__BUDGET_MS": "20000"}
METRIC = """
[chosen]
title = "Plays that began on a page, per member"
kind = "mean"
of = { table = "plays", where = [{ column = "decision_id", op = "present" }] }
"""


@dataclass
class Lived:
    """A home after some days: plays that began on a page, and the arm, of each member who asked for one."""

    home: Home
    chosen: dict[str, int]
    arms: dict[str, set[str | None]]

    @property
    def mean(self) -> float:
        return sum(self.chosen.values()) / len(self.chosen)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home with a version that is in no production."""
    home = Home.create(tmp_path_factory.mktemp("history") / "home")
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    (home.root / "metrics").mkdir()
    (home.root / "metrics" / "pages.toml").write_text(METRIC, encoding="utf-8")
    run = simulate(WORLD)
    write_home(home, run)
    keep_world(home, run)
    return home, trained(home, "homepage")


def lived(history: Home, folder: Path, *, version: str | None = None, arms: tuple[str, ...] = ()) -> Lived:
    """The next days of a copy: `version` for everybody, or an experiment of these arms."""
    home = Home(Path(shutil.copytree(history.root, folder)))
    if version is not None:
        release(home, "homepage", version)
    if arms:
        with open_project(home, "homepage") as project:
            start_experiment(
                project, experiment(arms), started_us=home_clock(home).now_us, by="kim", salt="pepper"
            )
    with serving(home, environment=PATIENT) as server:
        client = Client(server.address)
        Going(home, client, lambda to_us: move_clock(home, to_us)).go(DAYS)
        client.close()
    return Lived(home, *counted(home))


def experiment(arms: tuple[str, ...]) -> Experiment:
    shares = [1 / len(arms)] * len(arms)
    return Experiment(
        name="pages",
        initiative="homepage",
        owner="kim",
        hypothesis="Composed pages are chosen from more often.",
        arms=tuple(
            Arm(f"arm{n}", share, one) for n, (share, one) in enumerate(zip(shares, arms, strict=True))
        ),
        primary="chosen",
        secondary=("quality_plays",),
        design=Design(days=DAYS, looks=DAYS),
    )


def counted(home: Home) -> tuple[dict[str, int], dict[str, set[str | None]]]:
    with connect() as con:
        open_events(con, home, "decisions", "plays")
        rows = con.execute(
            "SELECT unit_id, list(DISTINCT context ->> '$.arm'), (SELECT count(*) FROM plays AS p "
            f"WHERE p.member_id = unit_id AND p.decision_id IS NOT NULL AND p.at_us >= {START_US}) "
            f"FROM decisions WHERE initiative = 'homepage' AND at_us >= {START_US} GROUP BY unit_id"
        ).fetchall()
    return {unit: n for unit, _, n in rows}, {unit: set(arms) for unit, arms, _ in rows}


def readout(home: Home) -> Readout:
    with open_registry(home) as registry:
        return read_experiment(home, registry, "pages", now_us=START_US + DAYS * 86_400_000_000)[0]


@pytest.mark.slow
def test_an_estimate_covers_the_truth_and_arms_are_as_assigned(
    history: tuple[Home, str], tmp_path: Path
) -> None:
    home, version = history
    with_model = lived(home, tmp_path / "model", version=version)
    without = lived(home, tmp_path / "popular")
    tried = lived(home, tmp_path / "tried", arms=(FALLBACK, version))
    truth = with_model.mean - without.mean
    with open_registry(tried.home) as registry:
        definition = registry.experiments.read("pages").definition
    names = [arm.name for arm in definition.arms]
    for unit, arms in tried.arms.items():
        found = assign(definition, unit)
        assert found is not None
        assert arms == {names[found.arm]}, f"{unit} was in another arm than it is assigned to"
    read = readout(tried.home)
    assert read.verdict != "refused", read.reasons
    (one,) = read.primary
    assert one.n_control + one.n_treated == len(tried.chosen) > 300
    in_arm = {name: [tried.chosen[u] for u, arms in tried.arms.items() if arms == {name}] for name in names}
    means = [sum(values) / len(values) for values in in_arm.values()]
    assert one.control == pytest.approx(means[0], abs=0.15 * means[0])  # adjusted by what was before
    print(
        f"truth {truth:+.3f} plays per member, estimate {one.difference:+.3f} "
        f"[{one.difference_low:+.3f}, {one.difference_high:+.3f}], plain {means[1] - means[0]:+.3f}"
    )
    assert one.difference_low <= truth <= one.difference_high
    assert abs(one.difference - truth) <= 3 * one.error


@pytest.mark.slow
def test_equal_arms_differ_by_nothing(history: tuple[Home, str], tmp_path: Path) -> None:
    tried = lived(history[0], tmp_path / "equal", arms=(FALLBACK, FALLBACK))
    read = readout(tried.home)
    assert read.verdict == "do not ship", read.reasons
    assert {one.shows for one in [*read.primary, *read.secondary]} == {"nothing"}
    assert all(check.finding != "refused" for check in read.checks)
