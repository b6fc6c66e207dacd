"""The log of an initiative in a home, from the outcomes of its decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.prove.offpolicy.context import features
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.log import EmptyLogError, Log
from matinee.types import NEVER_US

SEVERAL = "of several slots"
KINDS = (
    ("sticky_of IS NOT NULL", "served again"),
    ("coalesce(shadow, false)", "made in the shadow of another"),
    ("coalesce(fallback, false)", "answered by the fallback"),
    ("json_extract_string(context, '$.teams') IS NOT NULL", "of two arms interleaved"),
    ("n_slots > 1", SEVERAL),
    ("value IS NULL", "without a known reward"),
    ("action IS NULL", "without an action"),
    ("propensity IS NULL", "without a propensity"),
)
"""Decisions that are no examples, in this order: SQL condition and the reason that is counted."""


LEARNED = "that the version may have learned from"
ANOTHER = "made by another version"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked in a logged decision.

    Attributes
    ----------
    unit_id : str
    at_us : int
    context : dict
        That of the record: the caller's, and what the decision rested on.
    actions : tuple of str or None
        What could have been chosen. None: the log only refers to it.
    """

    unit_id: str
    at_us: int
    context: dict[str, Any]
    actions: tuple[str, ...] | None


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
    EmptyLogError
        There is no such decision.
    InputError
        A propensity is impossible, or an action is none of those that could have been chosen.
    StorageError
        The lake or the log cannot be read.
    """
    return read_questions(home, initiative, at_us=at_us)[0]


def read_questions(
    home: Home,
    initiative: str,
    *,
    at_us: int = NEVER_US,
    after_us: int | None = None,
    model: str | None = None,
) -> tuple[Log, dict[str, Question]]:
    """The same log, and by the decisions' ids what was asked in them.

    Parameters
    ----------
    after_us : int, optional
        Only decisions after this moment; the others are counted as those that a version, which had learned
        until then, may have learned from.
    model : str, optional
        Only decisions of this version.

    Returns
    -------
    Log
        As in `read_outcomes`; `possible` says what each decision could have chosen, where all of them do.
    dict of str to Question

    Raises
    ------
    EmptyLogError, InputError, StorageError
        As in `read_outcomes`.
    """
    kinds = list(KINDS)
    if model is not None:
        kinds.append((f"coalesce(model, '') <> {literal(model)}", ANOTHER))
    if after_us is not None:
        kinds.append((f"at_us <= {int(after_us)}", LEARNED))
    reason = "CASE " + " ".join(f"WHEN {test} THEN {literal(why)}" for test, why in kinds) + " ELSE '' END"
    with spilling() as con:
        open_events(con, home, "outcomes", "rewards", "decisions", moment=Moment(at_us, at_us))
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
            "SELECT j.decision_id, j.unit_id, j.action, j.propensity, j.value, j.n_permitted, j.context, "
            "j.at_us, d.actions FROM judged AS j LEFT JOIN ("
            "SELECT coalesce(decision_id, event_id) AS decision_id, any_value(actions) AS actions "
            f"FROM decisions WHERE initiative = {literal(initiative)} GROUP BY 1"
            ") AS d ON d.decision_id = j.decision_id "
            "WHERE j.reason = '' ORDER BY j.at_us, j.decision_id"
        ).fetchnumpy()
        (late,) = con.execute(
            "SELECT count(*) FROM rewards AS r JOIN judged AS o ON o.decision_id = r.decision_id "
            "AND o.reason = '' WHERE r.seen_us > o.seen_us"
        ).fetchall()[0]
    if not len(columns["action"]) and not left_out:
        raise EmptyLogError(
            f'{home.root}: no outcome of "{initiative}" in the lake, expected decisions whose window has '
            "closed. See matinee status, or run the join: matinee compact."
        )
    asked = _questions(columns)
    log = _log(columns, [one.actions for one in asked], int(late), left_out)
    ids = _texts(columns["decision_id"]).tolist()
    return log, dict(zip(ids, asked, strict=True))


def _log(
    columns: dict[str, NDArray[Any]],
    actions: list[tuple[str, ...] | None],
    n_late: int,
    left_out: dict[str, int],
) -> Log:
    taken, action = np.unique(_texts(columns["action"]), return_inverse=True)
    _, unit = np.unique(_texts(columns["unit_id"]), return_inverse=True)
    permitted = np.ma.filled(np.ma.asarray(columns["n_permitted"], np.float64), np.nan)
    place = {name: i for i, name in enumerate(taken.tolist())}
    possible = _possible(actions, place)
    return Log(
        action=action.astype(np.int64),
        propensity=_floats(columns["propensity"]),
        reward=_floats(columns["value"]),
        unit=unit.astype(np.int64),
        names=tuple(place),
        decision_id=_texts(columns["decision_id"]),
        n_actions=None if np.isnan(permitted).any() else permitted,
        possible=possible,
        context=_context(columns["context"]),
        n_late=n_late,
        left_out=left_out,
    ).each_once()


def _questions(columns: dict[str, NDArray[Any]]) -> list[Question]:
    found = []
    given = (columns[name] for name in ("unit_id", "at_us", "context", "actions"))
    for unit_id, at_us, context, actions in zip(*(np.ma.asarray(one).tolist() for one in given), strict=True):
        named = msgspec.json.decode(actions) if actions else []
        listed = bool(named) and not str(named[0]).startswith("mask:")
        found.append(
            Question(
                str(unit_id),
                int(at_us),
                msgspec.json.decode(context or "{}"),
                tuple(map(str, named)) if listed else None,
            )
        )
    return found


def _possible(actions: list[tuple[str, ...] | None], place: dict[str, int]) -> Distributions | None:
    """What each decision could have chosen, evenly; None where one does not say. Adds new names."""
    if not actions or any(one is None for one in actions):
        return None
    known: dict[tuple[str, ...], int] = {}
    of = np.array([known.setdefault(tuple(sorted(set(one or ()))), len(known)) for one in actions], np.int64)
    row = np.repeat(np.arange(len(known)), [len(one) for one in known])
    action = [place.setdefault(name, len(place)) for one in known for name in one]
    p = np.repeat([1.0 / len(one) for one in known], [len(one) for one in known])
    return Distributions.of_entries(row, action, p, n=len(known), of=of)


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
