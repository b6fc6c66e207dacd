"""Read a started experiment of a home, and keep the look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from matinee.observe.home import Home
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.registry import Registry
from matinee.prove.experiment.expecting import ENOUGH, prior_of
from matinee.prove.experiment.findings import Look, Readout
from matinee.prove.experiment.readout import read
from matinee.prove.experiment.verdict import change
from matinee.prove.stats.shrinkage import Prior
from matinee.types import format_at


def read_experiment(
    home: Home,
    registry: Registry,
    name: str,
    *,
    now_us: int,
    estimate: bool = True,
    by: str | None = None,
    keep: bool = True,
) -> tuple[Readout, float]:
    """Read an experiment as of a moment; of one that has ended, as of its end.

    Parameters
    ----------
    now_us : int
        By the home's clock.
    estimate : bool
        See `read`.
    by : str, optional
        Who looks.
    keep : bool
        Store the look, and that the data were refused. False only where the readout is not shown to anybody.

    Returns
    -------
    readout : Readout
    alpha : float
        Of its design.

    Raises
    ------
    NotFoundError
        It was not started, or a metric is gone.
    InputError
        The moment is before its start.
    """
    row = registry.experiments.read(name)
    stored = registry.experiments.looks(name)
    until_us = now_us if row.ended_us is None else min(now_us, row.ended_us)
    readout = read(
        home,
        row.definition,
        stored,
        started_us=row.started_us,
        until_us=until_us,
        stopped={arm: stop.reason for arm, stop in row.stopped_arms.items() if stop.at_us <= until_us},
        prior=past_effects(registry, until_us, without=name),
        estimate=estimate,
    )
    look, alpha = readout.look, row.definition.design.alpha
    if row.ended_us is not None and row.ended_us <= until_us:
        readout = _of_ended(readout, row)
    later = any(one.at_us > until_us for one in stored)
    free = keep and not later and row.ended_us is None
    if look is None and free and estimate:
        _keep_standing(registry, name, readout, stored, by)
    if look is None or not free:
        looks = [one for one in readout.looks if one is not look]
        return msgspec.structs.replace(readout, look=None, looks=looks), alpha
    look = msgspec.structs.replace(look, made_by=by)
    registry.experiments.add_look(name, look)
    kept = msgspec.structs.replace(readout, look=look, looks=[*readout.looks[:-1], look])
    return kept, alpha


def broken_arms(registry: Registry, readout: Readout) -> dict[str, str]:
    """Arms that a guardrail stops by a readout and that still answer -> why; none of one that has ended."""
    row = registry.experiments.read(readout.experiment)
    if row.ended_us is not None:
        return {}
    found = [one for one in readout.guardrails if one.standing == "broken" and one.stops]
    return {one.arm: one.text.rstrip(".") for one in reversed(found) if one.arm not in row.stopped_arms}


def stop_broken(
    registry: Registry, name: str, broken: Mapping[str, str], *, at_us: int, by: str | None = None
) -> list[str]:
    """Stop arms, each with its reason; those that a server stopped meanwhile are not in the answer.

    Raises
    ------
    InputError
        The experiment was stopped meanwhile.
    """
    return [arm for arm, why in broken.items() if registry.experiments.stop_arm(name, arm, at_us, why, by)]


def _of_ended(readout: Readout, row: ExperimentRow) -> Readout:
    """What was stopped does not go on, and what its end said counts."""
    assert row.ended_us is not None
    said = f"ship {row.winner}" if row.winner else row.verdict
    text = f"It was stopped on {format_at(row.ended_us)[:16].replace('T', ' ')} with the verdict: {said}."
    if readout.verdict != "keep running":
        return msgspec.structs.replace(readout, reasons=[*readout.reasons, text])
    seen = [f"No difference was shown by then: {one.arm} {change(one)}." for one in readout.primary]
    return msgspec.structs.replace(readout, verdict="do not ship", reasons=[text, *seen])


def _keep_standing(
    registry: Registry, name: str, readout: Readout, stored: Sequence[Look], by: str | None
) -> None:
    """Keep that the data were refused, and that they are believed again: the end goes by what was said last.

    Neither is a look at the estimate, and bounds do not depend on it.
    """
    was = stored[-1].verdict if stored else ""
    if readout.verdict == "refused" and was != "refused":
        units = {arm.name: arm.units for arm in readout.arms}
        look = Look(
            at_us=readout.seen_us, until_us=readout.until_us, fraction=readout.fraction, n=units, estimate={},
            error={}, bound={}, verdict="refused", made_by=by,
        )  # fmt: skip
        registry.experiments.add_look(name, look)
    elif readout.verdict != "refused" and was == "refused" and readout.looks:
        again = msgspec.structs.replace(readout.looks[-1], at_us=readout.seen_us, made_by=by)
        registry.experiments.add_look(name, again)


def past_effects(registry: Registry, until_us: int, *, without: str = "") -> Prior | None:
    """What A/B experiments that ended before a moment found; None if they are too few.

    Parameters
    ----------
    without : str
        One that does not count: the one that is read.
    """
    ended = [
        row.name
        for row in registry.experiments.all()
        if row.definition.kind == "ab"
        and row.ended_us is not None
        and row.ended_us <= until_us
        and row.name != without
    ]
    if len(ended) < ENOUGH:
        return None
    looks = (registry.experiments.looks(name) for name in ended)
    return prior_of(of_one[-1] for of_one in looks if of_one)
