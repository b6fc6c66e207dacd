"""An interleaving's credits, from the outcomes of its decisions in a home."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.observe.lake.reader import Moment, open_events
from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.interleaving import CONTEXT_KEY
from matinee.prove.experiment.interleaving_preference import Credits, Preference, prefer
from matinee.types import format_at

TEAMS = f"json_extract_string(context, '$.{CONTEXT_KEY}')"


@dataclass(frozen=True, slots=True)
class InterleavingReading:
    """What an interleaving says so far.

    Attributes
    ----------
    experiment : str
    arms : (str, str)
        Names of the arms behind "A" (the control) and "B".
    until_us : int
        Outcomes that were final then.
    preference : Preference
    n_decisions : int
        Merged answers whose outcome is final.
    n_open : int
        Those whose outcome is not final, or not joined.
    n_odd : int
        Those whose letters do not fit their slots: left out.
    n_unknown : int
        Slots without a known reward: left out.
    winner : str or None
        Name of the arm that is preferred, by the interval that the design asks for: that of one look for
        "fixed", else the one that holds at all looks.
    n_final : tuple of int
        Of `n_decisions`, those whose outcome was final at each of the moments that were asked about.
    """

    experiment: str
    arms: tuple[str, str]
    until_us: int
    preference: Preference
    n_decisions: int
    n_open: int
    n_odd: int
    n_unknown: int
    winner: str | None
    n_final: tuple[int, ...] = ()

    @property
    def verdict(self) -> str:
        """One sentence: what was found, or why nothing can be said."""
        p = self.preference
        if not p.coin.fair:
            return (
                f"refused: {self.arms[0]} had the first slot for {p.coin.a} units and {self.arms[1]} for "
                f"{p.coin.b}; with a fair coin that happens with probability {p.coin.p:.2g}"
            )
        if not p.for_a + p.for_b:
            return "nothing was earned yet by a slot that belongs to one arm"
        if self.winner is None:
            return "no preference is shown"
        return f"{self.winner} is preferred"

    def as_rows(self) -> list[tuple[str, str]]:
        """The reading as lines of a table: what, and its value."""
        p, b = self.preference, self.arms[1]
        inside = f"{1 - p.alpha:.0%}"
        return [
            ("verdict", self.verdict),
            (
                f"preference for {b}, -100 % to 100 %",
                _interval(p.estimate, p.low, p.high) + f" ({inside}, one look), p {p.p:.2g}",
            ),
            ("at all looks together", f"{_interval(p.estimate, p.always_low, p.always_high)} ({inside})"),
            *self.counts(),
        ]

    def counts(self) -> list[tuple[str, str]]:
        """What was counted, as lines of a table."""
        p, (a, b) = self.preference, self.arms
        inside = f"{1 - p.alpha:.0%}"
        return [
            (
                "units",
                f"{p.n_units}: {p.for_b} prefer {b}, {p.for_a} prefer {a}, {p.ties} neither; share "
                f"{_interval(p.share, p.share_low, p.share_high)} ({inside}, exact)",
            ),
            (
                "earned",
                f"{b} {p.credit_b:g}, {a} {p.credit_a:g}, in places that both fill alike {p.credit_shared:g}",
            ),
            ("first slot", f"{b} {p.coin.b} units, {a} {p.coin.a} (fair coin: p {p.coin.p:.2g})"),
            (
                "decisions",
                f"{self.n_decisions} final at {format_at(self.until_us)}, {self.n_open} open, {self.n_odd} "
                f"left out with letters that do not fit, {self.n_unknown} slots without a known reward",
            ),
        ]


def read_interleaving(
    home: Home,
    experiment: Experiment,
    until_us: int,
    *,
    planned: int = 1_000,
    moments_us: Sequence[int] = (),
) -> InterleavingReading:
    """Which arm the units prefer, from all merged answers whose outcome was final at a moment.

    Parameters
    ----------
    home : Home
    experiment : Experiment
        Of the kind "interleaving".
    until_us : int
    planned : int
        As in `prefer`; the same at each look.
    moments_us : sequence of int
        Moments at which final decisions are counted too.

    Returns
    -------
    InterleavingReading

    Raises
    ------
    InputError
        The experiment is no interleaving.
    StorageError
        The lake or the log cannot be read.

    Notes
    -----
    The reward is the initiative's own, as in the table `outcomes`. A page that was served again shares the
    outcome of the first. Answers of the fallback, and those made in a shadow, are not merged and not read.
    """
    if experiment.kind != "interleaving":
        raise InputError(
            f'experiment {experiment.name}: kind is "{experiment.kind}", expected "interleaving". Read it as '
            "an A/B."
        )
    merged = (
        f"initiative = {literal(experiment.initiative)} AND sticky_of IS NULL AND {TEAMS} IS NOT NULL "
        f"AND json_extract_string(context, '$.experiment') = {literal(experiment.name)} "
        f"AND NOT {IN_SHADOW}"
    )
    with spilling() as con:
        open_events(con, home, "outcomes", "decisions", moment=Moment(until_us, until_us))
        con.execute(
            f"CREATE TEMP TABLE earned AS SELECT decision_id, unit_id, at_us, value, {TEAMS} AS teams, "
            f"seen_us, substr({TEAMS}, slot, 1) AS team, count(*) OVER (PARTITION BY decision_id) AS n_slots "
            f"FROM outcomes WHERE {merged}"
        )
        n_decisions, n_odd, n_unknown = con.execute(
            "SELECT count(DISTINCT decision_id), "
            "count(DISTINCT decision_id) FILTER (length(teams) <> n_slots), "
            "count(*) FILTER (value IS NULL AND length(teams) = n_slots) FROM earned"
        ).fetchall()[0]
        n_final = tuple(
            con.execute(
                "SELECT count(DISTINCT decision_id) FROM earned "
                f"WHERE length(teams) = n_slots AND seen_us <= {int(moment_us)}"
            ).fetchall()[0][0]
            for moment_us in moments_us
        )
        (n_open,) = con.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT coalesce(decision_id, event_id) AS decision_id "
            f"FROM decisions WHERE {merged}) AS d ANTI JOIN earned AS e ON e.decision_id = d.decision_id"
        ).fetchall()[0]
        columns = con.execute(
            "SELECT coalesce(sum(value) FILTER (team = 'A'), 0) AS a, "
            "coalesce(sum(value) FILTER (team = 'B'), 0) AS b, "
            "coalesce(sum(value) FILTER (team = '-'), 0) AS shared, "
            "strpos('AB', nullif(regexp_extract(arg_min(teams, (at_us, decision_id)), '[AB]'), '')) - 1 "
            "AS top FROM earned WHERE length(teams) = n_slots GROUP BY unit_id ORDER BY unit_id"
        ).fetchnumpy()
    top = np.ma.filled(np.ma.asarray(columns["top"]), -1).astype(np.int64)
    a, b, shared = (np.asarray(columns[name], np.float64) for name in ("a", "b", "shared"))
    found = prefer(Credits(a, b, shared, top), alpha=experiment.design.alpha, planned=planned)
    letter: Literal["A", "B"] | None = found.winner(always=experiment.design.analysis != "fixed")
    arms = (experiment.arms[0].name, experiment.arms[1].name)
    return InterleavingReading(
        experiment=experiment.name,
        arms=arms,
        until_us=until_us,
        preference=found,
        n_decisions=int(n_decisions) - int(n_odd),
        n_open=int(n_open),
        n_odd=int(n_odd),
        n_unknown=int(n_unknown),
        winner=None if letter is None else arms["AB".index(letter)],
        n_final=n_final,
    )


def _interval(value: float, low: float, high: float) -> str:
    return "none" if math.isnan(value) else f"{value:+.1%} [{low:+.1%}, {high:+.1%}]"
