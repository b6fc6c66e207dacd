"""Images in the home of a test, and deciders that choose among them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from matinee.observe.catalogue.artwork import FOLDER, TABLE
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.facts import facts, store_facts
from matinee.observe.lake.tables import FACTS
from matinee.observe.lake.writer import writing
from matinee.platform.abilities import ArtworkChoices
from matinee.platform.answering import Answering
from matinee.platform.deciding import Decided, Request
from matinee.serve.budget import Pool
from matinee.serve.opened import Opened
from matinee.serve.serving import Serving
from matinee.serve.tally import Tally

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><rect width="320" height="180"/></svg>'


def image(artwork_id: str, title_id: str, **given: Any) -> dict[str, Any]:
    """An image that is cleared everywhere."""
    shown = {"file": f"{artwork_id}.svg", "format": "svg", "aspect": "16:9"}
    return (
        {"artwork_id": artwork_id, "title_id": title_id, "approved_by": "ada", "approved_us": 1}
        | shown
        | given
    )


def images_of(titles: Sequence[str], n: int = 2) -> list[dict[str, Any]]:
    """Some for each title: t1-0 is the default of t1."""
    return [image(f"{one}-{i}", one, is_default=i == 0) for one in titles for i in range(n)]


def store(home: Home, rows: Sequence[dict[str, Any]], *, from_us: int = 1) -> None:
    """Put facts about images into the lake, and their files into the home."""
    folder = home.root / FOLDER
    folder.mkdir(exist_ok=True)
    columns = facts(TABLE)
    with writing(home.lake) as write, connect(threads=1) as con:
        con.execute(f"CREATE TABLE given ({', '.join(f'{c} {FACTS[TABLE][c]}' for c in columns)})")
        places = ", ".join("?" * len(columns))
        con.executemany(f"INSERT INTO given VALUES ({places})", [[r.get(c) for c in columns] for r in rows])
        store_facts(write, con, TABLE, "given", from_us=from_us)
        for row in rows:
            Path(folder / row["file"]).write_bytes(SVG)


@dataclass
class Chooser:
    """Chooses the last image of each title, unless it is told to fail."""

    sleeps_s: float = 0.0
    problem: Exception | None = None
    suffix: str = "-1"
    policy: str = "chooser@1"
    n_asked: int = 0

    def decide(self, request: Request) -> Decided:
        return Decided((), (), "nothing")

    def choose_artwork(self, request: Request, titles: Sequence[str]) -> ArtworkChoices:
        self.n_asked += 1
        time.sleep(self.sleeps_s)
        if self.problem is not None:
            raise self.problem
        n = len(titles)
        chosen: list[str | None] = [title + self.suffix for title in titles]
        return ArtworkChoices(self.policy, chosen, [0.25] * n, [2] * n, ["because it is dark"] * n)


def released(chooser: Any, *, version: str = "v1", fallback: Any = None) -> Any:
    """What stands in `Services.released` where this chooser is in production; None: nothing is."""
    other = fallback or SimpleNamespace(
        policy="no images", decide=lambda _request: Decided((), (), "nothing")
    )
    answering = Answering("artwork", version if chooser else "none", chooser, other)
    serving = Serving(Opened(answering, Pool(2, name="chooser"), 0, 0), other)
    return SimpleNamespace(
        keeper=SimpleNamespace(now=serving),
        tally=Tally(),
        place=lambda *_: None,
        close=lambda: None,
        start=lambda: None,
        forget=lambda _ids: None,
    )
