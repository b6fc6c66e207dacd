"""The log of an initiative in a home, from the outcomes of its decisions."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.prove.offpolicy.context import features
from matinee.prove.offpolicy.log import Log
from matinee.types import NEVER_US

KINDS = (
    ("sticky_of IS NOT NULL", "served again"),
    ("coalesce(shadow, false)", "made in the shadow of another"),
    ("coalesce(fallback, false)", "answered by the fallback"),
    ("n_slots > 1", "of several slots"),
    ("value IS NULL", "without a known reward"),
    ("action IS NULL", "without an action"),
    ("propensity IS NULL", "without a propensity"),
)
"""Decisions that are no examples, in this order: SQL condition and the reason that is counted."""


def read_outcomes(home: Home, initiative: str, *, at_us: int = NEVER_US) -> Log:
    """Decisions of one action whose outcome is final, in the order of time.

    Parameters
    ----------
    initiative : str
        Name under which the decisions were logged.
    at_us : int
        Only outcomes that were final at this moment.

    Returns
    -------
    Log
        `left_out` counts the decisions that are no examples: those served again, made in a shadow, answered
        by the fallback, of several slots (pages), and without a reward, an action or a propensity.
        `n_actions` is the number of permitted actions, where each decision tells it. The context is that of
        the decision record. `n_late` counts rewards that came when the outcome was final.

    Raises
    ------
    InputError
        There is no such decision, or a propensity is impossible.
    StorageError
        The lake or the log cannot be read.
    """
    reason = "CASE " + " ".join(f"WHEN {test} THEN {literal(why)}" for test, why in KINDS) + " ELSE '' END"
    with spilling() as con:
        open_events(con, home, "outcomes", "rewards", moment=Moment(at_us, at_us))
        con.execute(
            f"CREATE TEMP TABLE judged AS SELECT *, {reason} AS reason FROM ("
            "SELECT *, count(*) OVER (PARTITION BY decision_id) AS n_slots FROM outcomes "
            f"WHERE initiative = {literal(initiative)})"
        )
        left_out = dict(
            con.execute(
                "SELECT reason, count(DISTINCT decision_id) FROM judged WHERE reason <> '' "
                "GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        )
        columns = con.execute(
            "SELECT decision_id, unit_id, action, propensity, value, n_permitted, context FROM judged "
            "WHERE reason = '' ORDER BY at_us, decision_id"
        ).fetchnumpy()
        (late,) = con.execute(
            "SELECT count(*) FROM rewards AS r JOIN judged AS o ON o.decision_id = r.decision_id "
            "AND o.reason = '' WHERE r.seen_us > o.seen_us"
        ).fetchall()[0]
    if not len(columns["action"]) and not left_out:
        raise InputError(
            f'{home.root}: no outcome of "{initiative}" in the lake, expected decisions whose window has '
            "closed. See matinee status, or run the join: matinee compact."
        )
    names, action = np.unique(_texts(columns["action"]), return_inverse=True)
    _, unit = np.unique(_texts(columns["unit_id"]), return_inverse=True)
    permitted = np.ma.filled(np.ma.asarray(columns["n_permitted"], np.float64), np.nan)
    return Log(
        action=action.astype(np.int64),
        propensity=_floats(columns["propensity"]),
        reward=_floats(columns["value"]),
        unit=unit.astype(np.int64),
        names=tuple(names.tolist()),
        decision_id=_texts(columns["decision_id"]),
        n_actions=None if np.isnan(permitted).any() else permitted,
        context=_context(columns["context"]),
        n_late=int(late),
        left_out=left_out,
    ).each_once()


def _context(column: NDArray[Any]) -> NDArray[np.float64]:
    """Features of the contexts; values that are no number and no text are left out."""
    texts = np.where(np.ma.getmaskarray(np.ma.asarray(column)), "{}", np.ma.getdata(column))
    rows = [msgspec.json.decode(text or "{}") for text in texts.tolist()]
    names = sorted({name for row in rows for name in row})
    parts = []
    for name in names:
        values = [row.get(name) for row in rows]
        missing = [value is None or isinstance(value, dict | list) for value in values]
        plain = ["" if gone else _plain(value) for value, gone in zip(values, missing, strict=True)]
        parts.append(np.ma.array(np.array(plain, object), mask=missing))
    return features(parts, len(rows))


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _texts(column: NDArray[Any]) -> NDArray[np.str_]:
    return np.asarray(np.ma.getdata(column)).astype(np.str_)


def _floats(column: NDArray[Any]) -> NDArray[np.float64]:
    return np.ma.getdata(column).astype(np.float64)
