"""A small service in a registry, built by the test that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event

from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.inputs import DatasetRow, FeatureRow, SourceRow
from matinee.platform.registry.models import ModelRow
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.releases import ReleaseRow
from matinee.platform.registry.runs import RunRow
from matinee.types import DAY_US


@dataclass(frozen=True, slots=True)
class Story:
    """Adds things to a registry, with values that do not matter filled in."""

    registry: Registry

    def initiative(self, name: str, *, tier: int = 2, owner: str = "ana", day: int = 0, **reads: Any) -> None:
        row = InitiativeRow(
            name=name, title=name.title(), owner=owner, tier=tier, stage="built", kind="decides",
            unit="member", hypothesis="If we, then they.", next_step="Try it.", baseline="popular",
            fallback="popular",
            registered_us=day * DAY_US, changed_us=day * DAY_US,
        )  # fmt: skip
        self.registry.initiatives.register(row, **reads)

    def source(self, name: str) -> None:
        self.registry.inputs.register_source(SourceRow(name=name, owner="data", registered_us=0))

    def feature(self, name: str, version: str, *sources: str) -> None:
        row = FeatureRow(
            name=name, version=version, entity="member", owner="ana", declaration={"sum": name, "v": version},
            sources=list(sources), registered_us=0,
        )  # fmt: skip
        self.registry.inputs.register_feature(row)

    def dataset(self, key: str, *sources: str, **features: str) -> None:
        row = DatasetRow(
            id=key, files={"rows.parquet": key}, features=features, sources=list(sources), n_rows=3, at_us=0,
            registered_us=0,
        )  # fmt: skip
        self.registry.inputs.register_dataset(row)

    def run(self, run_id: str, initiative: str, *datasets: str) -> RunRow:
        row = RunRow(
            run_id=run_id, initiative=initiative, pipeline="train", at_us=0, seed=0, data="home", code="c1",
            config={"k": 10}, host="box", pid=1, started_us=0,
        )  # fmt: skip
        self.registry.runs.begin(row)
        for key in datasets:
            self.registry.runs.use_dataset(run_id, key, since_us=0)
        return row

    def model(
        self, initiative: str, version: str, *datasets: str, run_id: str | None = None, day: int = 0
    ) -> ModelRow:
        row = ModelRow(
            initiative=initiative, version=version, run_id=run_id, folder=f"releases/{initiative}/{version}",
            at_us=day * DAY_US, code=f"code of {version}", data="home", files={"model.txt": version},
            registered_us=day * DAY_US,
        )  # fmt: skip
        self.registry.models.register(row, datasets=datasets)
        return row

    def release(self, initiative: str, version: str, day: int) -> ReleaseRow:
        last = self.registry.releases.current(initiative)
        return self.registry.releases.release(
            initiative, version, expected_previous=last and last.id, released_us=day * DAY_US
        )

    def rollback(self, initiative: str, day: int, version: str | None = None) -> ReleaseRow:
        last = self.registry.releases.current(initiative)
        return self.registry.releases.rollback(
            initiative, version, expected_previous=last and last.id, released_us=day * DAY_US
        )


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url, wait_s=5) as found:
        if found.database.engine.dialect.name == "sqlite":
            event.listen(found.database.engine, "connect", do_not_sync)
        yield found


def do_not_sync(con: Any, _: object) -> None:
    """A power cut during a test loses nothing, and waiting for the disk is most of a test's time."""
    con.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def story(registry: Registry) -> Story:
    return Story(registry)
