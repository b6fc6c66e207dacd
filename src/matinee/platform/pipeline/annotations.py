"""Whether what one step returns can be what another step takes, told from their annotations alone."""

from __future__ import annotations

import re
import types
import typing
from typing import Any

HOME_MODULE = "matinee_home_"
"""Begins the names of modules in a home's folder `initiatives/`; a number for its place follows."""
_HOME = re.compile(HOME_MODULE + "[0-9a-f]+_")


def fits(produced: object, consumed: object) -> bool:
    """Whether a value of one annotation may be given where the other is written.

    Equal types, subclasses, members of a union, an `int` for a `float`. `Any` and `object` take everything.
    Where two annotations cannot be compared before the run (a structural protocol) the answer is yes.

    Examples
    --------
    >>> fits(bool, int), fits(int, str), fits(int, int | None), fits(dict[str, int], dict[str, str])
    (True, False, True, False)
    """
    have, want = plain(produced), plain(consumed)
    if have == want or Any in (have, want) or want is object:
        return True
    if _is_union(have):
        return all(fits(arm, want) for arm in typing.get_args(have))
    if _is_union(want):
        return any(fits(have, arm) for arm in typing.get_args(want))
    return _class_fits(have, want)


def plain(annotation: object) -> object:
    """An annotation without what says nothing about the value: `Annotated`, aliases, `NewType`, `None`."""
    if annotation is None:
        return type(None)
    if typing.get_origin(annotation) is typing.Annotated:
        return plain(typing.get_args(annotation)[0])
    alias = typing.get_origin(annotation)
    if hasattr(alias, "__value__"):
        return plain(_filled_in(alias, typing.get_args(annotation)))
    for inner in ("__value__", "__supertype__"):  # `type X = ...` and NewType
        if not isinstance(annotation, type) and hasattr(annotation, inner):
            return plain(getattr(annotation, inner))
    return annotation


def spell(annotation: object) -> str:
    """An annotation as one would write it.

    Examples
    --------
    >>> spell(dict[str, int]), spell(int | None), spell(None)
    ('dict[str, int]', 'int | None', 'None')
    """
    if annotation in (None, type(None)):
        return "None"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return placeless(str(annotation).replace("typing.", ""))


def placeless(text: str) -> str:
    """A text in which modules of a home are named without the home's place, so that a home can be moved.

    Examples
    --------
    >>> placeless(f"dict[str, {HOME_MODULE}3fa9_winback.model.Model]")
    'dict[str, winback.model.Model]'
    """
    return _HOME.sub("", text)


def _filled_in(alias: Any, args: tuple[object, ...]) -> object:
    """A generic alias (`type X[T] = ...`, as `NDArray` is from Python 3.12 on) with its `args` in place."""
    value = alias.__value__
    given = dict(zip(alias.__type_params__, args, strict=False))
    asked = tuple(given.get(one, one) for one in getattr(value, "__parameters__", ()))
    return value[asked] if asked else value


def _class_fits(have: object, want: object) -> bool:
    have_class = typing.get_origin(have) or have
    want_class = typing.get_origin(want) or want
    if not (isinstance(have_class, type) and isinstance(want_class, type)):
        return have_class == want_class
    if (have_class, want_class) in ((int, float), (bool, float)):
        return True
    try:
        if not issubclass(have_class, want_class):
            return False
    except TypeError:  # a protocol that cannot be checked without a value
        return True
    have_args, want_args = typing.get_args(have), typing.get_args(want)
    if not have_args or not want_args or len(have_args) != len(want_args):
        return True
    return all(_argument_fits(h, w) for h, w in zip(have_args, want_args, strict=True))


def _argument_fits(have: object, want: object) -> bool:
    if isinstance(have, list | tuple) or isinstance(want, list | tuple):  # shapes, callables
        return True
    if have is Ellipsis or want is Ellipsis:
        return have is want
    return isinstance(have, typing.TypeVar) or isinstance(want, typing.TypeVar) or fits(have, want)


def _is_union(annotation: object) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)
