"""What kind of object a declaration was given: a wrong one is named when it is made, not where it is used."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from matinee.errors import InputError


def check_kind(value: Any, kind: type | tuple[type, ...], what: str, expected: str) -> None:
    """Refuse an object of another kind; True is no number.

    Parameters
    ----------
    what : str
        Begins the message, such as "Feature plays_7d: window".
    expected : str
        Ends it: what is expected, and an example of it.

    Raises
    ------
    InputError
        `value` is not of the kind.

    Examples
    --------
    >>> check_kind(7, str, "Feature plays_7d: window", 'a text such as "7d"')
    Traceback (most recent call last):
    matinee.errors.InputError: Feature plays_7d: window is 7, expected a text such as "7d".
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return
    raise InputError(f"{what} is {_said(value)}, expected {expected}.")


def _said(value: Any) -> str:
    """A value inside a message; a declaration only by its kind, since it may be long."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    return f"a {type(value).__name__}" if is_dataclass(value) else repr(value)
