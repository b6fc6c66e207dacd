"""Exposures to the arms of an experiment are the same by these pages as by the API that players ask."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.console.watch.homes import make
from tests.console.watch.opened import Site, site
from tests.serve.toy_service import begin

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events, open_facts
from matinee.platform.lifecycle.project import open_project
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.prove.experiment.definition import FALLBACK
from matinee.prove.experiment.exposures import find_exposed

NAME = "two-pages"
MEMBERS = ("m1", "kid", "m2", "teen", *(f"new{i}" for i in range(16)))
QUERY = {"rows": 4, "cols": 12, "device": "laptop", "locale": "en"}
"""What a page of /watch asks for on a laptop."""
START_S = 60.0
Exposure = tuple[Any, ...]


def exposures(home: Home, row: ExperimentRow) -> tuple[list[Exposure], int, list[Exposure]]:
    """Units with arm, device and territory; how many crossed; plays with the arm of the page they name."""
    with connect() as con:
        open_events(con, home, "decisions", "plays")
        open_facts(con, home, "members", "titles")
        found = find_exposed(con, row.current, 1)
        units = con.execute("SELECT unit, arm, device, territory FROM exposed ORDER BY unit").fetchall()
        plays = con.execute(
            "SELECT p.member_id, p.watch_s, p.row, p.col, json_extract_string(d.context, '$.arm') "
            "FROM plays AS p JOIN decisions AS d ON d.event_id = p.decision_id AND d.unit_id = p.member_id "
            "ORDER BY 1"
        ).fetchall()
        return units, found.n_crossed, plays


def takes_part(server: Site) -> None:
    """Wait until the server has followed the start."""
    end = time.monotonic() + START_S
    while NAME not in server.services.released["homepage"].keeper.now.trials.by_name:
        assert time.monotonic() < end, "the server does not take part"
        time.sleep(0.05)


def by_api(server: Site) -> None:
    """Two visits of each member, and a play on the first, as a player tells it."""
    http = server.browser().http
    for member in MEMBERS:
        page = http.get(f"/v1/members/{member}/homepage", params=QUERY).raise_for_status().json()
        http.get(f"/v1/members/{member}/homepage", params=QUERY).raise_for_status()
        row = page["rows"][0]
        event = {
            "type": "play",
            "event_id": f"play-{member}",
            "member_id": member,
            "title_id": row["tiles"][0]["title_id"],
            "at": page["at"],
            "watch_s": 600,
            "decision_id": page["decision_id"],
            "row": 1,
            "col": 1,
        }
        assert http.post("/v1/events", json=[event]).raise_for_status().json()["accepted"] == 1


def by_pages(server: Site) -> None:
    """The same in a browser; what shows a page besides is no exposure."""
    for member in MEMBERS:
        browser = server.browser(member)
        page = browser.get("/watch")
        browser.get("/watch/search?q=film")
        browser.get("/watch/title/t4")
        browser.get(f"/console/preview?member={member}")
        tile = page.all("li", class_="tile")[0]
        place = {"decision_id": tile["data-decision"], "row": tile["data-row"], "col": tile["data-col"]}
        browser.act("play", str(tile["data-title"]), watch_s="600", event_id=f"play-{member}", **place)


@pytest.mark.slow
def test_exposures_and_plays_are_those_of_the_api(tmp_path: Path) -> None:
    made = make(tmp_path / "made")
    with open_project(made, "homepage"):
        pass  # it is registered now
    row = begin(made, "homepage", (FALLBACK, FALLBACK), name=NAME, share=0.8)
    found = {}
    ways: dict[str, Callable[[Site], None]] = {"api": by_api, "pages": by_pages}
    for way, visit in ways.items():
        home = Home(Path(shutil.copytree(made.root, tmp_path / way)))
        with site(home) as server:
            takes_part(server)
            visit(server)
        found[way] = exposures(home, row)
    units, crossed, plays = found["pages"]
    assert found["api"] == found["pages"]
    assert crossed == 0
    assert {arm for _, arm, *_ in units} == {0, 1}
    assert 8 <= len(units) < len(MEMBERS), "some are not in it"
    assert {device for _, _, device, _ in units} == {"laptop"}
    assert [one[0] for one in plays] == sorted(MEMBERS)
