"""The homepage: which rows, which titles, in which order, for this member now."""

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.exploration import write_explored
from matinee.initiatives.homepage.popular import FALLBACK, PopularHomepage
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.initiatives.homepage.training import BASELINE, EVALUATE, READS, TRAIN
from matinee.platform.gates.fair_coverage import FairCoverage
from matinee.platform.gates.guardrails import Guardrail, Guardrails
from matinee.platform.gates.off_policy import OffPolicy
from matinee.platform.gates.stock import stock_gates
from matinee.platform.initiative import Fallback, Initiative, Input, Reward
from matinee.platform.outcomes.rule import FromPlays

_WHY = {
    "titles": "what there is",
    "availability": "what may be shown where and when",
    "pins": "what the editors placed",
    "members": "territory, maturity limit, kids profile, languages",
    "plays": "what was watched",
    "impressions": "titles that nobody has played yet",
    "signals": "lists and thumbs",
}
GUARDRAILS = (
    Guardrail("calibration_error", "the page keeps to the mix of what the member watches", at_most=0.75),
)
HOMEPAGE = Initiative(
    name="homepage",
    title="The rows and titles of each member's homepage",
    owner="personalisation",
    tier=1,
    hypothesis=(
        "If each member's page is composed for them, then they find more that they are glad of, because what "
        "is near their taste stands where they look."
    ),
    stage="built",
    next_step="serve it to a share of members beside the popularity page and read the difference",
    unit="member",
    actions=("titles",),
    reward=Reward(
        name="quality plays",
        unit="plays",
        definition=(
            "plays of a tile's title within the window whose watch time is at least 120 s and 70 % of the "
            "runtime"
        ),
        window_h=24,
        from_events=FromPlays(),
    ),
    guardrails=GUARDRAILS,
    inputs=tuple(Input(table, _WHY[table]) for table in READS),
    config=PageConfig,
    pipeline=TRAIN,
    evaluation=EVALUATE,
    open=HomepageDecider.open,
    baseline=BASELINE,
    fallback=Fallback(FALLBACK, PopularHomepage.open, without_state=True),
    gates=stock_gates(
        FairCoverage(at_least_share=0.25),
        Guardrails(GUARDRAILS),
        off_policy=OffPolicy(
            instead=(
                "A page is not weighed as a whole: its rows answer to each other. Its explored slots are "
                "(matinee ope --explored), and an experiment tells of the rest."
            )
        ),
    ),
    latency_budget_ms=250.0,
    explored=write_explored,
)
