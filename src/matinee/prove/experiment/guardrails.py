"""Guardrails of a running experiment: which arms have broken one. Holds however often it is asked."""

from __future__ import annotations

from typing import NamedTuple

from matinee.observe.home import Home
from matinee.prove.experiment.comparing import guard
from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.findings import GuardrailFinding
from matinee.prove.experiment.looking import Window, each_alpha
from matinee.prove.experiment.reading import Reading, metrics_of, opened


class Broken(NamedTuple):
    """A guardrail that an arm has broken, with the words for people."""

    arm: str
    metric: str
    text: str


def guardrails_broken(home: Home, experiment: Experiment, started_us: int, until_us: int) -> list[Broken]:
    """Guardrails with `stop` that an arm has broken.

    Made to be asked every few minutes: only the tables of the guardrails are read, from the days of the
    covariate before the start on, and nothing else is computed.

    Parameters
    ----------
    started_us : int
        Start of the experiment.
    until_us : int
        Now: what has happened and arrived by then counts.

    Raises
    ------
    NotFoundError
        A metric is not known.
    StorageError
        The lake or the log cannot be read.
    """
    names = [one.metric for one in experiment.guardrails if one.stop]
    if not names or experiment.kind == "interleaving":  # there, every unit gets both arms' answers
        return []
    metrics = metrics_of(home, experiment, names)
    with opened(home, experiment, metrics, Window.of(experiment, started_us, until_us)) as reading:
        found = guarded(reading)
    return [Broken(one.arm, one.metric, one.text) for one in found if one.standing == "broken" and one.stops]


def guarded(reading: Reading) -> list[GuardrailFinding]:
    """Every guardrail of every treatment whose metric was measured.

    Notes
    -----
    The probability that any guardrail of any arm is ever called broken without being so is at most the
    design's alpha: it is divided by their number.
    """
    experiment = reading.experiment
    rails = [one for one in experiment.guardrails if one.metric in reading.metrics]
    names = [one.metric for one in rails]
    seen, sums = reading.seen(names), reading.moments(names)
    alpha = each_alpha(experiment) / max(1, len(experiment.guardrails))
    out = []
    for rail in rails:
        information = reading.information(reading.metrics[rail.metric])
        for place, one in enumerate(seen[rail.metric], 1):
            arms = sums.get(rail.metric)
            events = arms[0].y + arms[place].y if arms else float("inf")
            out.append(guard(rail, one, information, alpha, events))
    return out
