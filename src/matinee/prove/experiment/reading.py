"""An experiment opened for reading: its exposed units and their metrics, ready to be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.prove.experiment.comparing import Missing, Seen, see, see_quantiles
from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.exposures import Exposed, add_segments, find_exposed
from matinee.prove.experiment.looking import Window, sequence_information
from matinee.prove.experiment.measuring import measure, moments, unit_values
from matinee.prove.experiment.metrics.catalogue import known_metrics, metric_named
from matinee.prove.experiment.metrics.definition import Metric
from matinee.prove.stats.moments import Moments
from matinee.types import format_at


@dataclass(slots=True)
class Reading:
    """What is known of an experiment at a moment.

    Attributes
    ----------
    con : connection
        With the tables of `find_exposed`, `measure` and `add_segments`.
    metrics : dict of str to Metric
        Those that were measured.
    exposed : Exposed
    late : int
        See `measure`.
    """

    con: duckdb.DuckDBPyConnection
    experiment: Experiment
    window: Window
    metrics: dict[str, Metric]
    exposed: Exposed
    late: int = 0

    @property
    def names(self) -> list[str]:
        """Of the arms, the control first."""
        return [arm.name for arm in self.experiment.arms]

    def place(self, name: str) -> int:
        """Of a metric among the columns."""
        return list(self.metrics).index(name)

    def moments(self, names: Sequence[str]) -> dict[str, list[Moments]]:
        """Moments of the arms, for all metrics but quantiles."""
        wanted = {self.place(name): self.metrics[name] for name in names}
        found = moments(
            self.con,
            {i: metric for i, metric in wanted.items() if metric.kind != "quantile"},
            n_arms=len(self.names),
            at_us=self.window.until_us,
            covariate=self.experiment.covariate_days > 0,
        )[""]
        return {wanted[i].name: arms for i, arms in found.items()}

    def seen(self, names: Sequence[str]) -> dict[str, list[Seen | Missing]]:
        """Differences of each treatment from the control, by metric."""
        arms = self.moments(names)
        out = {}
        for name in dict.fromkeys(names):
            metric = self.metrics[name]
            if metric.kind == "quantile":
                values = unit_values(
                    self.con, metric, self.place(name), n_arms=len(self.names), at_us=self.window.until_us
                )
                out[name] = see_quantiles(metric, self.names, values)
            else:
                out[name] = see(metric, self.names, arms[name])
        return out

    def information(self, metric: Metric) -> float:
        """For confidence sequences, see `sequence_information`."""
        return sequence_information(self.con, self.experiment, self.window, metric.matures_days)


def metrics_of(home: Home, experiment: Experiment, names: Sequence[str]) -> dict[str, Metric]:
    """The metrics of an experiment by name: as they were defined at its start, once it has started.

    Raises
    ------
    NotFoundError
        One is not known, with the nearest known name.
    """
    known = {**known_metrics(home), **{metric.name: metric for metric in experiment.defined}}
    return {name: metric_named(known, name, f"experiment {experiment.name}") for name in names}


@contextmanager
def opened(
    home: Home,
    experiment: Experiment,
    metrics: dict[str, Metric],
    window: Window,
    *,
    late_after_us: int | None = None,
    segments: tuple[str, ...] = (),
) -> Iterator[Reading]:
    """Find the exposed units and measure the metrics.

    Raises
    ------
    InputError
        The moment is before the start.
    StorageError
        The lake or the log cannot be read.
    """
    if window.until_us < window.started_us:
        raise InputError(
            f"experiment {experiment.name}: read at {format_at(window.until_us)}, expected after its start "
            f"on {format_at(window.started_us)}. Give a later --at, or see [clock] now in matinee.toml."
        )
    tables = {table for metric in metrics.values() for table in metric.tables}
    ages = {"plays", "membership"} if "tenure" in segments else set()
    with spilling() as con:
        moment = Moment(window.until_us, window.seen_us)
        open_events(con, home, *sorted({"decisions", *tables, *ages}), moment=moment)
        open_facts(con, home, "members", "titles", at_us=window.until_us)
        exposed = find_exposed(con, experiment, window.started_us)
        if segments:
            add_segments(con, segments)
        reading = Reading(con, experiment, window, metrics, exposed)
        reading.late = measure(
            con,
            list(metrics.values()),
            initiative=experiment.initiative,
            covariate_days=experiment.covariate_days,
            since_us=window.started_us,
            late_after_us=late_after_us,
            by_account=experiment.unit == "account",
        )
        yield reading
