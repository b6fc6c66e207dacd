"""Gates that look at one thing: approver, fresh process, source of the data, off-policy value, skew."""

from __future__ import annotations

import pytest
from tests.platform.gates.candidates import candidate

from matinee.platform.gates.approval import Approval
from matinee.platform.gates.fair_coverage import FairCoverage
from matinee.platform.gates.feature_skew import FeatureSkew, Skew
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.platform.gates.loads import Loads
from matinee.platform.gates.off_policy import OffPolicy
from matinee.platform.gates.real_data import RealData
from matinee.platform.gates.stock import stock_gates


@pytest.mark.parametrize(
    ("tier", "approver", "verdict"),
    [(1, None, "failed"), (2, "", "failed"), (2, "kim", "passed"), (3, None, "passed"), (4, None, "passed")],
)
def test_high_tiers_need_an_approver(tier: int, approver: str | None, verdict: str) -> None:
    found = Approval().check(candidate(tier=tier, approver=approver))
    assert found.verdict == verdict
    if verdict == "failed":
        assert f"Tier {tier} needs an approver and none is named. Pass --approver NAME." in found.text
    assert Approval(up_to_tier=0).check(candidate(tier=tier)).verdict == "passed"


def test_a_model_that_does_not_answer_in_a_new_process_fails() -> None:
    assert Loads().check(candidate()).verdict == "passed"
    found = Loads().check(candidate(load_in_fresh_process=lambda: "ModuleNotFoundError: gone"))
    assert (found.gate, found.verdict) == ("loads_in_fresh_process", "failed")
    assert "could not answer with it: ModuleNotFoundError: gone" in found.text


@pytest.mark.parametrize(
    ("data", "tier", "verdict"),
    [
        ("home", 1, "passed"),
        ("simulated", 4, "passed"),
        ("simulated", 3, "failed"),
        ("simulated", 1, "failed"),
    ],
)
def test_real_members_are_decided_about_from_real_data(data: str, tier: int, verdict: str) -> None:
    found = RealData().check(candidate(data=data, tier=tier))
    assert found.verdict == verdict
    if verdict == "failed":
        assert f"expected the log of this home for tier {tier}" in found.text
        assert "matinee train toy" in found.text
    assert RealData(from_tier=5).check(candidate(data="simulated", tier=4)).verdict == "failed"


def test_off_policy_passes_the_question_on_or_says_that_it_is_not_measured() -> None:
    assert OffPolicy().check(candidate()).verdict == "not_measured"

    def estimate(asked: Candidate) -> GateResult:
        return GateResult(
            "off_policy", "failed", f"{asked.version}: lower bound 0.1, expected above 0.2.", 0.1, 0.2
        )

    found = OffPolicy(estimate).check(candidate())
    assert (found.verdict, found.figure, found.bound) == ("failed", 0.1, 0.2)


def skewed(skew: Skew | None) -> GateResult:
    return FeatureSkew().check(candidate(feature_skew=lambda: skew))


def test_features_that_differ_between_batch_and_online_are_named() -> None:
    assert skewed(None).verdict == skewed(Skew(0, 2, {})).verdict == "not_measured"
    assert skewed(Skew(10, 2, {})).verdict == "passed"
    found = skewed(Skew(10, 2, {"plays_7d": 3, "plays_1d": 1}))
    assert (found.verdict, found.figure, found.bound) == ("failed", 0.2, 0.0)
    assert "4 of 20 values" in found.text
    assert "Most often: plays_7d, 3 units." in found.text
    assert FeatureSkew(0.25).check(candidate(feature_skew=lambda: Skew(10, 2, {"a": 4}))).verdict == "passed"


def test_what_stands_in_the_place_of_an_estimator_is_said() -> None:
    found = OffPolicy(instead="An experiment tells.").check(candidate())
    assert found.verdict == "not_measured"
    assert found.text == "No off-policy estimator is set for this initiative. An experiment tells."


def test_stock_gates_have_their_order() -> None:
    names = [gate.name for gate in stock_gates(FairCoverage())]
    assert names == [
        "beats_baseline", "not_worse_than_released", "loads_in_fresh_process", "latency", "fair_coverage",
        "real_data", "off_policy", "experiment", "approval",
    ]  # fmt: skip
    assert stock_gates(off_policy=OffPolicy(instead="x"))[5] == OffPolicy(instead="x")
