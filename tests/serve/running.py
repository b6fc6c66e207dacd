"""Starts `matinee serve` as its users do, and talks to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from matinee.observe.home import Home
from matinee.observe.importers.run import run_import

START_S = 60.0
SETTINGS = """
[serve]
refresh_s = 3600
"""
N_TITLES = 60
GENRES = ("Crime", "Comedy", "Drama")
TITLES = (
    "title_id,name,kind,series_id,season,episode,runtime_s,genres,maturity\n"
    "s,The Series,series,,,,,Crime,12\n"
    "s1e1,One,episode,s,1,1,3000,,12\n"
    "s1e2,Two,episode,s,1,2,3000,,12\n"
    + "".join(
        f"t{i},Film {i},film,,,,6000,{GENRES[i % 3]},{(0, 6, 12, 18)[i % 4]}\n" for i in range(N_TITLES)
    )
)
MEMBERS = (
    "member_id,account_id,territory,maturity_max,kids\n"
    "m1,a1,AT,18,false\nkid,a1,AT,6,true\nm2,a2,DE,18,false\n"
)
AVAILABILITY = (
    "title_id,territory,from,until\n"
    "t0,AT,2020-01-01,2024-11-05\n"  # over
    "t1,DE,2020-01-01,2030-01-01\n"  # elsewhere
)
EVENTS = "member_id,title_id,at,event,watch_s,signal\n" + "".join(
    f"m{m},t{(7 * m + 3 * k) % N_TITLES},2024-11-{1 + k % 8:02d}T{(m + k) % 24:02d}:00:00Z,play,6000,\n"
    for m in range(1, 12)
    for k in range(8)
)
NOW = "2024-11-09T12:00:00Z"


def make_home(folder: Path, settings: str = SETTINGS) -> Home:
    """A small service: 63 titles, 11 members with plays, two windows; its log ends on 8 November 2024."""
    home = Home.create(folder)
    home.settings.write_text('[clock]\nnow = "last_event"\n' + settings, encoding="utf-8")
    tables = {"titles": TITLES, "members": MEMBERS, "availability": AVAILABILITY, "events": EVENTS}
    for kind, text in tables.items():
        file = folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        run_import(home, kind, file)
        file.unlink()
    return home


@dataclass
class Running:
    """A server that runs."""

    home: Home
    address: str
    process: subprocess.Popen[str]
    http: httpx.Client
    log: Path

    def page(self, member_id: str, **query: Any) -> Any:
        """The homepage of a member; anything but 200 fails."""
        reply = self.http.get(f"/v1/members/{member_id}/homepage", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def send(self, *events: dict[str, Any]) -> Any:
        """Send events; anything but 200 fails."""
        reply = self.http.post("/v1/events", json=list(events))
        assert reply.status_code == 200, reply.text
        return reply.json()

    def kill(self) -> None:
        """End the process and its workers at once, as a power cut would end them."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to stop, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def serving(
    home: Home, *options: str, port: int = 0, environment: dict[str, str] | None = None
) -> Iterator[Running]:
    """A server on this machine, on a free port unless one is named; stopped at the end, whatever happens."""
    log = home.root.parent / f"{home.root.name}-server.txt"
    out = log.open("w", encoding="utf-8")
    command = [sys.executable, "-m", "matinee", "serve", "--home", str(home.root)]
    command += ["--port", str(port), "--json"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=out,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        start_new_session=True,
    )
    try:
        address = _address(process, log)
        with httpx.Client(base_url=address, timeout=30.0) as http:
            _wait_ready(http, process, log)
            yield Running(home, address, process, http, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
        out.close()


def play(event_id: str, member_id: str, title_id: str, at: str = NOW, **more: Any) -> dict[str, Any]:
    """A play as a client sends it."""
    return {
        "event_id": event_id,
        "type": "play",
        "member_id": member_id,
        "title_id": title_id,
        "at": at,
        "watch_s": 6000,
        **more,
    }


def titles_on(page: Any, *, but: tuple[str, ...] = ()) -> list[str]:
    """Titles of a page, row by row, without the rows of some kinds."""
    return [tile["title_id"] for row in page["rows"] if row["kind"] not in but for tile in row["tiles"]]


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Where it listens: the first thing that it prints, as JSON that may take several lines."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        try:
            return str(json.loads(text)["address"])
        except json.JSONDecodeError:
            continue
    raise AssertionError(f"the server did not start: {log.read_text()[-3000:]}")


def _wait_ready(http: httpx.Client, process: subprocess.Popen[str], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended: {log.read_text()[-3000:]}"
        try:
            if http.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server did not become ready: {log.read_text()[-3000:]}")
