import math

import numpy as np
import pytest

from matinee.initiatives.homepage.baselines import Grid
from matinee.initiatives.homepage.judging import evaluate_pages
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.observe.catalogue.catalogue import Catalogue, Limits

N = 12


def titles_of(genres):
    rows = [{"title_id": f"t{i}", "genres": genres(i)} for i in range(N)]
    vectors = np.zeros((N, N), np.float32)
    vectors[np.arange(N), np.arange(N) // 2] = 1.0  # t0 = t1, t2 = t3, ...
    return TitleState(
        Catalogue.from_rows(rows),
        np.ones(N, np.float32),
        np.zeros(N, np.float32),
        {},
        vectors,
        np.full((N, 1), -1, np.int32),
        np.zeros((N, 1), np.float32),
    )


TITLES = titles_of(lambda i: ["Crime"] if i < 6 else ["Drama"])


def member(name, history):
    shares = np.full(N, 1 / N, np.float32)
    at_us = np.arange(len(history), dtype=np.int64)
    liked = np.ones(len(history), np.float32)
    return MemberState(name, Limits(), np.array(history, np.int32), at_us, liked, shares, shares)


def maker(pages, kinds=("unnamed", "unnamed")):
    """Pages that are written down: one grid per member."""
    return lambda m: Grid(np.array(pages[m.member_id], np.int32), list(kinds))


MEMBERS = [member("a", [0]), member("b", [6])]
FITTING = {"a": [[1, 2], [3, 4]], "b": [[7, 8], [9, 10]]}
SAME = {"a": [[1, 2], [3, 4]], "b": [[1, 2], [3, 4]]}


def judge(makers, relevant=([1], [8, 11]), members=MEMBERS):
    wanted = [np.array(r, np.int32) for r in relevant]
    return evaluate_pages(makers, members, wanted, TITLES, rows=2, cols=2)


def test_hits_and_their_places():
    report = judge({"ours": maker(FITTING)})["ours"]
    assert report.metrics["recall_3_by_4"].mean == (1 + 1 / 2) / 2
    second = (1 / math.log2(3)) / (1 + 1 / math.log2(3))  # t8 in column 2; t11 is not on the page
    assert report.metrics["ndcg_2d"].mean == pytest.approx((1 + second) / 2)
    assert report.metrics["recall_3_by_4"].n == 2


def test_calibration_of_a_page_of_the_members_genre_is_perfect():
    both = judge({"ours": maker(FITTING), "same": maker(SAME)})
    assert both["ours"].metrics["calibration_error"].mean == pytest.approx(0.0)
    assert both["same"].metrics["calibration_error"].mean == pytest.approx(-math.log(0.01) / 2)
    assert both["same"].ours_minus_it["calibration_error"].mean < 0


def test_diversity_in_rows_and_on_the_screen():
    alike, unlike = {"a": [[0, 1], [2, 3]]}, {"a": [[0, 2], [6, 8]]}
    only = [member("a", [0])]
    report = judge({"unlike": maker(unlike), "alike": maker(alike)}, relevant=([1],), members=only)
    assert report["alike"].metrics["diversity_in_rows"].mean == 0.0
    assert report["unlike"].metrics["diversity_in_rows"].mean == 1.0
    assert report["alike"].metrics["diversity_of_screen"].mean == 0.0
    assert report["unlike"].metrics["diversity_of_screen"].mean == pytest.approx(4 / 6)
    assert report["unlike"].metrics["diversity_of_page"].mean == pytest.approx(4 / 6)


def test_catalogue_figures():
    report = judge({"ours": maker(FITTING), "same": maker(SAME)})
    assert report["ours"].coverage == 8 / N
    assert report["same"].coverage == 4 / N
    ours, same = (report[name].metrics["effective_catalogue_size"].mean for name in ("ours", "same"))
    assert ours > same
    assert report["same"].ours_minus_it["effective_catalogue_size"].mean == pytest.approx(ours - same)


def test_row_kinds_of_the_first_rows():
    good = maker(FITTING, ["top_picks", "genre"])
    twice = maker(FITTING, ["top_picks", "top_picks"])
    genres = maker(FITTING, ["genre", "genre"])
    report = judge({"good": good, "twice": twice, "genres": genres})
    assert [report[n].head_kinds_mean for n in report] == [2.0, 1.0, 1.0]
    assert [report[n].repeated_kinds for n in report] == [0, 2, 0]


def test_short_and_empty_pages_are_measured():
    pages = {"a": [[-1, -1], [-1, -1]], "b": [[8, -1], [-1, -1]]}
    report = judge({"ours": maker(pages, [])})["ours"]
    assert report.metrics["recall_3_by_4"].mean == 0.25
    assert report.metrics["calibration_error"].n == 1  # nothing shown to a


def test_members_without_history_have_no_calibration():
    report = judge({"ours": maker({"n": [[1, 2], [3, 4]]})}, ([1],), [member("n", [])])["ours"]
    assert report.metrics["calibration_error"].n == 0
    assert report.metrics["recall_3_by_4"].mean == 1.0


def test_members_and_relevant_titles_must_match():
    with pytest.raises(ValueError, match="zip"):
        judge({"ours": maker(FITTING)}, relevant=([1],))
