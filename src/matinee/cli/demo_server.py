"""The last act of the demo: the server answers, a play is sent, and the page follows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matinee.errors import StorageError
from matinee.observe.clock import wall_us

START_S, STOP_S = 120.0, 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client saw.

    Attributes
    ----------
    address : str
    played : str
        Title that stood first on the page, and was then played.
    still_there : bool
        Whether a discovery row of the next page has it.
    decision_id : str
        Of the next page.
    n_stages : int
        Stages in the answer to why.
    image, image_after : str or None
        Image of the first tile of the next page, and of the same tile after that image was withdrawn. None:
        there are no images.
    vanished : bool
        Whether the page after the withdrawal has that image nowhere.
    """

    address: str
    played: str
    still_there: bool
    decision_id: str
    n_stages: int
    image: str | None = None
    image_after: str | None = None
    vanished: bool = False


@contextmanager
def running(home: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of a home on a free port of this machine, and its address.

    Raises
    ------
    StorageError
        It did not start; what it said is in the message.
    """
    log = home / "server.txt"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "matinee", "serve", "--home", str(home), "--port", "0", "--json"],
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env={"OMP_NUM_THREADS": "1", **os.environ},
        )
        try:
            yield _address(process, log), process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def play_and_look(
    address: str,
    member: str,
    *,
    take_back: Callable[[str], None] | None = None,
    give_back: Callable[[str], None] | None = None,
) -> Seen:
    """Ask for a page, play what stands first in its first discovery row, and ask again.

    Parameters
    ----------
    take_back, give_back : callable, optional
        Withdraw an image while the server runs, and clear it again.
    """
    page = _ask(f"{address}/v1/members/{member}/homepage")
    played = next(
        row["tiles"][0]["title_id"]
        for row in page["rows"]
        if row["kind"] not in ("continue_watching", "watch_again", "my_list")
    )
    event = {
        "type": "play",
        "event_id": f"demo-{wall_us()}",
        "member_id": member,
        "title_id": played,
        "at": page["at"],
        "watch_s": 6000,
        "decision_id": page["decision_id"],
    }
    _ask(f"{address}/v1/events", [event])
    after = _ask(f"{address}/v1/members/{member}/homepage")
    titles = {
        tile["title_id"]
        for row in after["rows"]
        if row["kind"] not in ("continue_watching", "watch_again")
        for tile in row["tiles"]
    }
    why = _ask(f"{address}/v1/decisions/{after['decision_id']}")
    seen = Seen(address, played, played in titles, after["decision_id"], len(why["stages"]))
    image = next((tile["artwork_id"] for tile in _tiles(after) if tile.get("artwork_id")), None)
    if image is None or take_back is None or give_back is None:
        return seen
    take_back(image)
    try:
        tiles = _tiles(_ask(f"{address}/v1/members/{member}/homepage"))
    finally:
        give_back(image)
    place = [tile.get("artwork_id") for tile in _tiles(after)].index(image)
    vanished = all(tile.get("artwork_id") != image for tile in tiles)
    return replace(seen, image=image, image_after=tiles[place].get("artwork_id"), vanished=vanished)


def _tiles(page: Any) -> list[dict[str, Any]]:
    return [tile for row in page["rows"] for tile in row["tiles"]]


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Where it listens, once it is ready."""
    text = ""
    assert process.stdout is not None
    for line in process.stdout:
        text += line
        try:
            address = str(json.loads(text)["address"])
            break
        except json.JSONDecodeError:
            continue
    else:
        raise StorageError(f"matinee serve did not start: {log.read_text(encoding='utf-8')[-500:]}")
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if _ask(f"{address}/readyz")["status"] == "ready":
                return address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise StorageError(f"matinee serve did not become ready: {log.read_text(encoding='utf-8')[-500:]}")


def _ask(address: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)
