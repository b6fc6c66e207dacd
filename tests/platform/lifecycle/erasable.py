"""A home in which one member left traces of every kind, and others who must stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from matinee.observe.clock import Clock
from matinee.observe.events.schema import Impression, Play, Search
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.facts import as_of
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.lake.reader import open_events
from matinee.observe.lake.tables import EVENTS
from matinee.observe.log import LogWriter
from matinee.observe.members import Member
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.store import Arrival
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.pipeline.codecs.saved import SavedCodec
from matinee.platform.pipeline.codecs.text import text_codec
from matinee.platform.pipeline.scratch import scratch
from matinee.platform.pipeline.workspace import Workspace
from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.models import EvaluationRow, ModelRow
from matinee.types import SECOND_US

WHO = "ada-lovelace-1815"
ACCOUNT = "acct-byron-7788"
OTHERS = ("m1", "m2", "m3")
AT = 1_700_000_000


def play(number: int, member: str, at: int = AT) -> tuple[Play, int]:
    event = Play(event_id=f"e{number}", member_id=member, title_id=f"t{number % 5}", at=at, watch_s=60)
    return event, at * SECOND_US


def decision(number: int, unit: str, *, member: str | None, initiative: str = "toy", who: str = "") -> str:
    line = {
        "type": "decision",
        "event_id": f"d{number}",
        "decision_id": f"d{number}",
        "initiative": initiative,
        "unit_id": unit,
        "action": "mail",
        "propensity": 0.5,
        "context": json.dumps({"with": who}) if who else "{}",
        "at_us": (AT + number) * SECOND_US,
        "seen_us": (AT + number) * SECOND_US,
        "seq": number,
    }
    return json.dumps(line | ({"member_id": member} if member else {}))


def fill(root: Path) -> Home:
    """Events by import and by log, decisions, state, an evaluation, results, exported pages, a viewer."""
    home = Home.create(root)
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    table = root.parent / "plays.csv"
    rows = [f"{m},t{i},{AT - 1000 + i},{60 + i}" for i, m in enumerate([WHO, *OTHERS] * 3)]
    table.write_text("member_id,title_id,at,watch_s\n" + "\n".join(rows) + "\n")
    run_import(home, "events", table)
    people = root.parent / "members.csv"
    lines = [f"{WHO},{ACCOUNT}", "m1,acct-1", "m2,acct-1", "m3,"]
    people.write_text("member_id,account_id\n" + "\n".join(lines) + "\n")
    run_import(home, "members", people)
    log = LogWriter(home.log, Clock.fixed(AT + 100))
    query = Search(event_id="q1", member_id="m1", at=AT, query=f"films of {WHO}")
    log.append([play(1, WHO), play(2, "m1"), (query, AT * SECOND_US)])
    log.close()
    (home.log / "1-decisions-0001.ndjson").write_text(
        "\n".join(
            [
                decision(1, WHO, member=WHO),
                decision(2, "m1", member="m1"),
                decision(3, ACCOUNT, member=None, initiative="offers"),
                decision(4, "acct-1", member=None, initiative="offers", who=WHO),
            ]
        )
        + "\n"
    )
    compact(home)
    log = LogWriter(home.log, Clock.fixed(AT + 200))
    seen = Impression(event_id="i1", member_id=WHO, title_id="t1", at=AT, dwell_ms=900)
    log.append([play(3, WHO), play(4, "m2"), (seen, AT * SECOND_US)])
    log.close()
    _state(home)
    _registered(home)
    _exported(home)
    return home


def _state(home: Home) -> None:
    store = SqliteStore(home.state_db)
    line = '{"type":"play","event_id":"%s","member_id":"%s","title_id":"t1","at_us":5,"seq":1}\n'
    members = [WHO, *OTHERS]
    arrivals = [Arrival(f"s{m}", m, (line % (f"s{m}", m)).encode()) for m in members]
    store.take(arrivals, None, AT * SECOND_US)
    store.put_members([Member(m, ACCOUNT if m == WHO else "acct-1") for m in members])
    store.put("page", [(m, f"page of {m}".encode()) for m in members])
    store.close()


def _registered(home: Home) -> None:
    space = Workspace(home.work)
    report = Evaluation(
        initiative="toy", cut_us=1, metrics=[Metric("x", "x")], ours="ours", baseline="coin",
        figures={"ours": {"x": Figure(0.5, 0.4, 0.6, 4)}, "coin": {"x": Figure(0.4, 0.3, 0.5, 4)}},
        notes=[f"worst unit: {WHO}"],
    )  # fmt: skip
    judged = Evaluated(report, np.array([WHO, *OTHERS]), np.array([0.1, 0.2, 0.3, 0.4]))
    text = text_codec(str)
    assert text is not None
    with scratch(space.scratch) as place:
        name = space.store.put(judged, SavedCodec(Evaluated), place)
        space.store.put(f"plays of {WHO}", text, place)
    (home.work / "runs" / "r1").mkdir(parents=True)
    (home.work / "runs" / "r1" / "note.json").write_text(f'{{"error": "{WHO}: no plays"}}')
    with open_registry(home) as registry:
        for initiative, unit in (("toy", "member"), ("offers", "account")):
            registry.initiatives.register(
                InitiativeRow(
                    name=initiative, title=initiative, owner="ana", tier=2, stage="pilot", kind="decides",
                    unit=unit, hypothesis="h", next_step="n", baseline="coin", fallback="f", definition={},
                    registered_us=1, changed_us=1,
                )
            )  # fmt: skip
        for version, at in (("old", AT - 5_000), ("new", AT + 5_000)):
            registry.models.register(
                ModelRow(
                    initiative="toy", version=version, folder=f"releases/toy/{version}", at_us=at * SECOND_US,
                    code="c", data="home", files={}, registered_us=1,
                )
            )  # fmt: skip
        registry.models.evaluated(
            EvaluationRow(
                initiative="toy", code="c", data="home", at_us=1, metric="x", value=0.5, baseline="coin",
                folder=space.store.folder(name).relative_to(home.root).as_posix(), registered_us=1,
            )
        )  # fmt: skip


def _exported(home: Home) -> None:
    values = ", ".join(f"('{m}', 1, 't{i}')" for i, m in enumerate([WHO, *OTHERS]))
    pages = f"SELECT * FROM (VALUES {values}) AS p(member_id, row, title_id)"
    with connect() as con:
        for name, options in (("pages.parquet", "FORMAT parquet"), ("pages.csv", "FORMAT csv, HEADER")):
            con.execute(f"COPY ({pages}) TO {literal(home.root / name)} ({options})")
    (home.root / "homepage.html").write_text(f'<script>[["m1",3],["{WHO}",4]]</script>')
    bad = f'file,line,reason,text\nx.csv,2,at: bad,"{WHO},t1,never"\nx.csv,3,at: bad,"m1,t1,never"\n'
    (home.root / "bad.csv").write_text(bad)
    folder = home.releases / "toy" / "new"
    folder.mkdir(parents=True)
    np.save(folder / "titles.npy", np.array(["t1", "t2"]))


def rows_of_others(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the lake and log that is not the member's or their account's, without the queries."""
    out = {}
    with connect() as con:
        open_events(con, home, *EVENTS)
        for table in EVENTS:
            found = con.execute(
                f"SELECT * REPLACE (NULL AS {'query' if table == 'searches' else 'copy'}"
                f"{', NULL AS context' if table == 'decisions' else ''}) FROM {table} "
                f"WHERE coalesce(member_id, '') <> '{WHO}'"
                + (f" AND unit_id NOT IN ('{WHO}', '{ACCOUNT}')" if "unit_id" in EVENTS[table] else "")
                + " ORDER BY ALL"
            ).fetchall()
            out[table] = found
        members = as_of("members", parquet(home.lake, read_manifest(home.lake).of("members")), None)
        out["members"] = con.execute(
            f"SELECT * FROM ({members}) WHERE member_id <> '{WHO}' ORDER BY ALL"
        ).fetchall()
    return out
