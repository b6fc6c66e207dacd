"""Pages of members in an experiment, over HTTP: the same page as long as nothing changes, cursors, the log.

Both arms are the fallback, so nothing is trained; `test_experiments_served.py` has versions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import Running, make_home, serving, titles_on
from tests.serve.toy_service import begin

from matinee.observe.decision_log import find_decision
from matinee.observe.decisions import DecisionRecord
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.registry.experiment_rows import End
from matinee.prove.experiment.assignment import assign, in_holdout
from matinee.prove.experiment.definition import FALLBACK
from matinee.serve.trials import CONTEXT

HOLDOUT = 0.2
SETTINGS = f"\n[serve]\nrefresh_s = 3600\n\n[experiments]\nholdout = {HOLDOUT}\n"
MEMBERS = [f"new{i}" for i in range(40)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(make_home(tmp_path_factory.mktemp("experiments") / "home", SETTINGS)) as running:
        yield running


def why(server: Running, decision_id: str) -> Any:
    reply = server.http.get(f"/v1/decisions/{decision_id}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def logged(server: Running, decision_id: str) -> DecisionRecord:
    """What was logged: found in the segment as soon as the writer has come to it."""
    end = time.monotonic() + 5
    while (record := find_decision(server.home, decision_id)) is None:
        assert time.monotonic() < end, f"{decision_id} was not logged"
        time.sleep(0.01)
    return record


def place_in(record: DecisionRecord) -> dict[str, Any]:
    """Where the unit stands, by the context of a decision."""
    return {key: value for key, value in record.context.items() if key in CONTEXT}


def start(server: Running, name: str, **more: Any) -> Any:
    """Start one and wait until the server takes part in it."""
    row = begin(server.home, "homepage", (FALLBACK, FALLBACK), name=name, **more)
    within(server, lambda running: name in running)
    return row.current


def stop(server: Running, name: str) -> None:
    with open_registry(server.home) as registry:
        registry.experiments.stop(name, End(ended_us=10**16))
    within(server, lambda running: name not in running)


def within(server: Running, true: Callable[[list[str]], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true(running(server)):
        assert time.monotonic() < end, "the server did not follow"
        time.sleep(0.05)


def running(server: Running) -> list[str]:
    details = server.http.get("/readyz").json()["details"]
    return list(details["initiatives"]["homepage"]["experiments"])


def test_start_ramp_and_stop_change_a_page_at_the_next_request_and_no_cursor(server: Running) -> None:
    before = {member: server.page(member, rows=2) for member in MEMBERS}
    experiment = start(server, "first", share=0.5, kept_out=0.3)
    after: dict[str, Any] = {}
    for member in MEMBERS:
        further = server.page(member, rows=2, cursor=before[member]["next_cursor"])
        assert "arm" not in logged(server, further["decision_id"]).context
        after[member] = server.page(member, rows=2)
        place = assign(experiment, member, holdout=HOLDOUT)
        made_again = (
            after[member]["decision_id"] != before[member]["decision_id"] and not after[member]["sticky_of"]
        )
        assert made_again == (place is not None)
        record = logged(server, after[member]["decision_id"])
        context = {key: record.context.get(key) for key in ("experiment", "arm", "kept_out", "holdout")}
        assert context == {
            "experiment": place and "first",
            "arm": place and "AB"[place.arm],
            "kept_out": (place is not None and place.kept_out) or None,
            "holdout": in_holdout(HOLDOUT, member) or None,
        }
        if place is not None:
            assert (record.model, record.fallback) == ("none", False)
            again = server.page(member, rows=2)
            assert again["sticky_of"] == after[member]["decision_id"]
            assert logged(server, again["decision_id"]).context == place_in(record)
    with open_registry(server.home) as registry:
        registry.experiments.ramp("first", 1.0, 10**15)
        registry.experiments.stop_arm("first", "B", 10**15, "it hurts")
    inside = next(m for m in MEMBERS if (p := assign(experiment, m, holdout=HOLDOUT)) and p.arm == 0)
    theirs = next(m for m in MEMBERS if (p := assign(experiment, m, holdout=HOLDOUT)) and p.arm == 1)
    end = time.monotonic() + 5
    while (page := server.page(theirs, rows=2))["sticky_of"] is not None:
        assert time.monotonic() < end
    said = why(server, page["decision_id"])
    assert (said["experiment"], said["arm"], said["context"]["arm_stopped"]) == ("first", "B", True)
    assert (said["model"], said["reproduced"]) == ("none", True), said["note"]
    assert server.page(inside, rows=2)["sticky_of"] == after[inside]["decision_id"]
    further = server.page(inside, rows=2, cursor=after[inside]["next_cursor"])
    assert logged(server, further["decision_id"]).context["arm"] == "A"
    stop(server, "first")
    last = server.page(inside, rows=2, cursor=further["next_cursor"])
    shown = [titles_on(one, but=("continue_watching",)) for one in (after[inside], further, last)]
    assert all(shown[:2])
    assert "arm" not in logged(server, last["decision_id"]).context
    assert server.page(inside, rows=2)["sticky_of"] is None


def test_interleaved_pages_repeat_nothing_and_go_on(server: Running) -> None:
    start(server, "together", kind="interleaving")
    member = next(m for m in MEMBERS if not in_holdout(HOLDOUT, m))
    page = server.page(member, rows=2)
    said = why(server, page["decision_id"])
    assert (said["arm"], said["policy"], said["model"]) == ("both", "team-draft", "none+none")
    slots = [tile for row in page["rows"] for tile in row["tiles"]]
    assert said["context"]["teams"] == "-" * len(slots)
    further = server.page(member, rows=2, cursor=page["next_cursor"])
    assert [row["row"] for row in further["rows"]] == [3, 4]
    assert why(server, further["decision_id"])["arm"] == "both"
    assert said["reproduced"] is True, said["note"]
    stop(server, "together")


def test_decisions_of_an_experiment_are_counted(server: Running) -> None:
    start(server, "counted")
    for member in MEMBERS[:10]:
        server.page(member)
    text = server.http.get("/metrics").text
    labels = 'arm="A",experiment="counted",how="computed",initiative="homepage"'
    assert f"matinee_experiment_decisions_total{{{labels}}}" in text
    stop(server, "counted")


def test_what_an_experiment_writes_into_the_context_is_not_for_callers(server: Running) -> None:
    for name in ("experiment", "arm", "teams"):
        reply = server.http.post("/v1/decisions/homepage", json={"unit_id": "m1", "context": {name: "mine"}})
        assert reply.status_code == 400, reply.text
        assert f'"{name}" is written by the server' in reply.json()["detail"]


def test_sticky_decisions_are_those_of_the_arm(server: Running) -> None:
    member = next(m for m in MEMBERS if not in_holdout(HOLDOUT, m))

    def decide() -> Any:
        reply: httpx.Response = server.http.post(
            "/v1/decisions/homepage", json={"unit_id": member, "sticky_s": 600}
        )
        assert reply.status_code == 200, reply.text
        return reply.json()

    first = decide()
    assert decide()["sticky_of"] == first["decision_id"]
    start(server, "sticky")
    in_arm = decide()
    assert in_arm["sticky_of"] is None
    assert why(server, in_arm["decision_id"])["experiment"] == "sticky"
    again = decide()
    assert again["sticky_of"] == in_arm["decision_id"]
    stop(server, "sticky")
