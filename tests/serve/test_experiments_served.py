"""Experiments on a real server: two versions, several processes, restarts, failing arms, the lake."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from load import Decisions, asking, until
from running import EVENTS, Running, play, serving, titles_on
from test_survive import settle
from tests.serve.toy_service import begin
from trained import moody_home, moody_version, trained, trained_home

from matinee.cli.precompute import precompute
from matinee.observe.decision_log import find_decision
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.registry.experiment_rows import End
from matinee.prove.experiment.assignment import assign, in_holdout
from matinee.prove.experiment.definition import Design, Experiment, Guardrail
from matinee.serve.moment import move_clock
from matinee.types import DAY_US, parse_at

pytestmark = pytest.mark.slow
SETTINGS = (
    "\n[serve]\nrefresh_s = 3600\nbudget_ms = 5000\ncanary_answers = 30\ncompact_s = 2\n"
    "\n[experiments]\nholdout = 0.1\nguardrail_s = 1\n"
)
HOLDOUT = 0.1
UNITS = [f"u{i}" for i in range(150)]
MEMBERS = [f"m{i}" for i in range(1, 12)]


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Home:
    return moody_home(tmp_path_factory, tmp_path / "home", SETTINGS)


def decide(server: Running, unit_id: str, **context: Any) -> Any:
    with httpx.Client(base_url=server.address, timeout=60) as http:  # of any process
        reply = http.post("/v1/decisions/moody", json={"unit_id": unit_id, "context": context})
    assert reply.status_code == 200, reply.text
    return reply.json()


def everybody(server: Running, units: list[str] = UNITS) -> dict[str, str]:
    """Unit -> version that answered it."""
    return {unit: str(decide(server, unit)["model"]) for unit in units}


def expected(experiment: Experiment, unit: str, production: str, holdout: float = HOLDOUT) -> str:
    found = assign(experiment, unit, holdout=holdout)
    return production if found is None else experiment.arms[found.arm].answers


def takes_part(server: Running, name: str, initiative: str = "moody") -> None:
    """Wait until all processes, as far as can be told, take part in an experiment."""

    def all_do() -> bool:
        found = [httpx.get(f"{server.address}/readyz", timeout=30).json() for _ in range(8)]
        return all(name in one["details"]["initiatives"][initiative]["experiments"] for one in found)

    until(all_do, f"the server takes part in {name}")


def exposed(home: Home, name: str) -> dict[str, set[str]]:
    """Unit -> arms in which the lake and the log saw it."""
    with connect() as con:
        open_events(con, home, "decisions")
        rows = con.execute(
            "SELECT unit_id, json_extract_string(context, '$.arm') FROM decisions "
            "WHERE json_extract_string(context, '$.experiment') = ?",
            [name],
        ).fetchall()
    found: dict[str, set[str]] = {}
    for unit, arm in rows:
        found.setdefault(unit, set()).add(arm)
    return found


def test_arms_are_the_same_in_all_processes_after_a_restart_and_a_ramp(home: Home) -> None:
    production, other = moody_version(home, "good"), moody_version(home, "other")
    with serving(home, "--workers", "2") as server:
        everybody(server, UNITS[:20])
        row = begin(home, "moody", (production, other), name="stable", share=0.5)
        takes_part(server, "stable")
        first = everybody(server)
        assert first == {unit: expected(row.current, unit, production) for unit in UNITS}
        decided = decide(server, next(unit for unit in UNITS if first[unit] == other))
        said = server.http.get(f"/v1/decisions/{decided['decision_id']}").json()
        assert (said["experiment"], said["arm"], said["model"]) == ("stable", "B", other)
        assert said["reproduced"] is True, said["note"]
        assert server.stop() == 0
    with serving(home, "--workers", "2") as server:
        assert everybody(server) == first
        with open_registry(home) as registry:
            ramped = registry.experiments.ramp("stable", 1.0, 10**15).current
        until(
            lambda: everybody(server) == {u: expected(ramped, u, production) for u in UNITS}, "it is ramped"
        )
        for _ in range(3):  # a process that has not followed yet answers the control's units alike
            everybody(server)
        assert server.stop() == 0
    for unit in UNITS:
        if assign(row.current, unit, holdout=HOLDOUT) is not None:
            assert expected(ramped, unit, production) == first[unit]
    settle(home).close()
    seen = exposed(home, "stable")
    inside = {unit for unit in UNITS if assign(ramped, unit, holdout=HOLDOUT) is not None}
    assert seen.keys() == inside
    assert all(len(arms) == 1 for arms in seen.values())
    assert not any(in_holdout(HOLDOUT, unit) for unit in seen)
    counts = Counter(arm for arms in seen.values() for arm in arms)
    assert abs(counts["A"] - counts["B"]) < 4 * len(inside) ** 0.5
    print(f"2 workers, a restart, a ramp: {dict(counts)} units exposed, none in two arms")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_arm_that_raises_is_stopped_by_itself_everywhere(home: Home, workers: int) -> None:
    production, bad = moody_version(home, "good"), moody_version(home, "raises")
    with serving(home, "--workers", str(workers)) as server:
        clients = [Decisions(server, "moody", live=True) for _ in range(4)]
        with asking(*clients):
            until(lambda: all(one.versions == [production] for one in clients), "production answers")
            begin(home, "moody", (production, bad), name="hurts")
            until(lambda: any(a["fallback"] for one in clients for a in one.answers), "the arm answers")
            took_s = until(lambda: "B" in stopped_arms(home, "hurts"), "the arm is stopped")
            time.sleep(2.5)
            after = [len(one.answers) for one in clients]
            time.sleep(1.5)
        for client, first in zip(clients, after, strict=True):
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
            later = client.answers[first:]
            assert later
            assert {(answer["model"], answer["fallback"]) for answer in later} == {(production, False)}
        context = logged(server, clients[0].answers[-1]["decision_id"]).context
        assert context.get("experiment") == "hurts" or context.get("holdout") is True
    with open_registry(home) as registry:
        (alert,) = [one for one in registry.alerts.open("moody") if one.monitor == "experiment"]
    assert alert.text.startswith("arm B of hurts was stopped: ")
    n = sum(len(one.answers) for one in clients)
    print(f"arm that raises, {workers} workers: {n} decisions, stopped {took_s:.1f} s after its first answer")


def test_an_arm_whose_members_watch_less_is_stopped_by_its_guardrail(home: Home) -> None:
    production, other = moody_version(home, "good"), moody_version(home, "other")
    members = [f"w{i}" for i in range(400)]
    with serving(home) as server:
        decide(server, "u1")
        began_us = parse_at(server.http.get("/readyz").json()["at"])
        rails = (Guardrail("plays", 0.05), Guardrail("searches", 0.05))
        design = Design(analysis="sequence")
        more = {"guardrails": rails, "design": design, "started_us": began_us}
        begin(home, "moody", (production, other), name="guarded", **more)
        takes_part(server, "guarded")
        answers = everybody(server, members)
        time.sleep(1.1)
        now = server.http.get("/readyz").json()["at"]
        watched = [
            play(f"g-{member}-{k}", member, f"t{k}", at=now)
            for i, member in enumerate(members)
            for k in range(i % 2 if answers[member] == other else 5 + i % 2)
        ]
        for first in range(0, len(watched), 500):
            assert server.send(*watched[first : first + 500])["rejected"] == []
        move_clock(home, parse_at(now) + 14 * DAY_US)
        took_s = until(lambda: "B" in stopped_arms(home, "guarded"), "the arm is stopped")
        reason = stopped_arms(home, "guarded")["B"].reason
        assert "plays" in reason, reason
        follows_s = until(lambda: other not in everybody(server, members[:30]).values(), "it is followed")
        figures = server.http.get("/metrics").text
        assert 'matinee_maintenance_failures_total{stage="guardrails"}' not in figures
    print(f"guardrail: stopped {took_s:.1f} s after the events, followed in {follows_s:.1f} s; {reason}")


def stopped_arms(home: Home, name: str) -> dict[str, Any]:
    with open_registry(home) as registry:
        return dict(registry.experiments.read(name).stopped_arms)


@pytest.fixture(scope="module")
def two_homepages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str, str]:
    """A home with two homepages that were trained on different events; the first is in production."""
    folder = tmp_path_factory.mktemp("two")
    home = trained_home(tmp_path_factory, folder / "home", SETTINGS.replace("holdout = 0.1", "holdout = 0.0"))
    with open_registry(home) as registry:
        current = registry.releases.current("homepage")
    assert current is not None
    file = folder / "more.csv"
    file.write_text(
        EVENTS.splitlines()[0]
        + "\n"
        + "".join(
            f"m{m},t{(5 * m + k) % 60},2024-11-08T23:{m:02d}:{k:02d}Z,play,6000,\n"
            for m in range(30)
            for k in range(6)
        )
    )
    run_import(home, "events", file)
    return home, current.version, trained(home, "homepage")


def test_pages_of_two_versions_a_cursor_across_a_stop_and_pages_made_ahead(
    two_homepages: tuple[Home, str, str],
) -> None:
    home, production, other = two_homepages
    with serving(home, "--mode", "precomputed") as server:
        precompute("homepage", home=home.root)
        ahead = [logged(server, server.page(member)["decision_id"]) for member in MEMBERS]
        assert any(record.context.get("made") == "ahead" for record in ahead)
        row = begin(home, "homepage", (production, other), name="pages")
        takes_part(server, "pages", "homepage")
        pages = {member: server.page(member, rows=2) for member in MEMBERS}
        for member, page in pages.items():
            record = logged(server, page["decision_id"])
            assert record.model == expected(row.current, member, production, holdout=0.0)
            assert "made" not in record.context
        theirs, others = ([m for m in MEMBERS if pages[m]["model"] == one] for one in (other, production))
        member = theirs[0]
        further = server.page(member, rows=2, cursor=pages[member]["next_cursor"])
        assert further["model"] == other
        with open_registry(home) as registry:
            registry.experiments.stop_arm("pages", "B", 10**15, "it hurts")
        until(lambda: server.page(theirs[1], rows=2)["model"] == production, "the arm is stopped")
        below = server.page(member, rows=2, cursor=further["next_cursor"])
        page = server.page(member, rows=2)
        for answer in (below, page):
            record = logged(server, answer["decision_id"])
            assert (record.model, record.context["arm"]) == (production, "B")
            assert record.context["arm_stopped"] is True
        above = {title for one in (pages[member], further) for title in titles_on(one)}
        assert above.isdisjoint(titles_on(below, but=("watch_again", "continue_watching")))
        assert server.page(others[0], rows=2)["sticky_of"] == pages[others[0]]["decision_id"]
        with open_registry(home) as registry:
            registry.experiments.stop("pages", End(ended_us=10**16))


def logged(server: Running, decision_id: str) -> Any:
    found: list[Any] = []

    def there() -> bool:
        found[:] = [find_decision(server.home, decision_id)]
        return found[0] is not None

    until(there, f"{decision_id} is logged")
    return found[0]


def test_interleaved_pages_of_two_versions(two_homepages: tuple[Home, str, str]) -> None:
    home, production, other = two_homepages
    row = begin(home, "homepage", (production, other), name="mixed", kind="interleaving")
    with serving(home) as server:
        takes_part(server, "mixed", "homepage")
        letters: Counter[str] = Counter()
        for member in MEMBERS:
            page = server.page(member, rows=3)
            record = logged(server, page["decision_id"])
            assert (record.model, record.context["arm"]) == (f"{production}+{other}", "both")
            teams = str(record.context["teams"])
            assert len(teams) == len(record.slots)
            letters.update(teams)
            further = server.page(member, rows=3, cursor=page["next_cursor"])
            fresh = titles_on(further, but=("watch_again", "continue_watching"))
            assert set(fresh).isdisjoint(titles_on(page))
        said = server.http.get(f"/v1/decisions/{record.decision_id}").json()
        assert said["reproduced"] is True, (said["note"], said["differences"])
    assert row.definition.kind == "interleaving"
    assert letters["A"] > 0
    assert letters["B"] > 0
    print(f"interleaved pages: {dict(letters)} tiles")
