"""Rollouts on both databases: one at a time, one end, no other change."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from matinee.errors import InputError, MatineeError, NotFoundError
from matinee.platform.registry.rollouts import End, RolloutRow, told
from matinee.types import DAY_US

CANARY = RolloutRow(
    initiative="art", version="v2", kind="canary", share=0.05, salt="s1", started_us=DAY_US, started_by="kim"
)
STOP = End(ended_us=2 * DAY_US, verdict="stopped", reason="enough seen", ended_by="ana")


@pytest.fixture
def ready(story: Any) -> Any:
    story.initiative("art")
    story.model("art", "v1")
    story.model("art", "v2")
    story.model("art", "v3")
    story.release("art", "v1", 0)
    return story


def test_from_start_to_end(ready: Any) -> None:
    rollouts = ready.registry.rollouts
    assert rollouts.running("art") is None
    row = rollouts.start(CANARY)
    assert row == msgspec.structs.replace(CANARY, id=row.id)
    assert rollouts.running("art") == row == rollouts.all_running(["art", "pay"])["art"]
    assert rollouts.end(row.id, STOP) is True
    assert rollouts.end(row.id, msgspec.structs.replace(STOP, reason="again")) is False
    assert rollouts.running("art") is None
    (over,) = rollouts.history("art")
    assert (over.verdict, over.reason, over.ended_us, over.ended_by) == (
        "stopped",
        "enough seen",
        2 * DAY_US,
        "ana",
    )


def test_one_at_a_time(ready: Any) -> None:
    rollouts = ready.registry.rollouts
    row = rollouts.start(CANARY)
    with pytest.raises(
        InputError, match=r"art: canary of v2 for 5% of the units since .* expected no rollout"
    ):
        rollouts.start(msgspec.structs.replace(CANARY, version="v3", kind="shadow"))
    rollouts.end(row.id, STOP)
    assert rollouts.start(msgspec.structs.replace(CANARY, version="v3", kind="shadow")).id > row.id


def test_of_several_at_once_one_starts(ready: Any) -> None:
    ends: list[object] = []

    def start() -> None:
        try:
            ends.append(ready.registry.rollouts.start(CANARY))
        except MatineeError as problem:
            ends.append(problem)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(type(one).__name__ for one in ends) == ["InputError"] * 3 + ["RolloutRow"]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"version": "v9"}, NotFoundError, 'art: unknown model version "v9"'),
        ({"initiative": "pay"}, NotFoundError, 'rollout: unknown initiative "pay"'),
        ({"version": "v1"}, InputError, "version v1 is in production since"),
        ({"share": 0.0}, InputError, "share is 0.0, expected above 0 and at most 1"),
        ({"share": 1.5}, InputError, "share is 1.5"),
        ({"kind": "dark"}, InputError, 'unknown kind "dark"'),
    ],
)
def test_what_cannot_start_is_told(ready: Any, change: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        ready.registry.rollouts.start(msgspec.structs.replace(CANARY, **change))
    assert ready.registry.rollouts.history("art") == []


def test_a_canary_needs_something_in_production_a_shadow_does_not(story: Any) -> None:
    story.initiative("art")
    story.model("art", "v2")
    with pytest.raises(InputError, match="art: nothing is in production, expected a release to hold"):
        story.registry.rollouts.start(CANARY)
    assert story.registry.rollouts.start(msgspec.structs.replace(CANARY, kind="shadow")).id


def test_a_release_or_rollback_settles_it(ready: Any) -> None:
    rollouts = ready.registry.rollouts
    rollouts.start(CANARY)
    released = ready.release("art", "v2", 3)
    settled = rollouts.settle(released)
    assert (settled.verdict, settled.ended_us) == ("released", 3 * DAY_US)
    assert settled.reason == f"release {released.id} put v2 in production"
    assert rollouts.settle(released) is None
    rollouts.start(msgspec.structs.replace(CANARY, version="v3", started_us=4 * DAY_US))
    assert rollouts.settle(ready.rollback("art", 5)).verdict == "stopped"
    assert [one.verdict for one in rollouts.history("art")] == ["released", "stopped"]
    with pytest.raises(NotFoundError, match='unknown rollout "99"'):
        rollouts.end(99, STOP)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rollout SET version = 'v3' WHERE ended_us IS NULL",
        "UPDATE rollout SET ended_us = 9, share = 1.0 WHERE ended_us IS NULL",
        "UPDATE rollout SET reason = 'other' WHERE ended_us IS NOT NULL",
        "UPDATE rollout SET ended_us = NULL WHERE ended_us IS NOT NULL",
        "DELETE FROM rollout",
    ],
)
def test_the_database_refuses_other_changes(ready: Any, statement: str) -> None:
    rollouts = ready.registry.rollouts
    rollouts.end(rollouts.start(CANARY).id, STOP)
    rollouts.start(CANARY)
    before = rollouts.history("art")
    with pytest.raises((MatineeError, DBAPIError)), ready.registry.database.transaction() as con:
        con.exec_driver_sql(statement)
    assert rollouts.history("art") == before


def test_told_in_words() -> None:
    assert told(msgspec.structs.replace(CANARY, kind="shadow", share=1.0)).startswith(
        "shadow of v2 for 100% of the requests since 1970-01-02"
    )
