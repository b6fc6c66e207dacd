"""The column `p_all` of a log: the logging policy's probability of every eligible action."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places

EXPECTED = 'a JSON object of action and probability ({"a": 0.9, "b": 0.1}) or a list of probabilities'
SEPARATORS = re.compile(r"[;|,\s]+")


@dataclass(frozen=True, slots=True)
class AllPropensities:
    """What the column says.

    Attributes
    ----------
    names : tuple of str
        All actions: those given, then those that only the column names.
    logging : Distributions or None
        None where the column holds lists, which name no action.
    total : ndarray of float64, shape (n,)
        Sum of the probabilities.
    n_actions : ndarray of float64, shape (n,)
        Number of probabilities above 0.
    """

    names: tuple[str, ...]
    logging: Distributions | None
    total: Floats
    n_actions: Floats


def read_p_all(column: NDArray[Any], names: Sequence[str], place: Callable[[int], str]) -> AllPropensities:
    """Read the column; equal texts are read once and share a row.

    Parameters
    ----------
    column : ndarray of str, shape (n,)
    names : sequence of str
        Actions that are known already.
    place : callable
        Says where a row stands in its file, for messages.

    Raises
    ------
    InputError
        A value is missing or is no set of probabilities, or objects and lists are mixed.
    """
    missing = np.ma.getmaskarray(np.ma.asarray(column))
    texts = np.where(missing, "", np.ma.getdata(column)).astype(object)
    known: dict[str, int] = {}
    row = np.array([known.setdefault(text, len(known)) for text in texts], np.int64)
    first = np.unique(row, return_index=True)[1]
    parsed: list[dict[str, float] | list[float]] = []
    for text, i in zip(known, first.tolist(), strict=True):
        found = _probabilities(text)
        if found is None:
            raise InputError(f'{place(i)}: p_all is "{text[:60]}", expected {EXPECTED}, each from 0 to 1.')
        if isinstance(found, dict) != isinstance(parsed[0] if parsed else found, dict):
            raise InputError(
                f"{place(i)}: p_all mixes objects and lists, expected one of the two throughout."
            )
        parsed.append(found)
    values = [list(one.values()) if isinstance(one, dict) else one for one in parsed]
    total = np.array([sum(one) for one in values])[row]
    n_actions = np.array([sum(p > 0 for p in one) for one in values], np.float64)[row]
    numbers = {name: i for i, name in enumerate(names)}
    if not isinstance(parsed[0], dict):
        return AllPropensities(tuple(numbers), None, total, n_actions)
    logging = _distributions([one for one in parsed if isinstance(one, dict)], numbers, row)
    return AllPropensities(tuple(numbers), logging, total, n_actions)


def _distributions(parsed: Sequence[dict[str, float]], numbers: dict[str, int], row: Places) -> Distributions:
    """Rows of the objects; adds the names that are new to `numbers`."""
    rows = np.repeat(np.arange(len(parsed)), [len(one) for one in parsed])
    action = [numbers.setdefault(name, len(numbers)) for one in parsed for name in one]
    p = [value for one in parsed for value in one.values()]
    return Distributions.of_entries(rows, action, p, n=len(parsed), of=row)


def _probabilities(text: str) -> dict[str, float] | list[float] | None:
    """What a text says; None where it says no probabilities."""
    try:
        if text.startswith(("{", "[")):
            found = msgspec.json.decode(text, type=dict[str, float] | list[float])
        else:
            found = [float(part) for part in SEPARATORS.split(text.strip())]
    except (msgspec.DecodeError, ValueError):
        return None
    values = found.values() if isinstance(found, dict) else found
    return found if values and all(0.0 <= p <= 1.0 for p in values) else None
