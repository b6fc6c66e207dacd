"""Who was exposed to which arm, and since when: from the decisions of the log."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from matinee.observe.lake.connection import literal
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.prove.experiment.definition import Experiment
from matinee.types import DAY_US

SHOWN_CROSSED = 20
"""Units in two arms that are named."""
TENURES = ((28, "first 4 weeks"), (365, "4 weeks to a year"))
"""Groups of tenure: below so many days at the first exposure."""
LONGEST = "over a year"
MEMBER = "coalesce(e.member_id, e.unit)"


@dataclass(frozen=True, slots=True)
class Exposed:
    """Units in the experiment.

    Attributes
    ----------
    units : tuple of int
        In each arm, those in several arms left out.
    days : dict of int to tuple of int
        Day since the start (from 0) -> units of each arm that were first exposed on it.
    crossed : tuple of str
        Some of the units that were seen in several arms.
    n_crossed : int
        How many there are.
    strangers : tuple of str
        Names of arms in the log that the experiment does not have.
    """

    units: tuple[int, ...]
    days: dict[int, tuple[int, ...]]
    crossed: tuple[str, ...] = ()
    n_crossed: int = 0
    strangers: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Units that are compared."""
        return sum(self.units)

    @property
    def crossed_share(self) -> float:
        """Share of all exposed units that were seen in several arms."""
        return self.n_crossed / max(1, self.total + self.n_crossed)


def find_exposed(con: duckdb.DuckDBPyConnection, experiment: Experiment, started_us: int) -> Exposed:
    """Make the tables `exposed` and `keys` from the views `decisions` and `members`.

    `exposed` has one row for each unit of one arm: `n` (a number), `unit`, `arm` (position, from 0),
    `first_us`, `member_id` (of the first exposure), `device`, `territory`. `keys` says to which unit the
    events of a member, or of an account, belong.

    Parameters
    ----------
    started_us : int
        Start of the experiment; decisions before it are of another one of the same name.

    Notes
    -----
    Decisions that were served again count as exposures too, but the first one of a unit is what it counts
    from. Decisions in the shadow of another do not count. A choice that stands on the decision of another
    initiative, as images stand on a page, says there who was in which arm: `artwork_experiment` and
    `artwork_arm` for the initiative artwork.
    """
    arms = " ".join(f"WHEN {literal(arm.name)} THEN {i}" for i, arm in enumerate(experiment.arms))
    named = literal(f'"{experiment.name}"')
    con.execute(
        "CREATE OR REPLACE TEMP TABLE exposures AS "
        f"SELECT unit, min(arm) AS low, max(arm) AS high, min(at_us) AS first_us, "
        "arg_min(member_id, at_us) AS member_id, arg_min(device, at_us) AS device, "
        "arg_min(territory, at_us) AS territory FROM ("
        f"SELECT {_unit(experiment)} AS unit, CASE {_arm(experiment)} {arms} ELSE -1 END AS arm, at_us, "
        "d.member_id, device, d.territory FROM ("
        "SELECT member_id, unit_id, at_us, device, territory, "
        f"json_extract_string(context, {_paths(experiment)}) AS said "
        f"FROM decisions WHERE at_us >= {int(started_us)} AND contains(context, {named}) AND NOT {IN_SHADOW}"
        f") AS d {_accounts(experiment)}WHERE {literal(experiment.name)} IN (said[1], said[3])"
        ") GROUP BY unit"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE exposed AS "
        "SELECT row_number() OVER () AS n, unit, low::TINYINT AS arm, first_us, member_id, device, "
        "territory FROM exposures WHERE low = high AND low >= 0"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE keys AS {_keys(experiment)}")
    return _counted(con, experiment, started_us)


def _paths(experiment: Experiment) -> str:
    """Places in a context of an experiment and an arm: of the decision itself, and of what stands on it."""
    own = experiment.initiative
    return str(["$.experiment", "$.arm", f"$.{own}_experiment", f"$.{own}_arm"])


def _arm(experiment: Experiment) -> str:
    return f"CASE WHEN said[1] = {literal(experiment.name)} THEN said[2] ELSE said[4] END"


def _unit(experiment: Experiment) -> str:
    own = "coalesce(d.member_id, d.unit_id)"
    return f"coalesce(m.account_id, {own})" if experiment.unit == "account" else own


def _accounts(experiment: Experiment) -> str:
    joined = "LEFT JOIN members AS m ON m.member_id = d.member_id "
    return joined if experiment.unit == "account" else ""


def _keys(experiment: Experiment) -> str:
    """Ids under which events of a unit are logged; `of_member`: the id of a member, not of an account."""
    if experiment.unit == "member":
        return "SELECT unit AS key, NULL::BOOLEAN AS of_member, n, first_us FROM exposed"
    return (
        "SELECT m.member_id AS key, true AS of_member, n, first_us FROM exposed AS e "
        "JOIN members AS m ON coalesce(m.account_id, m.member_id) = e.unit "
        "UNION ALL SELECT unit, false, n, first_us FROM exposed "
        "UNION ALL SELECT unit, true, n, first_us FROM exposed ANTI JOIN members ON members.member_id = unit"
    )


def _counted(con: duckdb.DuckDBPyConnection, experiment: Experiment, started_us: int) -> Exposed:
    n_arms = len(experiment.arms)
    days: dict[int, list[int]] = {}
    for day, arm, n in con.execute(
        f"SELECT (first_us - {int(started_us)}) // {DAY_US}, arm, count(*) FROM exposed "
        "GROUP BY 1, 2 ORDER BY 1"
    ).fetchall():
        days.setdefault(int(day), [0] * n_arms)[arm] += n
    crossed = con.execute("SELECT unit FROM exposures WHERE low <> high ORDER BY first_us, unit").fetchall()
    strangers: list[tuple[str]] = []
    if con.execute("SELECT count(*) FROM exposures WHERE low < 0").fetchall()[0][0]:
        known = ", ".join(literal(arm.name) for arm in experiment.arms)
        strangers = con.execute(
            f"SELECT DISTINCT coalesce({_arm(experiment)}, 'none') AS name FROM ("
            f"SELECT json_extract_string(context, {_paths(experiment)}) AS said FROM decisions) "
            f"WHERE {literal(experiment.name)} IN (said[1], said[3]) "
            f"AND coalesce({_arm(experiment)} NOT IN ({known}), true) ORDER BY 1"
        ).fetchall()
    return Exposed(
        tuple(sum(of_day[arm] for of_day in days.values()) for arm in range(n_arms)),
        {day: tuple(found) for day, found in days.items()},
        tuple(str(unit) for (unit,) in crossed[:SHOWN_CROSSED]),
        len(crossed),
        tuple(name for (name,) in strangers),
    )


def add_segments(con: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    """Make the table `segments`: `n` and one column of text for each segment that was declared.

    `tenure` is counted from the first play or change of membership of the member of the first exposure, and
    needs the views `plays` and `membership`.
    """
    tenure = "'unknown'"
    joined = ""
    if "tenure" in names:
        joined = (
            "LEFT JOIN (SELECT member_id, min(at_us) AS since_us FROM ("
            "SELECT member_id, at_us FROM plays UNION ALL SELECT member_id, at_us FROM membership) "
            f"SEMI JOIN (SELECT {MEMBER} AS member_id FROM exposed AS e) USING (member_id) GROUP BY 1) AS t "
            f"ON t.member_id = {MEMBER} "
        )
        steps = " ".join(
            f"WHEN e.first_us - t.since_us < {days * DAY_US} THEN {literal(name)}" for days, name in TENURES
        )
        tenure = f"CASE {steps} WHEN t.since_us IS NULL THEN 'unknown' ELSE {literal(LONGEST)} END"
    columns = {
        "device": "coalesce(e.device, 'unknown')",
        "territory": "coalesce(m.territory, e.territory, 'unknown')",
        "kids": "CASE WHEN m.kids THEN 'kids' WHEN m.member_id IS NULL THEN 'unknown' ELSE 'others' END",
        "tenure": tenure,
    }
    chosen = "".join(f", {columns[name]} AS {name}" for name in names)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE segments AS SELECT e.n{chosen} FROM exposed AS e "
        f"LEFT JOIN members AS m ON m.member_id = {MEMBER} {joined}"
    )
