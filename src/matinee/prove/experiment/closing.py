"""What to say of the primary metric once a look of a spending plan has decided."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.findings import AfterStop, Look
from matinee.prove.experiment.looking import each_alpha, spending_looks
from matinee.prove.stats.spending import after_stop


def closed(
    experiment: Experiment,
    looks: Sequence[Look],
    shares: Sequence[float],
    *,
    as_share: bool,
    ends_us: int | None,
) -> list[AfterStop]:
    """P-value, estimate and interval of the look that decided; none where no look did, or by other means.

    Parameters
    ----------
    looks : sequence of Look
        All of them, the first one first.
    shares : sequence of float
        Their information as shares of the planned, see `information`.
    as_share : bool
        Whether differences are shares of the control.
    ends_us : int or None
        Planned end: a look at it decides about every arm, an earlier one about those that crossed.

    Notes
    -----
    By the stagewise order, in which an earlier stop is more extreme (`after_stop`). With several treatments
    each has its share of the error probability.
    """
    place = next((i for i, look in enumerate(looks) if look.verdict in ("ship", "keep")), None)
    if place is None or experiment.design.analysis != "spending" or not shares[place] > 0:
        return []
    look = looks[place]
    at_end = ends_us is not None and look.until_us >= ends_us
    found = []
    for arm, estimate in look.estimate.items():
        error, bound = look.error.get(arm), look.bound.get(arm)
        if estimate is None or not error or bound is None:
            continue
        z = estimate / error
        if abs(z) < bound and not at_end:
            continue
        alpha = each_alpha(experiment)
        plan = spending_looks(experiment, looks[:place], arm, shares[:place], shares[place], last=True)
        stopped = after_stop(z, plan, alpha=alpha)
        found.append(
            AfterStop(
                arm=arm,
                until_us=look.until_us,
                p=stopped.p,
                estimate=stopped.median * error,
                low=stopped.low * error,
                high=stopped.high * error,
                share=as_share,
                words=f"Median-unbiased, with an interval of {100 * (1 - alpha):.4g} %: corrected for the "
                "chance to stop earlier.",
            )
        )
    return found
