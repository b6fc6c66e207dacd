"""Retention: whom to offer what so that they stay, and whom to leave alone."""

from pathlib import Path

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import STANDING, account_tables
from matinee.initiatives.retention.makers import BASELINE
from matinee.initiatives.retention.serving import FALLBACK, NoOffer, RetentionDecider
from matinee.initiatives.retention.training import EVALUATE, TRAIN
from matinee.initiatives.retention.weighing import beside_the_offers
from matinee.platform.gates.fair_coverage import FairCoverage
from matinee.platform.gates.feature_skew import FeatureSkew
from matinee.platform.gates.guardrails import Guardrail, Guardrails
from matinee.platform.gates.off_policy import GainBound, OffPolicy
from matinee.platform.gates.stock import stock_gates
from matinee.platform.initiative import Fallback, Initiative, Input, Reward

GUARDRAILS = (
    Guardrail("budget_used", "offers are expected to cost no more than the budget", at_most=1.05),
    Guardrail("calibration_error", "a probability of leaving means what it says", at_most=0.1),
)
RETENTION = Initiative(
    name="retention",
    title="Which account is offered what so that it stays",
    owner="subscriber growth",
    tier=2,
    hypothesis=(
        "If offers go to the accounts that they move, and not to the likeliest leavers, then more revenue is "
        "kept for the same money, because some leave whatever they are offered and some stay anyway."
    ),
    stage="built",
    next_step="log offers at random for two periods, then decide for half of the accounts and compare",
    unit="account",
    actions=("none", "the offers of [retention.offers]"),
    reward=Reward(
        name="incremental retained revenue",
        unit="minor units of currency",
        definition=(
            "value_periods prices for each account that has not ended within outcome_days of the decision, "
            "less the cost of the offer; compared with accounts that were offered nothing"
        ),
        window_h=24 * 28,
    ),
    guardrails=GUARDRAILS,
    inputs=(
        Input("plays", "what accounts found, and when they last did"),
        Input("searches", "what they looked for"),
        Input("signals", "lists and thumbs"),
        Input("membership", "when accounts started, paused and ended"),
        Input("decisions", "which offers were made, with which propensity, at which price"),
        Input("members", "which members an account has, and their territory"),
        Input("titles", "runtimes, to tell a play that shows that the title was liked"),
    ),
    features=STANDING,
    feature_tables=account_tables,
    config=RetentionConfig,
    values=Path(__file__).with_name("retention.toml"),
    pipeline=TRAIN,
    evaluation=EVALUATE,
    open=RetentionDecider.open,
    baseline=BASELINE,
    fallback=Fallback(FALLBACK, NoOffer.open),
    gates=stock_gates(
        FeatureSkew(),
        FairCoverage(),
        Guardrails(GUARDRAILS),
        off_policy=OffPolicy(GainBound(beside_the_offers)),
    ),
    latency_budget_ms=20.0,
    refreshed_every_h=24 * 30,
)
