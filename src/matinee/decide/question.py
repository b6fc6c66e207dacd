"""What a policy that learns is asked: who, when, what is known, and which actions there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matinee.decide.policy import Probabilities
from matinee.errors import InputError, unknown_name
from matinee.types import Mask

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Space:
    """What a policy decides about. Its file holds this, and is refused where it is another.

    Attributes
    ----------
    actions : tuple of str or None
        All actions that there are. None: any name may come, as new images do.
    context : tuple of str
        Names of the numbers that are known before the decision.
    features : tuple of str
        Names of the numbers that describe an action.

    Examples
    --------
    >>> Space(("face", "title"), context=("tv",)).context
    ('tv',)
    """

    actions: tuple[str, ...] | None = None
    context: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for noun in ("actions", "context", "features"):
            names = getattr(self, noun) or ()
            if len(set(names)) != len(names):
                raise InputError(f"Space: {noun} are {list(names)}, expected each name once.")
        if self.actions is not None and not self.actions:
            raise InputError("Space: actions are [], expected at least one, or None for any.")

    def check(self, where: str, names: Sequence[str], context: Floats, features: Floats) -> None:
        """Refuse what does not belong here.

        Raises
        ------
        InputError
            A context or features of another length, or an action that does not exist.
        """
        for noun, given, known in (("context", context, self.context), ("features", features, self.features)):
            if given.shape[-1] != len(known):
                raise InputError(
                    f"{where}: {noun} has {given.shape[-1]} numbers, expected {len(known)} "
                    f"({', '.join(known) or 'none'}). Give what the policy was made for."
                )
        if self.actions is not None and not set(names) <= set(self.actions):
            wrong = next(name for name in names if name not in self.actions)
            raise InputError(unknown_name(where, "action", wrong, self.actions))


@dataclass(frozen=True, slots=True)
class Question:
    """One decision to be made.

    Attributes
    ----------
    names : tuple of str
        The actions, each once.
    context : ndarray of float64, shape (n_context,)
        Finite.
    features : ndarray of float64, shape (n_actions, n_features)
        Finite. Default: no columns.
    permitted : ndarray of bool, shape (n_actions,)
        Default: all.
    unit_id : str
        Whom it is about. Holdouts and stickiness go by it.
    at_us : int
        When. Stickiness and budgets go by it.

    Raises
    ------
    InputError
        Shapes that do not fit, a name twice, or a number that is NaN or infinite.

    Examples
    --------
    >>> Question(("face", "title"), np.array([1.0])).permitted.tolist()
    [True, True]
    """

    names: tuple[str, ...]
    context: Floats = field(default_factory=lambda: np.empty(0))
    features: Floats = field(default_factory=lambda: np.empty((0, 0)))
    permitted: Mask = field(default_factory=lambda: np.empty(0, np.bool_))
    unit_id: str = ""
    at_us: int = 0

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.features.shape == (0, 0):
            object.__setattr__(self, "features", np.empty((n, 0)))
        if self.permitted.shape == (0,):
            object.__setattr__(self, "permitted", np.ones(n, np.bool_))
        if self.context.ndim != 1:
            raise InputError(f"Question: context has shape {self.context.shape}, expected (numbers,).")
        if self.features.ndim != 2 or len(self.features) != n:
            raise InputError(f"Question: features has shape {self.features.shape}, expected ({n}, numbers).")
        if self.permitted.shape != (n,):
            raise InputError(f"Question: permitted has shape {self.permitted.shape}, expected ({n},).")
        if len(set(self.names)) != n:
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise InputError(f'Question: action "{twice}" is there twice, expected each once.')
        for noun in ("context", "features"):
            values = getattr(self, noun)
            if not np.isfinite(values).all():
                wrong = values[~np.isfinite(values)][0]
                raise InputError(
                    f"Question: {noun} holds {wrong}, expected finite numbers. Fill in what is missing."
                )

    def within(self, permitted: Mask) -> Question:
        """The same question with only these actions permitted."""
        return Question(self.names, self.context, self.features, permitted, self.unit_id, self.at_us)


@dataclass(frozen=True, slots=True)
class Stack:
    """The permitted actions of several questions under each other, for arithmetic on all at once.

    Attributes
    ----------
    names : list of str
        Of n actions.
    context : ndarray of float64, shape (n, n_context)
    features : ndarray of float64, shape (n, n_features)
    start : ndarray of int64, shape (n_questions,)
        First action of each question; none is empty.
    """

    asked: Sequence[Question]
    names: list[str]
    context: Floats
    features: Floats
    start: NDArray[np.int64]

    @staticmethod
    def of(asked: Sequence[Question]) -> Stack:
        """Put questions under each other.

        Raises
        ------
        InputError
            A question permits no action.
        """
        count = np.array([int(one.permitted.sum()) for one in asked], np.int64)
        if not count.all():
            n = len(asked[int(np.argmin(count))].names)
            raise InputError(f"LearningPolicy: 0 of {n} actions are permitted, expected at least 1.")
        names = [
            name for one in asked for name, may in zip(one.names, one.permitted.tolist(), strict=True) if may
        ]
        context = np.repeat(np.stack([one.context for one in asked]), count, axis=0)
        features = np.concatenate([one.features[one.permitted] for one in asked])
        return Stack(asked, names, context, features, np.cumsum(count) - count)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def count(self) -> NDArray[np.int64]:
        """Number of permitted actions of each question, shape (n_questions,)."""
        return np.diff(np.append(self.start, len(self.names)))

    def parts(self) -> list[slice]:
        """Where each question's actions stand."""
        return [slice(a, a + n) for a, n in zip(self.start.tolist(), self.count.tolist(), strict=True)]

    def spread(self, p: Floats, floor: float = 0.0) -> list[Probabilities]:
        """Probabilities of each question, 0 where not permitted, each normalised to sum 1.

        Parameters
        ----------
        p : ndarray of float64, shape (n,)
        floor : float, 0 to 1
            Share of each question that is spread evenly over its permitted actions.
        """
        count = self.count
        total = np.add.reduceat(p, self.start)
        level = (1.0 - floor) * p / np.repeat(total, count) + floor / np.repeat(count, count)
        out = []
        for one, part in zip(self.asked, self.parts(), strict=True):
            full = np.zeros(len(one.names))
            own = level[part]
            full[one.permitted] = 1.0 if len(own) == 1 else own / own.sum()
            out.append(full)
        return out
