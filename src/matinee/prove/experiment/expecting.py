"""What effects usually are, by the experiments before: estimates are drawn towards it."""

from __future__ import annotations

from collections.abc import Iterable

from matinee.prove.experiment.findings import Look
from matinee.prove.stats.shrinkage import LIFT_SD, Prior, archive_prior

ENOUGH = 10
"""Past experiments from which on their own spread is used."""


def prior_of(last_looks: Iterable[Look]) -> Prior | None:
    """Prior of a new experiment's relative effect; None if there are too few past ones.

    Parameters
    ----------
    last_looks : iterable of Look
        The last look of each past A/B experiment, of those that found nothing too.

    Notes
    -----
    Each treatment is an estimate. Its mean is taken to be 0: changes help as often as they harm.
    """
    pairs = [
        [
            (estimate, error)
            for arm, estimate in look.estimate.items()
            if estimate is not None and (error := look.error.get(arm))
        ]
        for look in last_looks
    ]
    if sum(bool(of_one) for of_one in pairs) < ENOUGH:
        return None
    values, errors = zip(*(pair for of_one in pairs for pair in of_one), strict=True)
    return archive_prior(values, errors)


def expected(prior: Prior | None) -> str:
    """Where a prior comes from, in words.

    Examples
    --------
    >>> expected(None)
    'Expected: drawn towards 0 by the assumption that 95 % of changes move a metric by less than 10 %.'
    """
    within = f"95 % of changes move a metric by less than {100 * 2 * (prior.sd if prior else LIFT_SD):.3g} %"
    if prior is None or not prior.n:
        return f"Expected: drawn towards 0 by the assumption that {within}."
    return f"Expected: drawn towards 0, since by {prior.n} past differences of this home {within}."
