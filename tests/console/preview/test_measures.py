"""Figures of one page: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.console.preview.figures import figures
from matinee.console.preview.measures import Measures, measure
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.decisions import Slot

ROWS = [{"title_id": f"c{i}", "genres": ["Crime"]} for i in range(4)]
ROWS += [{"title_id": f"d{i}", "genres": ["Drama"]} for i in range(4)]
ROWS += [{"title_id": "s", "genres": ["Crime"]}, {"title_id": "s1", "series_id": "s"}]
CATALOGUE = Catalogue.from_rows(ROWS)
NOTHING = np.zeros(0, np.int32), np.zeros(0, np.float32)


def slots(*titles: str, explored: str = "") -> list[Slot]:
    return [
        Slot(t, 1.0, 1 + i // 2, 1 + i % 2, row_kind=f"kind{i // 2}", explored=t == explored)
        for i, t in enumerate(titles)
    ]


def of(*titles: str, watched: dict[str, float] | None = None, explored: str = "") -> Measures:
    position = {str(t): i for i, t in enumerate(CATALOGUE.title_ids)}
    history = np.array([position[t] for t in watched or {}], np.int32)
    weight = np.array(list((watched or {}).values()), np.float32)
    return measure(slots(*titles, explored=explored), [], CATALOGUE, history, weight)


def test_an_empty_page_measures_nothing() -> None:
    assert measure([], [], CATALOGUE, *NOTHING) == Measures()


def test_a_page_of_copies_is_wholly_alike() -> None:
    found = of("c0", "c1", "c2", "c3")
    assert found.diversity_of_page == pytest.approx(0.0, abs=1e-6)
    assert of("c0", "d0").diversity_of_page == pytest.approx(1.0)
    assert (found.n_tiles, found.n_titles, found.head_kinds) == (4, 4, 2)


def test_a_page_as_the_member_watches_is_calibrated() -> None:
    assert of("c0", "c1", watched={"c2": 1.0}).calibration_error == pytest.approx(0.0)
    far = of("d0", "d1", watched={"c2": 1.0}).calibration_error
    assert far is not None
    assert far > 2
    assert of("c0", "c1").calibration_error is None, "nothing is known about somebody without a history"


def test_new_titles_and_drawn_ones_are_counted() -> None:
    found = of("c0", "c1", "s", "gone", watched={"c0": 1.0, "s": 0.5}, explored="c1")
    assert (found.new, found.explored) == (2, 1)


def test_attention_on_one_title_is_shared_by_one() -> None:
    assert of("c0", "c0").effective_titles == pytest.approx(1.0)
    assert (of("c0", "c0").n_tiles, of("c0", "c0").n_titles) == (2, 1)


def test_expected_plays_are_those_that_the_model_tells() -> None:
    scores = [{"expected": 0.25}, {"play": 0.5}, {"expected": 0.125}]
    assert measure(slots("c0", "c1", "c2"), scores, CATALOGUE, *NOTHING).expected_plays == 0.375
    assert of("c0").expected_plays is None


def test_shares_of_genres_are_told() -> None:
    found = of("c0", "c1", watched={"d0": 1.0})
    assert [(g.genre, g.watched, g.shown) for g in found.genres] == [("Crime", 0, 1), ("Drama", 1, 0)]


def test_scores_stand_in_the_order_of_the_stages() -> None:
    names = {"total": -2.0, "look": 0.5, "play": 0.1, "order": 3.0, "candidates": 9.0, "odd": 1.0}
    assert [stage for stage, _ in figures(names)] == ["candidate", "in_row", "slate", "attention", "other"]
