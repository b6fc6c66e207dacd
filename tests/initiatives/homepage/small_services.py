"""Small services for the tests of the page: random ones for properties, and a plain one for known answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from matinee.initiatives.homepage.config import PageConfig, Quota
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.rows import row_kinds
from matinee.observe.catalogue.catalogue import Catalogue, Limits, Pin
from matinee.types import DAY_US

NOW_US = 1_000 * DAY_US
GENRES = ["Action", "Comedy", "Crime", "Drama", "unknown"]


def titles_of(
    catalogue: Catalogue, *, seed: int = 0, rising: bool = True, unplayed: float = 0.0
) -> TitleState:
    """A release's facts about a catalogue, drawn at random."""
    rng = np.random.default_rng(seed)
    n = len(catalogue)
    vectors = rng.normal(size=(n, 3)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    likeness = vectors @ vectors.T - 9 * np.eye(n, dtype=np.float32)
    k = min(12, max(n - 1, 1))
    near = np.argsort(-likeness, axis=1)[:, :k].astype(np.int32)
    if n == 1:
        near[:] = -1
    return TitleState(
        catalogue=catalogue,
        popularity=(rng.gamma(0.5, 10, n) * (rng.random(n) >= unplayed)).astype(np.float32),
        trending=(rng.normal(size=n) * rising).astype(np.float32),
        territory_popularity={"AT": rng.gamma(0.5, 5, n).astype(np.float32)},
        vectors=vectors,
        neighbours=near,
        neighbour_scores=np.take_along_axis(likeness, np.maximum(near, 0), 1).astype(np.float32),
    )


def member_of(
    n_titles: int,
    *,
    member_id: str = "m1",
    limits: Limits | None = None,
    history: Sequence[int] = (),
    weight: float = 1.0,
    scores: Sequence[float] | None = None,
    in_progress: Sequence[int] = (),
    my_list: Sequence[int] = (),
    disliked: Sequence[int] = (),
) -> MemberState:
    """A member whose latest play was yesterday; both scores are equal."""
    score = np.full(n_titles, 1 / n_titles) if scores is None else np.asarray(scores, np.float64)
    at_us = NOW_US - DAY_US * np.arange(len(history), 0, -1, dtype=np.int64)
    return MemberState(
        member_id,
        limits or Limits(),
        np.array(history, np.int32),
        at_us,
        np.full(len(history), weight, np.float32),
        score.astype(np.float32),
        score.astype(np.float32),
        np.array(in_progress, np.int32),
        np.full(len(in_progress), 0.4, np.float32),
        np.array(my_list, np.int32),
        np.array(disliked, np.int32),
    )


def plain_catalogue(n: int, *, pins: Sequence[Pin] = (), **columns: object) -> Catalogue:
    """n films t0, t1, ...; the genres take turns in pairs."""
    rows = [
        {
            "title_id": f"t{i}",
            "name": f"Film {i}",
            "genres": [GENRES[i % 4], GENRES[(i // 4) % 4]] if i % 4 != (i // 4) % 4 else [GENRES[i % 4]],
            "release_us": (1960 + i % 40 - 1970) * 365 * DAY_US,
            **columns,
        }
        for i in range(n)
    ]
    return Catalogue.from_rows(rows, pins=pins)


@st.composite
def services(draw: st.DrawFn) -> tuple[TitleState, MemberState, PageConfig, int, int]:
    """A random catalogue, member, set of rules and page size."""
    n = draw(st.one_of(st.integers(1, 12), st.integers(13, 90)))
    seed = draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    catalogue = _catalogue(draw, rng, n)
    limits = Limits(
        draw(st.sampled_from([None, "AT", "DE"])),
        draw(st.sampled_from([18, 18, 16, 6])),
        draw(st.sampled_from([False, False, False, True])),
        draw(st.sampled_from([(), (), ("de",), ("de", "fr")])),
    )
    member = _member(draw, rng, n, limits)
    kinds = sorted(row_kinds())
    quotas = tuple(
        Quota(kind, least, None if most is None else least + most)
        for kind, least, most in draw(
            st.lists(
                st.tuples(st.sampled_from(kinds), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2))),
                max_size=4,
                unique_by=lambda q: q[0],
            )
        )
    )
    if draw(st.integers(0, 9)) == 0:
        quotas = tuple(Quota(kind, 0, 0) for kind in kinds)
    config = PageConfig(
        viewport_rows=draw(st.integers(1, 4)),
        visible_cols=draw(st.integers(1, 5)),
        min_tiles=draw(st.integers(1, 6)),
        diversity=draw(st.sampled_from([0.0, 0.3, 1.0])),
        diverse_cols=draw(st.integers(0, 6)),
        calibration=draw(st.sampled_from([0.0, 0.5, 3.0])),
        spread=draw(st.sampled_from([0.0, 0.7, 3.0])),
        explore_slots=draw(st.integers(0, 3)),
        explore_row=draw(st.integers(1, 4)),
        explore_col=draw(st.integers(1, 6)),
        explore_floor=draw(st.sampled_from([0.0, 0.1, 1.0])),
        quotas=quotas,
    )
    rows, cols = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    return (
        titles_of(catalogue, unplayed=0.3, seed=seed, rising=draw(st.booleans())),
        member,
        config,
        rows,
        cols,
    )


def _catalogue(draw: st.DrawFn, rng: np.random.Generator, n: int) -> Catalogue:
    restricted = draw(st.sampled_from([0.0, 0.3, 1.0]))
    episodes = draw(st.sampled_from([0.0, 0.3]))
    rows: list[dict[str, object]] = []
    windows: list[tuple[str, str, int, int]] = []
    for i in range(n):
        row: dict[str, object] = {"title_id": f"t{i}", "name": f"Film {i}"}
        if i and rng.random() < episodes:
            parent = int(rng.integers(i))
            if "series_id" not in rows[parent]:
                row |= {"series_id": f"t{parent}", "kind": "episode"}
        row["genres"] = list(rng.choice(GENRES, rng.integers(0, 3), replace=False))
        row["languages"] = list(rng.choice(["de", "en", "fr"], rng.integers(0, 2), replace=False))
        row["countries"] = list(rng.choice(["AT", "US"], rng.integers(0, 2), replace=False))
        row["maturity"] = None if rng.random() < 0.3 else int(rng.integers(0, 19))
        row["release_us"] = None if rng.random() < 0.3 else NOW_US - int(rng.integers(-900, 9000)) * DAY_US
        if rng.random() < restricted:
            for _ in range(rng.integers(1, 3)):
                start = NOW_US + int(rng.integers(-90, 20)) * DAY_US
                end = start + int(rng.integers(1, 120)) * DAY_US
                windows.append((f"t{i}", str(rng.choice(["AT", "DE"])), start, end))
        rows.append(row)
    kinds = [*sorted(row_kinds()), "no_such_kind"]
    pins = []
    for _ in range(draw(st.integers(0, 6))):
        row_number = int(rng.integers(1, 14))
        territory = None if rng.random() < 0.7 else "AT"
        until_us = NOW_US + (DAY_US if rng.random() < 0.9 else -DAY_US)
        if rng.random() < 0.7:
            col = None if rng.random() < 0.4 else int(rng.integers(1, 10))
            name = f"t{rng.integers(n + 1)}"
            pins.append(Pin(row_number, col, name, None, territory, until_us=until_us))
        else:
            pins.append(Pin(row_number, None, None, str(rng.choice(kinds)), territory, until_us=until_us))
    return Catalogue.from_rows(rows, windows=windows, pins=pins)


def _member(draw: st.DrawFn, rng: np.random.Generator, n: int, limits: Limits) -> MemberState:
    def some(most: int) -> np.ndarray:
        return rng.integers(0, n, rng.integers(0, most + 1)).astype(np.int32)

    length = draw(st.sampled_from([0, 3, 2 * n]))
    history = rng.permutation(np.resize(np.arange(n), length)).astype(np.int32)
    shape = draw(st.sampled_from(["zero", "flat", "peaked"]))
    scores = {
        "zero": np.zeros((2, n)),
        "flat": np.full((2, n), 1 / n),
        "peaked": rng.dirichlet(np.full(n, 0.1), 2),
    }[shape].astype(np.float32)
    in_progress = some(3)
    return MemberState(
        f"m{rng.integers(100)}",
        limits,
        history,
        np.sort(NOW_US - rng.integers(0, 100, length) * DAY_US).astype(np.int64),
        rng.random(length).astype(np.float32),
        scores[0],
        scores[1],
        in_progress,
        rng.random(len(in_progress)).astype(np.float32),
        some(5),
        some(draw(st.sampled_from([0, 2, n]))),
        draw(st.sampled_from([None, "AT"])),
    )
