"""Artwork: which image stands for a title, for this member."""

from pathlib import Path

from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.holdout import GenerationsHold
from matinee.initiatives.artwork.judging import RANDOM
from matinee.initiatives.artwork.matching import POLICY as MATCH
from matinee.initiatives.artwork.matching import GenreMatch
from matinee.initiatives.artwork.serving import ArtworkDecider
from matinee.initiatives.artwork.training import EVALUATE, TRAIN
from matinee.initiatives.artwork.weighing import beside_the_images
from matinee.platform.gates.guardrails import Guardrail, Guardrails
from matinee.platform.gates.off_policy import GainBound, OffPolicy
from matinee.platform.gates.stock import stock_gates
from matinee.platform.initiative import Fallback, Initiative, Input, Reward

GUARDRAILS = (
    Guardrail(
        "least_share", "every cleared image goes on being seen, so that the log can judge it", at_least=0.02
    ),
)
ARTWORK = Initiative(
    name="artwork",
    title="Which image stands for a title, for this member",
    owner="creative and discovery",
    tier=2,
    hypothesis=(
        "If each member sees the image of a title that shows what they look for, then more impressions "
        "lead to a play they are glad of, because a picture tells in a second what the title is."
    ),
    stage="built",
    next_step="show random cleared images to a share of members for two weeks, then train and compare",
    unit="member",
    actions=("the cleared images of a title",),
    reward=Reward(
        name="quality play of the impression",
        unit="quality plays",
        definition=(
            "1 if the title of an impression is played from its tile for at least 70 % of its runtime and "
            "120 s "
            "within a day, else 0; never the click"
        ),
        window_h=24,
        low=0.0,
        high=1.0,
    ),
    guardrails=GUARDRAILS,
    inputs=(
        Input("outcomes", "which image a tile had, how probably, and whether its title was played well"),
        Input("decisions", "the same of pages whose outcomes nobody joined"),
        Input("impressions", "which tiles came into view"),
        Input("plays", "which genres a member watches, and what came of a tile"),
        Input("members", "territories, where plays do not tell them"),
        Input("outages", "plays of an outage are nothing to learn from"),
        Input("titles", "genres, runtimes, series of episodes"),
        Input("artwork", "images, what they show, and where and when they are cleared"),
        Input("signals", "names titles that nothing else does, as the catalogue is read"),
        Input("availability", "part of the catalogue as it is read"),
        Input("pins", "part of the catalogue as it is read"),
    ),
    config=ArtworkConfig,
    values=Path(__file__).with_name("artwork.toml"),
    pipeline=TRAIN,
    evaluation=EVALUATE,
    open=ArtworkDecider.open,
    baseline=RANDOM,
    fallback=Fallback(MATCH, GenreMatch.open),
    gates=stock_gates(
        Guardrails(GUARDRAILS), GenerationsHold(), off_policy=OffPolicy(GainBound(beside_the_images))
    ),
    latency_budget_ms=10.0,
    refreshed_every_h=24 * 7,
)
