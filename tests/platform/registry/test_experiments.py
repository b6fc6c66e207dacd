"""Experiments on both databases: one start, shares that only grow, one end, no other change."""

from __future__ import annotations

import json
import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from matinee.errors import InputError, MatineeError, NotFoundError
from matinee.platform.registry.edges import experiment_node
from matinee.platform.registry.experiment_rows import ArmStop, End, ExperimentRow, Ramp
from matinee.platform.registry.migrate import migrate
from matinee.platform.registry.migrations import MIGRATIONS
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.rollouts import RolloutRow
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.prove.experiment.findings import Look
from matinee.types import DAY_US

TRIAL = Experiment(
    name="art-1",
    initiative="art",
    owner="ana",
    hypothesis="If we, then they.",
    arms=(Arm("old", 0.5, "v1"), Arm("new", 0.5, "v2")),
    primary="watch",
    share=0.2,
    salt="s1",
)
LOOK = Look(
    at_us=3 * DAY_US,
    until_us=2 * DAY_US,
    fraction=0.25,
    n={"old": 100, "new": 98},
    estimate={"new": 0.1},
    error={"new": 0.2},
    bound={"new": 4.3},
    verdict="go on",
    made_by="kim",
)


@pytest.fixture
def ready(story: Any) -> Any:
    for name in ("art", "pay"):
        story.initiative(name)
        story.model(name, "v1")
        story.model(name, "v2")
        story.release(name, "v1", 0)
    return story


def start(story: Any, definition: Experiment = TRIAL, day: int = 1, **more: Any) -> ExperimentRow:
    return story.registry.experiments.start(definition, digest="d1", started_us=day * DAY_US, **more)


def other(name: str = "art-2", **change: Any) -> Experiment:
    return msgspec.structs.replace(TRIAL, name=name, **change)


def test_from_start_to_end(ready: Any) -> None:
    experiments = ready.registry.experiments
    row = start(ready, by="kim", note="first")
    assert experiments.running() == experiments.running("art") == [row] == experiments.all()
    assert experiments.running("pay") == []
    assert (row.state, row.layer, row.versions) == ("running", "art", ("v1", "v2"))
    assert row.ramps == (Ramp(DAY_US, 0.2, "kim"),)
    assert row.told() == "art-1 on 20% of layer art since 1970-01-02T00:00:00Z"
    end = End(
        ended_us=9 * DAY_US, verdict="ship", winner="new", reason="won", ended_by="ana", result={"a": 1}
    )
    over = experiments.stop("art-1", end)
    assert over == experiments.read("art-1") == experiments.all("art")[0]
    assert (over.state, over.verdict, over.winner, over.result) == ("stopped", "ship", "new", {"a": 1})
    assert experiments.running() == []
    with pytest.raises(
        InputError, match=r"experiment art-1: was stopped 1970-01-10T00:00:00Z \(ship\), expected a running"
    ):
        experiments.stop("art-1", end)
    upstream = ready.registry.lineage.upstream(experiment_node("art-1"))
    assert sorted(upstream.of("model")) == ["art/v1", "art/v2"]


def test_a_rehearsal_keeps_nothing(ready: Any) -> None:
    assert start(ready, dry_run=True).definition.from_share == 0.0
    assert ready.registry.experiments.all() == []
    start(ready)
    assert ready.registry.experiments.ramp("art-1", 0.5, 2 * DAY_US, dry_run=True).current.share == 0.5
    assert ready.registry.experiments.read("art-1").current.share == 0.2


def test_shares_only_grow_and_keep_their_history(ready: Any) -> None:
    experiments = ready.registry.experiments
    start(ready)
    row = experiments.ramp("art-1", 0.5, 3 * DAY_US, "kim")
    assert row == experiments.read("art-1")
    assert row.ramps == (Ramp(DAY_US, 0.2), Ramp(3 * DAY_US, 0.5, "kim"))
    assert (row.definition.share, row.current.share) == (0.2, 0.5)
    assert [row.share_at(day * DAY_US) for day in (0, 1, 2, 3, 9)] == [0.0, 0.2, 0.2, 0.5, 0.5]
    for share in (0.5, 0.3, 1.1, float("nan")):
        with pytest.raises(InputError, match=f"share is {share:g}, expected above 0.5"):
            experiments.ramp("art-1", share, 4 * DAY_US)
    with pytest.raises(InputError, match=r"the time is 1970-01-03.*, expected not before 1970-01-04"):
        experiments.ramp("art-1", 0.6, 2 * DAY_US)
    over = experiments.stop("art-1", End(ended_us=5 * DAY_US))
    assert over.share_at(4 * DAY_US) == 0.5
    assert over.share_at(5 * DAY_US) == 0.0
    with pytest.raises(InputError, match="was stopped"):
        experiments.ramp("art-1", 0.9, 6 * DAY_US)


def test_a_layer_is_shared_without_overlap(ready: Any) -> None:
    experiments = ready.registry.experiments
    start(ready)
    assert start(ready, other()).definition.from_share == 0.2
    with pytest.raises(
        InputError,
        match=r"art-1: share is 0.3, expected at most 0.2: it begins at 0 of layer art. "
        r"Running: art-2 \(0.2 to 0.4\)",
    ):
        experiments.ramp("art-1", 0.3, 2 * DAY_US)
    with pytest.raises(
        InputError,
        match=r"art-3: share is 0.7, expected room in layer art: Running: art-1 \(0 to 0.2\), art-2 "
        r"\(0.2 to 0.4\)\. Free: 0.4 to 1\.",
    ):
        start(ready, other("art-3", share=0.7))
    assert experiments.ramp("art-2", 0.8, 2 * DAY_US).current.until_share == 1.0
    experiments.stop("art-1", End(ended_us=3 * DAY_US))
    assert start(ready, other("art-3", share=0.1, from_share=0.1)).definition.from_share == 0.1
    # another initiative has a layer of its own, or shares one by name
    assert start(ready, other("pay-1", initiative="pay", share=1.0)).layer == "pay"
    experiments.stop("pay-1", End(ended_us=3 * DAY_US))
    with pytest.raises(InputError, match="expected room in layer art"):
        start(ready, other("pay-2", initiative="pay", layer="art", share=0.5))


def test_one_initiative_stands_in_one_layer(ready: Any) -> None:
    start(ready)
    with pytest.raises(
        InputError, match="art-2: layer is looks, expected art, where experiment art-1 of art"
    ):
        start(ready, other(layer="looks"))


def test_a_name_is_used_once(ready: Any) -> None:
    start(ready)
    with pytest.raises(InputError, match=r"art-1: runs since 1970-01-02.*expected one that was not started"):
        start(ready)
    ready.registry.experiments.stop("art-1", End(ended_us=2 * DAY_US))
    with pytest.raises(InputError, match=r"the name is taken by one .* started 1970-01-02.* is stopped"):
        start(ready)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"initiative": "lyrics"}, NotFoundError, 'experiment art-1: unknown initiative "lyrics"'),
        (
            {"arms": (Arm("a", 0.5, "v1"), Arm("b", 0.5, "v9"))},
            NotFoundError,
            'art-1: unknown model version "v9"',
        ),
        ({"arms": (Arm("a", 0.5), Arm("b", 0.5, "v1"))}, InputError, 'an arm answers "production"'),
        ({"salt": ""}, InputError, "salt is empty"),
        ({"share": 1.5}, InputError, "share is 1.5"),
    ],
)
def test_what_cannot_start_is_told(ready: Any, change: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        start(ready, msgspec.structs.replace(TRIAL, **change))
    assert ready.registry.experiments.all() == []


def test_a_rollout_and_an_experiment_exclude_each_other(ready: Any) -> None:
    canary = RolloutRow(initiative="art", version="v2", kind="canary", share=0.1, salt="s", started_us=DAY_US)
    ready.registry.rollouts.start(canary)
    with pytest.raises(InputError, match=r"art: a canary of v2 runs since .* matinee rollout art --stop"):
        start(ready)
    start(ready, other("pay-1", initiative="pay"))
    with pytest.raises(InputError, match=r"experiment pay-1 runs since .* matinee experiment stop pay-1"):
        ready.registry.rollouts.start(msgspec.structs.replace(canary, initiative="pay"))


def test_an_arm_is_stopped_once(ready: Any) -> None:
    experiments = ready.registry.experiments
    start(ready)
    assert experiments.stop_arm("art-1", "new", 2 * DAY_US, "errors doubled") is True
    assert experiments.stop_arm("art-1", "new", 3 * DAY_US, "again") is False
    assert experiments.running()[0].stopped_arms == {"new": ArmStop(2 * DAY_US, "errors doubled")}
    with pytest.raises(InputError, match="arm old is the control"):
        experiments.stop_arm("art-1", "old", 2 * DAY_US, "why")
    with pytest.raises(InputError, match='unknown arm "newer"'):
        experiments.stop_arm("art-1", "newer", 2 * DAY_US, "why")
    with pytest.raises(NotFoundError, match='unknown experiment "art-9"'):
        experiments.stop_arm("art-9", "new", 2 * DAY_US, "why")


def test_looks_are_kept_in_order(ready: Any) -> None:
    experiments = ready.registry.experiments
    start(ready)
    later = msgspec.structs.replace(LOOK, at_us=4 * DAY_US, verdict="ship", winner="new", made_by=None)
    experiments.add_look("art-1", LOOK)
    experiments.add_look("art-1", later)
    assert experiments.looks("art-1") == [LOOK, later]
    for change, said in (
        ({"at_us": DAY_US}, "expected not before 1970-01-05.* when the look before was made"),
        ({"winner": "new"}, 'winner is "new" and the verdict "go on"'),
        ({"verdict": "ship"}, 'unknown winner "None"'),
        ({"verdict": "yes"}, 'unknown verdict "yes"'),
        ({"n": {"older": 3}}, 'unknown arm "older"'),
    ):
        with pytest.raises(InputError, match=said):
            experiments.add_look("art-1", msgspec.structs.replace(LOOK, **{"at_us": 5 * DAY_US, **change}))
    with pytest.raises(NotFoundError, match='unknown experiment "art-9"'):
        experiments.looks("art-9")


def test_what_an_end_must_say(ready: Any) -> None:
    experiments = ready.registry.experiments
    start(ready)
    for end, said in (
        (End(ended_us=0), "expected not before 1970-01-02.*, when it was started"),
        (End(ended_us=DAY_US, verdict="go on"), 'unknown verdict "go on"'),
        (End(ended_us=DAY_US, verdict="ship", winner="old"), 'unknown winner "old"'),
    ):
        with pytest.raises(InputError, match=said):
            experiments.stop("art-1", end)
    assert experiments.read("art-1").state == "running"


def test_of_several_at_once_one_starts(ready: Any) -> None:
    ends: list[object] = []

    def one(number: int) -> None:
        name = ("art", "pay")[number % 2]
        try:
            ends.append(start(ready, other(f"x-{number}", initiative=name, layer="all", share=0.6)))
        except MatineeError as problem:
            ends.append(problem)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in ends) == ["ExperimentRow", *["InputError"] * 3]


def test_of_several_at_once_one_ends_it(ready: Any) -> None:
    start(ready)
    ends: list[object] = []

    def one(number: int) -> None:
        try:
            end = End(ended_us=2 * DAY_US, reason=f"by {number}")
            ends.append(ready.registry.experiments.stop("art-1", end))
        except MatineeError as problem:
            ends.append(problem)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in ends) == ["ExperimentRow", *["InputError"] * 3]
    (won,) = (one for one in ends if isinstance(one, ExperimentRow))
    assert ready.registry.experiments.read("art-1").reason == won.reason


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("stop_arm", "stop_arm", "False"),
        ("stop", "stop_arm", "experiment art-1: was stopped"),
        ("stop", "ramp", "experiment art-1: was stopped"),
        ("ramp", "ramp", "share is 0.3, expected above 0.3, which it has"),
        ("stop_arm", "stop", "ExperimentRow"),
        ("ramp", "stop_arm", "True"),
    ],
)
def test_whoever_comes_second_sees_what_the_first_did(
    ready: Any, registry_url: str, first: str, second: str, expected: str
) -> None:
    start(ready)
    begun = threading.Event()
    found: list[object] = []

    def change(registry: Registry, what: str, at_us: int) -> object:
        experiments = registry.experiments
        if what == "stop_arm":
            return experiments.stop_arm("art-1", "new", at_us, what)
        if what == "ramp":
            return experiments.ramp("art-1", 0.3, at_us)
        return experiments.stop("art-1", End(ended_us=at_us))

    def beside() -> None:
        with Registry.open(registry_url, wait_s=20) as other_one:
            begun.set()
            try:
                found.append(change(other_one, second, 3 * DAY_US))
            except MatineeError as problem:
                found.append(problem)

    thread = threading.Thread(target=beside)
    with ready.registry.transaction():
        change(ready.registry, first, 2 * DAY_US)
        thread.start()
        assert begun.wait(30)
        thread.join(0.3)
        assert not found  # it waits for the first one
    thread.join(30)
    (told,) = found
    assert expected in (type(told).__name__ if isinstance(told, ExperimentRow) else str(told))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE experiment SET definition = '{}'",
        "UPDATE experiment SET ended_us = 9, digest = 'x' WHERE ended_us IS NULL",
        "UPDATE experiment SET verdict = 'ship' WHERE ended_us IS NOT NULL",
        "UPDATE experiment SET ended_us = NULL, verdict = NULL WHERE ended_us IS NOT NULL",
        "DELETE FROM experiment",
        "UPDATE experiment_ramp SET share = 1.0",
        "DELETE FROM experiment_ramp",
        "UPDATE experiment_arm_stop SET reason = 'none'",
        "DELETE FROM experiment_arm_stop",
        "UPDATE experiment_look SET verdict = 'ship'",
        "DELETE FROM experiment_look",
    ],
)
def test_the_database_refuses_other_changes(ready: Any, statement: str) -> None:
    experiments = ready.registry.experiments
    start(ready)
    start(ready, other())
    experiments.stop_arm("art-1", "new", DAY_US, "why")
    experiments.add_look("art-1", LOOK)
    experiments.stop("art-1", End(ended_us=3 * DAY_US))
    before = (experiments.all(), experiments.looks("art-1"))
    with pytest.raises((MatineeError, DBAPIError)), ready.registry.database.transaction() as con:
        con.exec_driver_sql(statement)
    assert (experiments.all(), experiments.looks("art-1")) == before


def test_words_in_a_result_can_be_covered(ready: Any) -> None:
    start(ready)
    ready.registry.experiments.stop("art-1", End(ended_us=DAY_US, result={"worst": "m1"}))
    with ready.registry.database.transaction() as con:
        con.exec_driver_sql("UPDATE experiment SET result = '{}'")
    assert ready.registry.experiments.read("art-1").result == {}


def test_what_was_registered_before_is_kept_as_stopped(registry_url: str) -> None:
    from matinee.platform.registry.address import Address
    from matinee.platform.registry.connection import Database
    from matinee.platform.registry.sqlite_file import make_file

    address = Address.read(registry_url)
    if address.path is not None:
        make_file(address.path, wait_s=1)
    database = Database(address)
    migrate(database, migrations=MIGRATIONS[:4])
    arms = json.dumps({"old": None, "new": "v1"})
    with database.transaction() as con:
        con.exec_driver_sql(
            "INSERT INTO initiative VALUES ('art', '', '', 2, '', '', '', '', '', '', '', '{}', 0, 0)"
        )
        con.exec_driver_sql(
            f"INSERT INTO experiment VALUES ('a', 'art', 'ana', '{arms}', 'plays', 5, 'running', NULL, NULL)"
        )
    database.close()
    with Registry.open(registry_url) as registry:
        (row,) = registry.experiments.all()
        assert (row.state, row.verdict, row.ended_us, row.versions) == ("stopped", "undecided", 5, ("v1",))
        assert row.definition.primary == "plays"
        assert row.share_at(6) == 0.0
        assert row.current == row.definition
