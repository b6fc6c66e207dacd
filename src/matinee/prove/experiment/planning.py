"""How long an experiment has to run: from the mean, variance, history and new units that the lake shows."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import msgspec

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.prove.experiment.measuring import measure, moments
from matinee.prove.experiment.metrics.catalogue import known_metrics, metric_named
from matinee.prove.experiment.metrics.definition import Metric
from matinee.prove.stats.power import Analysis, Baseline, Plan, days_needed, smallest_effect, units_needed
from matinee.types import DAY_US, format_at

ANALYSES: tuple[Analysis, ...] = ("fixed", "spending", "sequence")
LENGTHS = (7, 14, 21, 28, 42, 56)
"""Days of experiments whose smallest effect is told."""
LEAST_UNITS = 100


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of looking needs.

    Attributes
    ----------
    units : int
        Of all arms together.
    days : int or None
        Until so many units are there; None: there are never so many, see `Planned.effects`.
    """

    analysis: Analysis
    units: int
    days: int | None


class Findable(msgspec.Struct, frozen=True, kw_only=True):
    """What an experiment of a length finds.

    Attributes
    ----------
    days : int
    units : int
        Exposed by then.
    fixed, spending, sequence : float
        Smallest relative effect that is found with the wanted power.
    """

    days: int
    units: int
    fixed: float
    spending: float
    sequence: float


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan for an experiment, from a past time of the same length in which everybody was alike.

    Attributes
    ----------
    days, asked_days : int
        Of the past time; shorter than what was asked for where the log does not go back so far.
    mean, deviation : float
        Of the metric, between units.
    reduction : float, 0 to below 1
        Share of the variance that what units did before takes away.
    seen_by : str
        What counts as an exposure: "decisions" of the initiative, or "plays" where it has not decided yet.
    new_units : list of float
        First exposures on each day of an experiment.
    needed : list of Needed
    effects : list of Findable
    """

    metric: str
    effect: float
    power: float
    alpha: float
    arms: int
    days: int
    asked_days: int
    from_us: int
    until_us: int
    mean: float
    deviation: float
    reduction: float
    seen_by: str
    new_units: list[float]
    needed: list[Needed]
    effects: list[Findable]


def plan_experiment(
    home: Home,
    initiative: str,
    metric: str,
    *,
    effect: float,
    until_us: int,
    days: int = 28,
    share: float = 1.0,
    arms: int = 2,
    alpha: float = 0.05,
    power: float = 0.8,
    looks: int = 28,
    units_per_day: float | None = None,
    covariate_days: int = 28,
    unit: str = "member",
) -> Planned:
    """Units and days that an effect needs, and the effects that lengths can find.

    Parameters
    ----------
    effect : float, above 0
        Relative: 0.03 is three percent.
    until_us : int
        The past time ends here.
    days : int, 1 or more
        Length of the experiment, and of the past time that stands for it.
    share : float, above 0 and at most 1
        Of all units, that are in the experiment.
    arms : int, 2 or more
        Alike in size; alpha is divided by the number of treatments.
    units_per_day : float, optional
        New units on each day; default: first exposures as the lake has them.

    Raises
    ------
    InputError
        A figure is out of range, the metric is a quantile, or the lake has too few units or no event of it.
    NotFoundError
        The metric is not known.
    StorageError
        The lake or the log cannot be read.

    Notes
    -----
    The past time is read as an experiment with one arm would be, so the figures are those of the same SQL. A
    metric that grows until the read has other figures at other lengths; each length is read for itself, as
    far as the log goes back.
    """
    _check(effect, days, share, arms, units_per_day)
    wanted = metric_named(known_metrics(home), metric, f"power of {initiative}")
    if wanted.kind == "quantile":
        raise InputError(
            f"power of {initiative}: {metric} is a quantile, expected another kind: its error cannot be told "
            "ahead. Plan with a mean or a rate."
        )
    plans = {way: Plan(way, alpha / (arms - 1), power, 1 if way == "fixed" else looks) for way in ANALYSES}
    with spilling() as con:
        moment = Moment(until_us, until_us)
        open_events(con, home, *sorted({"decisions", "plays", *wanted.tables}), moment=moment)
        open_facts(con, home, "members", "titles", at_us=until_us)
        past = _Past(con, initiative, wanted, until_us, covariate_days, unit)
        seen_by = past.seen_by()
        reach = past.reach_days(seen_by)
        asked, days = days, min(days, reach)
        baseline, new = past.baseline(days, seen_by)
        coming = [units_per_day or one * share for one in new]
        shares = (1 / arms, 1 / arms)
        effects = []
        for length in sorted({*(n for n in LENGTHS if n <= 2 * days), days}):
            if length > reach:
                continue
            known = (baseline, new) if length == days else past.baseline(length, seen_by)
            of_length = [units_per_day or one * share for one in known[1]]
            effects.append(_findable(length, of_length, known[0], plans, arms))
    needed = []
    for way, plan in plans.items():
        pair = units_needed(effect, baseline, plan, shares=shares)
        units = -(-pair * arms // 2)
        needed.append(Needed(analysis=way, units=units, days=days_needed(units, coming)))
    return Planned(
        metric=metric,
        effect=effect,
        power=power,
        alpha=alpha,
        arms=arms,
        days=days,
        asked_days=asked,
        from_us=until_us - days * DAY_US,
        until_us=until_us,
        mean=baseline.mean,
        deviation=baseline.variance**0.5,
        reduction=baseline.reduction,
        seen_by=seen_by,
        new_units=coming,
        needed=needed,
        effects=effects,
    )


def _check(effect: float, days: int, share: float, arms: int, units_per_day: float | None) -> None:
    for name, value, good, expected in (
        ("effect", effect, 0 < effect < float("inf"), "a relative difference above 0, such as 0.03"),
        ("days", days, days >= 1, "1 or more"),
        ("share", share, 0 < share <= 1, "above 0 and at most 1"),
        ("arms", arms, arms >= 2, "2 or more"),
        ("units_per_day", units_per_day or 1.0, (units_per_day or 1.0) > 0, "above 0"),
    ):
        if not good:
            raise InputError(f"power: {name} is {value:g}, expected {expected}.")


def _findable(
    days: int, new: Sequence[float], baseline: Baseline, plans: dict[Analysis, Plan], arms: int
) -> Findable:
    units = max(2, round(sum(new)))
    pair = max(2, units * 2 // arms)
    found = {way: smallest_effect(pair, baseline, plan) for way, plan in plans.items()}
    return Findable(days=days, units=units, **found)


class _Past:
    """A past time, read as an experiment with one arm."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        initiative: str,
        metric: Metric,
        until_us: int,
        covariate_days: int,
        unit: str,
    ) -> None:
        self.con, self.initiative, self.metric = con, initiative, metric
        self.until_us, self.covariate_days, self.unit = until_us, covariate_days, unit

    def seen_by(self) -> str:
        """What exposes a unit: a decision of the initiative, or a play where there is none."""
        if self.con.execute(f"SELECT 1 FROM decisions WHERE {self._made()} LIMIT 1").fetchone() is not None:
            return "decisions"
        if self.con.execute("SELECT 1 FROM plays LIMIT 1").fetchone() is not None:
            return "plays"
        raise InputError(
            f"power of {self.initiative}: the lake has neither decisions nor plays, expected a past to plan "
            "from. Import events first."
        )

    def reach_days(self, seen_by: str) -> int:
        """How many days back the first exposure is; 1 or more."""
        where = f" WHERE {self._made()}" if seen_by == "decisions" else ""
        (first_us,) = self.con.execute(f"SELECT min(at_us) FROM {seen_by}{where}").fetchall()[0]
        return max(1, -(-(self.until_us - int(first_us)) // DAY_US))

    def _made(self) -> str:
        return f"initiative = {literal(self.initiative)} AND NOT {IN_SHADOW}"

    def baseline(self, days: int, seen_by: str) -> tuple[Baseline, list[float]]:
        """The metric over so many days, and the units that came first on each of them."""
        from_us = self.until_us - days * DAY_US
        self._expose(from_us, seen_by)
        measure(
            self.con,
            [self.metric],
            initiative=self.initiative,
            covariate_days=self.covariate_days,
            since_us=from_us,
            by_account=self.unit == "account",
        )
        (arm,) = moments(
            self.con, {0: self.metric}, n_arms=1, at_us=self.until_us, covariate=self.covariate_days > 0
        )[""][0]
        span = f"{format_at(from_us)[:10]} to {format_at(self.until_us)[:10]}"
        if arm.n < LEAST_UNITS or not arm.d or not arm.y:
            raise InputError(
                f"power of {self.initiative}: {arm.n:,} units and {arm.y:g} counted by {self.metric.name} "
                f"from {span}, expected at least {LEAST_UNITS} units and an event. Give other --days or --at."
            )
        counts = dict(
            self.con.execute(
                f"SELECT (first_us - {from_us}) // {DAY_US}, count(*) FROM exposed GROUP BY 1"
            ).fetchall()
        )
        return Baseline.of(arm), [float(counts.get(day, 0)) for day in range(days)]

    def _expose(self, from_us: int, seen_by: str) -> None:
        """Tables `exposed` and `keys`, as `find_exposed` makes them."""
        own = "e.member_id" if seen_by == "plays" else "coalesce(e.member_id, e.unit_id)"
        unit, joined = own, ""
        if self.unit == "account":
            unit, joined = f"coalesce(m.account_id, {own})", "LEFT JOIN members AS m USING (member_id) "
        of = "" if seen_by == "plays" else f" AND initiative = {literal(self.initiative)} AND NOT {IN_SHADOW}"
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE exposed AS SELECT row_number() OVER () AS n, * FROM ("
            f"SELECT {unit} AS unit, 0::TINYINT AS arm, min(at_us) AS first_us FROM {seen_by} AS e {joined}"
            f"WHERE at_us >= {from_us} AND at_us < {self.until_us}{of} GROUP BY 1)"
        )
        keys = "SELECT unit AS key, false AS of_member, n, first_us FROM exposed"
        if self.unit == "account":
            keys += (
                " UNION ALL SELECT m.member_id, true, n, first_us FROM exposed AS e "
                "JOIN members AS m ON coalesce(m.account_id, m.member_id) = e.unit"
            )
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE keys AS {keys}")
