"""The pages of an initiative in a home, from the outcomes of their slots."""

from __future__ import annotations

import numpy as np

from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.prove.offpolicy.slates.log import SlateLog
from matinee.prove.offpolicy.slates.reading import slate_log
from matinee.types import NEVER_US

KINDS = (
    ("bool_or(sticky_of IS NOT NULL)", "served again"),
    ("bool_or(coalesce(shadow, false))", "made in the shadow of another"),
    ("bool_or(coalesce(fallback, false))", "answered by the fallback"),
    ("bool_or(json_extract_string(context, '$.teams') IS NOT NULL)", "of two arms interleaved"),
    ("bool_or(value IS NULL)", "without a known reward"),
    ("bool_or(action IS NULL)", "without an action"),
    ("bool_or(propensity IS NULL)", "without a propensity"),
)
"""Decisions that are no examples, in this order: SQL condition over their slots, and the reason."""


def read_slates(home: Home, initiative: str, *, at_us: int = NEVER_US) -> SlateLog:
    """Decisions of any number of slots whose outcome is final, in the order of time.

    Parameters
    ----------
    initiative : str
        Name under which the decisions were logged.
    at_us : int
        Only outcomes that were final at this moment.

    Returns
    -------
    SlateLog
        `left_out` counts the decisions that are no examples. `n_late` counts rewards that came when the
        outcome was final.

    Raises
    ------
    EmptyLogError
        There is no such decision.
    InputError
        A propensity is impossible.
    StorageError
        The lake or the log cannot be read.
    """
    reason = "CASE " + " ".join(f"WHEN {test} THEN {literal(why)}" for test, why in KINDS) + " ELSE '' END"
    with spilling() as con:
        open_events(con, home, "outcomes", "rewards", moment=Moment(at_us, at_us))
        con.execute(
            f"CREATE TEMP TABLE judged AS SELECT decision_id, {reason} AS reason, min(seen_us) AS final_us "
            f"FROM outcomes WHERE initiative = {literal(initiative)} GROUP BY decision_id"
        )
        left_out = dict(
            con.execute(
                "SELECT reason, count(*) FROM judged WHERE reason <> '' GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        )
        columns = con.execute(
            "SELECT o.decision_id, o.unit_id, o.action, o.propensity, o.value AS reward, "
            "o.n_permitted AS n_actions FROM outcomes AS o SEMI JOIN (FROM judged WHERE reason = '') AS j "
            f"ON o.decision_id = j.decision_id WHERE o.initiative = {literal(initiative)} "
            "ORDER BY o.at_us, o.decision_id, o.slot"
        ).fetchnumpy()
        (late,) = con.execute(
            "SELECT count(*) FROM rewards AS r JOIN judged AS j ON j.decision_id = r.decision_id "
            "AND j.reason = '' WHERE r.seen_us > j.final_us"
        ).fetchall()[0]
    if not len(columns["action"]) and not left_out:
        raise EmptyLogError(
            f'{home.root}: no outcome of "{initiative}" in the lake, expected decisions whose window has '
            "closed. See matinee status, or run the join: matinee compact."
        )
    return slate_log(columns, n_late=int(np.int64(late)), left_out=left_out)
