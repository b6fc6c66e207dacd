from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from matinee.errors import InputError, NotFoundError, VerdictError
from matinee.platform.registry.edges import initiative_node
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.releases import GateRow, Reasons
from matinee.types import DAY_US

HOUR_US = DAY_US // 24


@pytest.fixture
def long_story(story: Any) -> Any:
    """Ten releases and two rollbacks: v1 to v8 on days 1 to 8, back on 9 and 10, v9 and v10 on 11 and 12."""
    with story.registry.transaction():
        story.source("plays")
        story.source("prices")
        story.initiative("art")
        for number in range(1, 11):
            story.dataset(f"d{number}", "plays" if number % 2 else "prices")
            story.model("art", f"v{number}", f"d{number}", day=number)
    for day in range(1, 9):
        story.release("art", f"v{day}", day)
    story.rollback("art", 9)
    story.rollback("art", 10)
    story.release("art", "v9", 11)
    story.release("art", "v10", 12)
    return story


def test_history_after_ten_releases_and_two_rollbacks(long_story: Any) -> None:
    releases = long_story.registry.releases
    history = releases.history("art")
    assert [(row.kind, row.version) for row in history] == [
        *(("release", f"v{number}") for number in range(1, 9)),
        ("rollback", "v7"),
        ("rollback", "v6"),
        ("release", "v9"),
        ("release", "v10"),
    ]
    assert [row.previous_id for row in history] == [None, *(row.id for row in history[:-1])]
    assert releases.current("art") == history[-1]


def test_what_was_in_production_on_each_day(long_story: Any) -> None:
    releases = long_story.registry.releases
    assert releases.current_on("art", DAY_US - 1) is None
    on = {day: releases.current_on("art", day * DAY_US + HOUR_US).version for day in range(1, 13)}
    assert on == {
        1: "v1", 2: "v2", 3: "v3", 4: "v4", 5: "v5", 6: "v6", 7: "v7", 8: "v8", 9: "v7", 10: "v6", 11: "v9",
        12: "v10",
    }  # fmt: skip
    assert releases.current_on("art", 9 * DAY_US).kind == "rollback"
    assert releases.current_on("art", 9 * DAY_US - 1).version == "v8"


def test_lineage_follows_what_is_in_production(long_story: Any) -> None:
    lineage = long_story.registry.lineage
    me = initiative_node("art")
    assert lineage.upstream(me).of("model") == ["art/v10"]
    assert lineage.upstream(me).of("source") == ["prices"]
    assert lineage.upstream(me, on_us=9 * DAY_US).of("model") == ["art/v7"]
    assert lineage.upstream(me, on_us=9 * DAY_US).of("source") == ["plays"]
    assert lineage.upstream(me, on_us=0).nodes == []
    hit = lineage.breaks_if_stops("prices")
    assert hit.initiatives == ["art"]
    assert hit.releases == [long_story.registry.releases.current("art").id]
    assert hit.models == ["art/v10", "art/v2", "art/v4", "art/v6", "art/v8"]
    spared = lineage.breaks_if_stops("plays")
    assert spared.initiatives == []
    assert spared.releases == []
    assert len(spared.models) == 5


def test_rollback_takes_off_what_it_undid(story: Any) -> None:
    story.initiative("art")
    for version in ("a", "b", "c", "d"):
        story.model("art", version)
        story.release("art", version, 1)
    assert story.rollback("art", 2, "b").version == "b"
    assert story.rollback("art", 3).version == "a"
    with pytest.raises(VerdictError, match="nothing to roll back to, expected at least two releases"):
        story.rollback("art", 4)
    assert story.release("art", "d", 5).version == "d"
    assert story.rollback("art", 6).version == "a"


def test_rollback_to_a_version_that_was_never_there_is_refused(story: Any) -> None:
    story.initiative("art")
    for version in ("a", "b", "never"):
        story.model("art", version)
    with pytest.raises(VerdictError, match="nothing to roll back to"):
        story.rollback("art", 1)
    story.release("art", "a", 1)
    story.release("art", "b", 1)
    with pytest.raises(InputError, match="version never was never in production, expected one of a, b"):
        story.rollback("art", 2, "never")
    with pytest.raises(InputError, match="version b is in production since 1970-01-02"):
        story.rollback("art", 2, "b")
    with pytest.raises(NotFoundError, match=r'unknown model version "aa". Did you mean "a"'):
        story.rollback("art", 2, "aa")


def test_unknown_names_are_told_with_the_nearest(story: Any) -> None:
    story.initiative("artwork")
    story.model("artwork", "1998-04-22-abc")
    with pytest.raises(NotFoundError, match=r'unknown initiative "artwrk". Did you mean "artwork"'):
        story.release("artwrk", "x", 1)
    with pytest.raises(NotFoundError, match=r'"1998-04-22-abd". Did you mean "1998-04-22-abc"'):
        story.release("artwork", "1998-04-22-abd", 1)
    assert story.registry.releases.history("artwork") == []


def test_who_comes_second_is_told_who_won(story: Any) -> None:
    story.initiative("art")
    for version in ("a", "b", "c"):
        story.model("art", version)
    releases = story.registry.releases
    first = releases.release(
        "art", "a", expected_previous=None, released_us=DAY_US, reasons=Reasons(approver="ana")
    )
    with pytest.raises(VerdictError) as told:
        releases.release("art", "b", expected_previous=None, released_us=DAY_US)
    assert str(told.value) == (
        f"art: release {first.id} (version a, 1970-01-02T00:00:00Z, by ana) came first, expected none to be "
        "the last one. Nothing was released. Look at it (matinee history art), then decide again."
    )
    with pytest.raises(InputError, match="version a is in production since"):
        releases.release("art", "a", expected_previous=first.id, released_us=DAY_US)
    with pytest.raises(VerdictError, match="expected release 99 to be the last one"):
        releases.rollback("art", expected_previous=99, released_us=DAY_US)
    assert len(releases.history("art")) == 1


def test_a_clock_that_jumps_back_is_refused_and_the_way_out_works(story: Any) -> None:
    story.initiative("art")
    for version in ("a", "b"):
        story.model("art", version)
    story.release("art", "a", 20_000)
    with pytest.raises(InputError) as told:
        story.release("art", "b", 10_000)
    assert "the clock says 1997-05-19T00:00:00Z, expected no time before the last release" in str(told.value)
    assert "pass --at 2024-10-04T00:00:00Z. Nothing was released." in str(told.value)
    story.release("art", "b", 20_000)
    assert story.registry.releases.current_on("art", 20_000 * DAY_US).version == "b"
    assert story.registry.releases.current_on("art", 20_000 * DAY_US - 1) is None


def test_history_cannot_be_rewritten(story: Any) -> None:
    story.initiative("art")
    story.model("art", "a")
    story.model("art", "b")
    story.release("art", "a", 1)
    story.registry.releases.record_gates([gate("t1", "loads")])
    for statement in (
        "UPDATE release SET version = 'b'",
        "DELETE FROM release",
        "UPDATE gate_result SET verdict = 'passed'",
        "DELETE FROM gate_result",
    ):
        with (
            pytest.raises(InputError, match="is append-only: no"),
            story.registry.database.transaction() as con,
        ):
            con.execute(text(statement))
    assert story.registry.releases.current("art").version == "a"
    assert story.registry.releases.gates("art")[0].verdict == "failed"


def test_history_cannot_be_replaced_or_emptied_either(story: Any) -> None:
    story.initiative("art")
    story.model("art", "a")
    story.model("art", "b")
    kept = story.release("art", "a", 1)
    sqlite = story.registry.database.engine.dialect.name == "sqlite"
    rest = "'release', NULL, NULL, '{}', NULL, '', 5)"
    statements = (
        [
            f"INSERT OR REPLACE INTO release VALUES ({kept.id}, 'art', 'b', {rest}",
            f"INSERT OR REPLACE INTO release VALUES (77, 'art', 'b', {rest}",
        ]
        if sqlite
        else ["TRUNCATE release CASCADE"]
    )
    for statement in statements:
        with (
            pytest.raises(InputError, match="append-only"),
            story.registry.database.transaction() as con,
        ):
            con.exec_driver_sql(statement)
    assert story.registry.releases.history("art") == [kept]


def test_evidence_and_gates_are_kept(story: Any) -> None:
    story.initiative("art")
    story.model("art", "a")
    releases = story.registry.releases
    reasons = Reasons(note="why", approver="ana", attempt_id="t1", evidence={"lift": 0.1, "of": ["x"]})
    with story.registry.transaction():
        releases.record_gates([gate("t1", "loads", "passed"), gate("t1", "latency", "not_measured")])
        releases.release("art", "a", expected_previous=None, released_us=1, reasons=reasons)
    row = releases.history("art")[0]
    assert (row.note, row.approver, row.attempt_id) == ("why", "ana", "t1")
    assert row.evidence == {"lift": 0.1, "of": ["x"]}
    assert [(one.gate, one.verdict) for one in releases.gates("art", "t1")] == [
        ("loads", "passed"),
        ("latency", "not_measured"),
    ]
    with pytest.raises(InputError, match="gate loads: attempt t1 has its verdict already"):
        releases.record_gates([gate("t1", "other"), gate("t1", "loads")])
    assert len(releases.gates("art")) == 2, "nothing of a refused batch is kept"
    with pytest.raises(InputError, match='gate loads: unknown verdict "maybe"'):
        releases.record_gates([gate("t2", "loads", "maybe")])


def test_of_threads_that_release_at_once_one_wins_and_the_others_are_told(story: Any) -> None:
    story.initiative("art")
    versions = ("a", "b", "c", "d")
    for version in versions:
        story.model("art", version)
    start = threading.Barrier(len(versions))

    def race(version: str) -> str:
        start.wait()
        try:
            story.registry.releases.release("art", version, expected_previous=None, released_us=1)
        except VerdictError as told:
            return str(told)
        return "won"

    with ThreadPoolExecutor(len(versions)) as pool:
        said = dict(zip(versions, pool.map(race, versions), strict=True))
    (only,) = story.registry.releases.history("art")
    assert said.pop(only.version) == "won"
    for told in said.values():
        assert told.startswith(f"art: release {only.id} (version {only.version}, ")


def gate(attempt: str, name: str, verdict: str = "failed") -> GateRow:
    return GateRow(
        attempt_id=attempt, initiative="art", version="a", gate=name, verdict=verdict, text="because",
        figure=1.5, bound=1.0, measured_us=1,
    )  # fmt: skip


def test_an_initiative_without_releases_has_none(story: Any, registry: Registry) -> None:
    story.initiative("art")
    assert registry.releases.current("art") is None
    assert registry.releases.history("art") == []
    with pytest.raises(InputError, match="there is no release yet, expected release 3 to be the last one"):
        registry.releases.release("art", "a", expected_previous=3, released_us=1)
