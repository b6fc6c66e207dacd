"""The primary metric in the groups of units that were declared ahead, drawn towards each other."""

from __future__ import annotations

from matinee.prove.experiment.comparing import LEAST_UNITS, Seen, see
from matinee.prove.experiment.findings import SegmentFinding
from matinee.prove.experiment.measuring import moments
from matinee.prove.experiment.reading import Reading
from matinee.prove.stats.shrinkage import shrink_many


def segment_findings(reading: Reading) -> list[SegmentFinding]:
    """Relative differences in each group of each declared segment.

    Notes
    -----
    Groups with fewer than `LEAST_UNITS` units in an arm are left out, and so are quantiles, whose groups
    would need more units than that. The groups of one segment are drawn towards each other, segment by
    segment and arm by arm.
    """
    experiment = reading.experiment
    metric = reading.metrics[experiment.primary]
    if metric.kind == "quantile":
        return []
    out = []
    for segment in experiment.segments:
        found = moments(
            reading.con,
            {reading.place(metric.name): metric},
            n_arms=len(reading.names),
            at_us=reading.window.until_us,
            covariate=experiment.covariate_days > 0,
            by=segment,
        )
        groups: dict[str, list[tuple[str, Seen]]] = {}
        for value, places in found.items():
            arms = places[reading.place(metric.name)]
            if min(arm.n for arm in arms) < LEAST_UNITS:
                continue
            for one in see(metric, reading.names, arms):
                if isinstance(one, Seen) and one.lift is not None and one.lift.error > 0:
                    groups.setdefault(one.arm, []).append((value, one))
        for arm, seen in groups.items():
            out += _shrunk(segment, arm, seen, experiment.design.alpha)
    return out


def _shrunk(segment: str, arm: str, seen: list[tuple[str, Seen]], alpha: float) -> list[SegmentFinding]:
    lifts = [one.lift for _, one in seen if one.lift is not None]
    shrunk = shrink_many([lift.value for lift in lifts], [lift.error for lift in lifts], alpha=alpha)
    return [
        SegmentFinding(
            segment=segment,
            value=value,
            arm=arm,
            units=one.plain.n_treated + one.plain.n_control,
            lift=lift.value,
            shrunk=drawn.value,
            low=drawn.low,
            high=drawn.high,
        )
        for (value, one), lift, drawn in zip(seen, lifts, shrunk, strict=True)
    ]
