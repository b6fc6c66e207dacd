"""One bad Tuesday teaches a model nothing, and a training from before it was declared is not reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.outages import declare, withdraw
from matinee.platform.config import PlatformConfig
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.registering import register
from matinee.platform.lifecycle.running import run_pipeline
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step
from matinee.platform.registry.registry import Registry
from matinee.types import DAY_US

TUESDAY_US = 20_060 * DAY_US
NOW_US = 20_070 * DAY_US
READS = ("plays", "titles", "availability", "pins", "members", "impressions", "signals")


def weekdays(home: Home, at_us: int) -> dict[str, int]:
    """Plays that a model would learn from, by weekday."""
    found = interactions_from_home(home, until_us=at_us, catalogue=load_catalogue(home, at_us))
    days = (found.histories.at_us // DAY_US) % 7
    return {str(day): int((days == day).sum()) for day in range(7)}


def learned(project: Project) -> tuple[int, str]:
    """Plays of the outage's weekday that were learned from, and whether they were counted or remembered."""
    done = run_pipeline(project, project.initiative.pipeline, seed=0)
    return done.result[str(TUESDAY_US // DAY_US % 7)], done.record.steps[0].state


def test_a_declared_outage_is_left_out_of_training_at_once(
    service: Any, make_initiative: Any, tmp_path: Path
) -> None:
    def down(day: int, m: int, fields: dict[str, Any]) -> dict[str, Any]:
        return fields | ({"title_id": "the only one that played"} if day == 60 else {})

    home = service.plays(down).home()
    initiative = replace(make_initiative(*READS), pipeline=Pipeline("train", [step(weekdays, reads=READS)]))
    with Registry.open(home.meta_db) as registry:
        register(registry, initiative, now_us=0)
        project = Project(
            home, initiative, initiative.config(), PlatformConfig(), registry, "home", home, NOW_US
        )
        before, _ = learned(project)
        assert learned(project) == (before, "cached")
        one = declare(home, TUESDAY_US, TUESDAY_US + DAY_US - 1, note="catalogue down", from_us=NOW_US)
        after, state = learned(project)
        assert state == "ran"
        assert 50 < before - after < 80, "the plays of one day"
        withdraw(home, one.outage_id, from_us=NOW_US)
        assert learned(project)[0] == before
        assert not project.surroundings.home.learning, "answers know whole histories"
