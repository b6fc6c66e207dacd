from __future__ import annotations

import numpy as np

from matinee.world.leaving import OFFERS
from matinee.world.service import Run
from matinee.world.truth import KINDS


def test_the_true_uplift_is_what_the_randomised_log_shows(crowd: Run) -> None:
    """Inverse propensity weighting estimates the mean of each offer; the truth lies within its error."""
    notices, outcomes = crowd.record.table("notices"), crowd.record.table("outcomes")
    truth = crowd.truth.offers()
    stayed = dict(zip(outcomes["notice"].tolist(), outcomes["stayed"].tolist(), strict=True))
    known = np.isin(notices["notice"], outcomes["notice"])
    left = np.array([not stayed[n] for n in notices["notice"][known].tolist()], float)
    p = notices["probability"].reshape(-1, len(OFFERS))[known]
    action = notices["action"][known]
    assert known.sum() > 400
    for offer in range(len(OFFERS)):
        weighted = (action == offer) / p[:, offer] * left
        error = weighted.std() / np.sqrt(len(weighted))
        assert abs(weighted.mean() - truth.p_leave[known, offer].mean()) < 3 * error, OFFERS[offer]


def test_outcomes_are_calibrated_to_the_true_probability(history: Run) -> None:
    notices, outcomes = history.record.table("notices"), history.record.table("outcomes")
    truth = history.truth.offers()
    stayed = dict(zip(outcomes["notice"].tolist(), outcomes["stayed"].tolist(), strict=True))
    known = np.flatnonzero(np.isin(notices["notice"], outcomes["notice"]))
    p = truth.p_leave[known, notices["action"][known]]
    left = np.array([not stayed[n] for n in notices["notice"][known].tolist()])
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 1.0)):
        inside = (p >= low) & (p < high)
        error = np.sqrt((p[inside] * (1 - p[inside])).sum())
        assert abs(left[inside].sum() - p[inside].sum()) < 3.5 * error


def test_all_kinds_of_account_are_there_and_are_what_they_are_called(history: Run) -> None:
    truth = history.truth.offers()
    share = np.bincount(truth.kind, minlength=len(KINDS)) / len(truth.kind)
    assert (share > [0.2, 0.15, 0.01, 0.05]).all(), dict(zip(KINDS, share, strict=True))
    dogs, lost = truth.kind == KINDS.index("sleeping dog"), truth.kind == KINDS.index("lost cause")
    assert (truth.uplift[dogs, 1:].min(1) < 0).all()
    assert truth.p_leave[lost, 0].min() > 0.4
    assert np.abs(truth.uplift[lost]).max() < 0.1


def test_the_likeliest_leavers_are_not_whom_to_pay(crowd: Run) -> None:
    truth = crowd.truth.offers()
    n, k = len(truth.account), len(truth.account) // 5
    nobody = np.zeros(n, np.int64)
    discount = OFFERS.index("discount")
    risky = nobody.copy()
    risky[np.argsort(-truth.p_leave[:, 0])[:k]] = discount
    gain = truth.net_minor[:, discount] - truth.net_minor[:, 0]
    moved = nobody.copy()
    moved[np.argsort(-gain)[:k]] = discount
    base = truth.value(nobody)
    assert truth.value(moved) - base > 1.5 * (truth.value(risky) - base)
    assert truth.value(truth.oracle) > truth.value(moved)
    everyone = np.full(n, discount)
    assert truth.value(everyone) < base
    assert truth.value(np.eye(len(OFFERS))[everyone]) == truth.value(everyone)


def test_quality_plays_are_as_frequent_as_the_truth_says(history: Run) -> None:
    plays, world = history.record.table("plays"), history.world
    off_page = plays["row"] == 0
    day = ((plays["at_us"] - world.config.start_us) // 86_400_000_000).astype(int)[off_page]
    member, title = plays["member"][off_page], plays["title"][off_page]
    p = np.empty(len(member))
    for d in np.unique(day):
        p[day == d] = history.truth.p_quality(int(d), member[day == d], title[day == d])
    liked = plays["liked"][off_page]
    assert abs(liked.sum() - p.sum()) < 3.5 * np.sqrt((p * (1 - p)).sum())


def test_artworks_that_promise_more_are_chosen_more(history: Run) -> None:
    pages, plays = history.record.table("pages"), history.record.table("plays")
    titles = history.world.titles
    title = pages["title"].reshape(len(pages["page"]), -1)
    pull = titles.artwork_pull[np.maximum(title, 0), pages["artwork"].reshape(title.shape)]
    shown = pull[title >= 0].mean()
    at = {int(p): i for i, p in enumerate(pages["page"])}
    played = np.flatnonzero(plays["page"] >= 0)
    where = (plays["row"][played] - 1) * history.world.config.cols + plays["col"][played] - 1
    taken = pull[[at[int(p)] for p in plays["page"][played]], where]
    assert taken.mean() - shown > 3 * taken.std() / np.sqrt(len(taken))
    assert history.truth.examination(0).shape == (4, 6)
    assert history.truth.artwork_effect(np.arange(3), np.arange(3), np.zeros(3, int)).shape == (3,)
