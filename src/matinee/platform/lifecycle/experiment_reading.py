"""Read a started experiment of a home, and keep the look."""

from __future__ import annotations

import msgspec

from matinee.observe.home import Home
from matinee.platform.registry.registry import Registry
from matinee.prove.experiment.expecting import ENOUGH, prior_of
from matinee.prove.experiment.findings import Readout
from matinee.prove.experiment.readout import read
from matinee.prove.stats.shrinkage import Prior


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
        Store the look. False only where the readout is not shown to anybody.

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
    look = readout.look
    later = any(one.at_us > until_us for one in stored)
    if look is None or later or row.ended_us is not None or not keep:
        looks = [one for one in readout.looks if one is not look]
        return msgspec.structs.replace(readout, look=None, looks=looks), row.definition.design.alpha
    look = msgspec.structs.replace(look, made_by=by)
    registry.experiments.add_look(name, look)
    kept = msgspec.structs.replace(readout, look=look, looks=[*readout.looks[:-1], look])
    return kept, row.definition.design.alpha


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
