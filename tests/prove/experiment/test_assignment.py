"""Who is in which arm: shares, exclusion, independence, sticky ramps, and the bulk form."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.prove.experiment.assignment import assign, assign_many, in_holdout, position
from matinee.prove.experiment.definition import Arm, Experiment

IDS = [f"m{number}" for number in range(200_000)]
TRIAL = Experiment(
    name="art-1",
    initiative="art",
    owner="ana",
    hypothesis="If we, then they.",
    arms=(Arm("old", 0.5), Arm("new", 0.3, "v2"), Arm("other", 0.2, "v3")),
    primary="watch",
    salt="s1",
)


def changed(**change: object) -> Experiment:
    return msgspec.structs.replace(TRIAL, **change)


def five_errors(share: float, n: int) -> float:
    """Five standard errors of a share of n: missed by chance once in two million."""
    return 5 * (share * (1 - share) / n) ** 0.5


def test_shares_are_those_that_were_written() -> None:
    found = assign_many(changed(share=0.4, from_share=0.3, kept_out=0.1), IDS, holdout=0.05)
    inside = found.arm >= 0
    assert abs(inside.mean() - 0.4 * 0.95) < five_errors(0.38, len(IDS))
    n = int(inside.sum())
    for number, arm in enumerate(TRIAL.arms):
        assert abs((found.arm[inside] == number).mean() - arm.share) < five_errors(arm.share, n)
    assert abs(found.kept_out[inside].mean() - 0.1) < five_errors(0.1, n)
    assert not found.kept_out[~inside].any()
    kept = found.kept_out[inside]  # as many of each arm
    for number in range(3):
        own = found.arm[inside] == number
        assert abs(kept[own].mean() - 0.1) < five_errors(0.1, int(own.sum()))


def test_experiments_of_one_layer_exclude_each_other_and_fill_it() -> None:
    parts = [changed(name=f"x-{at}", salt=f"s{at}", share=0.25, from_share=0.25 * at) for at in range(4)]
    inside = np.array([assign_many(part, IDS).arm >= 0 for part in parts])
    assert (inside.sum(axis=0) == 1).all()


@pytest.mark.parametrize("change", [{"layer": "rows", "salt": "s2"}, {"salt": "s2"}])
def test_arms_of_two_experiments_are_independent(change: dict[str, str]) -> None:
    """Chi-square of a 3 x 3 table; 4 degrees of freedom exceed 33.4 once in a million."""
    a, b = assign_many(TRIAL, IDS).arm, assign_many(changed(**change), IDS).arm
    seen = np.array([[np.sum((a == i) & (b == j)) for j in range(3)] for i in range(3)])
    expected = seen.sum(1, keepdims=True) * seen.sum(0, keepdims=True) / len(IDS)
    assert float(((seen - expected) ** 2 / expected).sum()) < 33.4


def test_places_in_two_layers_are_independent() -> None:
    one = assign_many(changed(share=0.5), IDS).arm >= 0
    other = assign_many(changed(share=0.5, layer="rows"), IDS).arm >= 0
    assert abs((one & other).mean() - 0.25) < five_errors(0.25, len(IDS))


def test_a_ramp_keeps_everybody_in_their_arm() -> None:
    small = changed(share=0.1, from_share=0.2, kept_out=0.2)
    before, after = assign_many(small, IDS), assign_many(msgspec.structs.replace(small, share=0.7), IDS)
    inside = before.arm >= 0
    assert (after.arm[inside] == before.arm[inside]).all()
    assert (after.kept_out[inside] == before.kept_out[inside]).all()
    assert (after.arm >= 0).sum() > 6 * inside.sum()


def test_another_salt_makes_other_arms() -> None:
    same = (assign_many(TRIAL, IDS).arm == assign_many(changed(salt="s2"), IDS).arm).mean()
    assert abs(same - (0.25 + 0.09 + 0.04)) < five_errors(0.38, len(IDS))


def test_the_holdout_is_in_no_experiment_and_only_grows() -> None:
    held = np.array([in_holdout(0.1, one) for one in IDS[:20_000]])
    assert abs(held.mean() - 0.1) < five_errors(0.1, 20_000)
    for layer in ("art", "rows"):
        found = assign_many(changed(layer=layer), IDS[:20_000], holdout=0.1)
        assert ((found.arm < 0) == held).all()
    more = np.array([in_holdout(0.2, one) for one in IDS[:20_000]])
    assert more[held].all()
    assert not in_holdout(0.0, "m1")


@settings(max_examples=60, deadline=None)
@given(
    ids=st.lists(st.text(max_size=20), max_size=20),
    share=st.floats(0.01, 0.5),
    start=st.floats(0, 0.5),
    holdout=st.sampled_from([0.0, 0.3]),
    kept_out=st.sampled_from([0.0, 0.5]),
)
def test_many_at_once_are_answered_as_one_by_one(
    ids: list[str], share: float, start: float, holdout: float, kept_out: float
) -> None:
    experiment = changed(share=share, from_share=start, kept_out=kept_out)
    many = assign_many(experiment, ids, holdout=holdout)
    for number, unit_id in enumerate(ids):
        one = assign(experiment, unit_id, holdout=holdout)
        assert (many.arm[number], bool(many.kept_out[number])) == (one or (-1, False))


def test_nobody_and_everybody() -> None:
    assert assign_many(TRIAL, []).arm.shape == (0,)
    assert assign(TRIAL, "m1", holdout=1.0) is None
    assert (assign_many(TRIAL, IDS[:1000]).arm >= 0).all()


def test_a_position_is_what_it_was_yesterday() -> None:
    """A known answer: whoever changes the hash moves everybody, in the middle of every experiment."""
    assert position("s", "m1") == pytest.approx(0.21438008152900534, abs=1e-15)
