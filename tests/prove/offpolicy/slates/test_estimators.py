"""Estimators of slates against computed truths: who is right under which interaction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.prove.offpolicy.slates.worlds import cascade, competing, independent, slates

from matinee.errors import ConfigError, InputError
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.prove.offpolicy.slates.evaluating import SLATE_ESTIMATORS, estimate_slates, evaluate_slates
from matinee.prove.offpolicy.slates.log import SlateLog
from matinee.prove.offpolicy.slates.problem import SlateProblem

ALL = list(SLATE_ESTIMATORS)


@pytest.mark.parametrize("name", ["rips", "snrips", "cascade_dr", "sips"])
def test_in_a_cascade_products_of_weights_are_right(name: str) -> None:
    found = [slates(1_500, cascade, seed=seed) for seed in range(40)]
    values = [estimate_slates(one.problem, SLATE_ESTIMATORS[name]) for one in found]
    off = np.array([one.value for one in values]) - found[0].truth
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))
    held = np.mean([one.low <= found[0].truth <= one.high for one in values])
    assert held >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(values))


def test_independent_weights_are_wrong_in_a_cascade_and_right_without_interaction() -> None:
    def off(reward, again: bool) -> tuple[float, float]:  # type: ignore[no-untyped-def]
        found = [slates(1_500, reward, seed=seed, again=again) for seed in range(40)]
        errors = [estimate_slates(one.problem, SLATE_ESTIMATORS["iips"]).value - one.truth for one in found]
        return float(np.mean(errors)), float(np.std(errors) / np.sqrt(len(errors)))

    bias, error = off(cascade, again=True)
    assert abs(bias) > 8 * error
    bias, error = off(independent, again=True)
    assert abs(bias) < 4 * error
    bias, error = off(independent, again=False)  # what was taken is gone: the slots before matter even so
    assert abs(bias) > 8 * error


def test_where_slots_compete_both_ways_only_the_plain_one_is_right() -> None:
    found = [slates(3_000, competing, seed=seed) for seed in range(40)]
    off = {
        name: np.array([estimate_slates(one.problem, SLATE_ESTIMATORS[name]).value for one in found])
        - found[0].truth
        for name in ALL
    }
    z = {name: abs(one.mean()) / (one.std() / np.sqrt(len(one))) for name, one in off.items()}
    assert z["sips"] < 4
    assert z["rips"] > 4
    assert z["cascade_dr"] > 4


def test_the_model_makes_the_cascade_estimate_narrower() -> None:
    errors = {
        name: np.std(
            [
                estimate_slates(slates(800, independent, seed=seed).problem, SLATE_ESTIMATORS[name]).value
                for seed in range(30)
            ]
        )
        for name in ("rips", "cascade_dr", "sips")
    }
    assert errors["cascade_dr"] < errors["rips"] < errors["sips"]


def test_one_slot_is_plain_ips() -> None:
    given = slates(500, independent).problem.log
    first = given.position == 0
    log = replace(
        given,
        **{name: getattr(given, name)[first]
           for name in ("page", "position", "action", "propensity", "reward", "n_actions")},
    )  # fmt: skip
    problem = SlateProblem(log, np.full(len(log.page), 0.25))
    by_hand = float((0.25 / log.propensity * log.reward).mean())
    for name in ("iips", "rips", "sips"):
        assert estimate_slates(problem, SLATE_ESTIMATORS[name]).value == pytest.approx(by_hand, rel=1e-12)


def test_the_logging_policy_gets_the_logged_value() -> None:
    problem = slates(400, cascade).problem
    same = SlateProblem(problem.log, problem.log.propensity)
    report = evaluate_slates(same)
    assert report.logged is not None
    for name in ("iips", "rips", "snrips", "sips"):
        assert report.estimates[name].value == pytest.approx(report.logged.value, rel=1e-12)
    assert "it needs the probability of every action" in report.not_run["cascade_dr"]


def test_units_widen_the_interval() -> None:
    alone, few = slates(1_000, cascade).problem, slates(1_000, cascade, units=40).problem
    wide = evaluate_slates(few).diagnostics
    assert (wide.n_units, wide.n_decisions, wide.n_slots) == (40, 1_000, 3_000)
    assert evaluate_slates(alone).estimates["rips"].value == pytest.approx(
        evaluate_slates(few).estimates["rips"].value
    )


def test_positions_are_diagnosed_and_broken_propensities_refused() -> None:
    given = slates(2_000, cascade).problem
    report = evaluate_slates(given)
    assert [one.position for one in report.diagnostics.positions] == [1, 2, 3]
    assert all(0.9 < one.mean_weight < 1.1 for one in report.diagnostics.positions)
    last = report.diagnostics.positions[-1]
    assert last.prefix_ess < last.ess
    assert last.prefix_max == given.prefix_weight[:, -1].max()
    broken = replace(given, log=replace(given.log, propensity=given.log.propensity * 0.5))
    refused = evaluate_slates(broken)
    assert (refused.verdict, refused.estimates, refused.logged) == ("refused", {}, None)
    assert any("Mean of 1 / (actions * propensity) is 2" in reason for reason in refused.reasons)
    assert set(refused.not_run.values()) == {"the log was refused"}


def test_an_estimator_whose_weights_leave_too_little_is_not_run() -> None:
    given = slates(60, cascade).problem
    report = evaluate_slates(given, ["iips", "sips"])
    assert "iips" in report.estimates
    far = replace(given, p=np.where(given.log.position == 2, given.p * (given.log.action == 1), given.p))
    thin = evaluate_slates(replace(far, target=None), ["sips"])
    assert thin.verdict == "refused" or "effective decisions of 60" in thin.not_run["sips"]


def test_a_log_of_one_action_is_refused() -> None:
    n = 50
    log = SlateLog(
        page=np.arange(n), position=np.zeros(n, np.int64), action=np.zeros(n, np.int64),
        propensity=np.ones(n), reward=np.ones(n), unit=np.arange(n), names=("a",),
        decision_id=np.arange(n).astype(np.str_),
    )  # fmt: skip
    report = evaluate_slates(SlateProblem(log, np.ones(n)))
    assert any('one action, "a", expected several' in reason for reason in report.reasons)


def test_impossible_values_are_named() -> None:
    log = slates(5, cascade).problem.log
    with pytest.raises(
        InputError, match=r'decision "d0", slot 1: propensity is 0\.0, expected a probability'
    ):
        replace(log, propensity=np.where(np.arange(15) == 0, 0.0, log.propensity))
    with pytest.raises(InputError, match="reward is nan, expected a number"):
        replace(log, reward=np.where(np.arange(15) == 7, np.nan, log.reward))
    with pytest.raises(InputError, match="action is 9, expected a position in the names"):
        replace(log, action=np.where(np.arange(15) == 1, 9, log.action))
    with pytest.raises(InputError, match="reward has 3 rows, expected 15"):
        replace(log, reward=log.reward[:3])
    with pytest.raises(InputError, match=r"p is 1\.5, expected a probability from 0 to 1"):
        SlateProblem(log, np.full(15, 1.5))
    with pytest.raises(InputError, match="it fills 3 slots, expected 15"):
        SlateProblem(log, np.ones(3))
    with pytest.raises(ConfigError, match='unknown estimator of slates "rip"'):
        evaluate_slates(slates(50, cascade).problem, ["rip"])
    empty = np.zeros(0)
    none = np.zeros(0, np.int64)
    with pytest.raises(EmptyLogError, match=r"0 slots .left out: decisions 3 answered by the fallback"):
        SlateLog(none, none, none, empty, empty, none, (), np.zeros(0, np.str_),
                 left_out={"answered by the fallback": 3})  # fmt: skip
