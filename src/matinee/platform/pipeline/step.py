"""One step of a pipeline: a plain function whose parameters name where its values come from."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from matinee.errors import ConfigError, unknown_name
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.platform.pipeline.codecs.base import Codec
from matinee.platform.pipeline.codecs.registry import codec_of

StepFunction = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a step asks for.

    Attributes
    ----------
    name : str
        Of another step, or of a given.
    annotation : object
    required : bool
        False: it has a default, used when nothing of that name is given.
    """

    name: str
    annotation: object
    required: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A function with what the runner needs to know about it; made by `step`.

    Attributes
    ----------
    name : str
    function : callable
    reads : tuple of str
        Tables of the lake that the function may read through its `home`.
    retries : int, 0 or more
        Further attempts after an error that is transient.
    retry_wait_s : float, 0 or more
        Pause before the first further attempt; it doubles with each.
    transient : tuple of exception types
        Errors worth another attempt.
    version : str
        Raise it to recompute where no change of the code says so (a model file outside, a service).
    parameters : tuple of Parameter
    returns : object
        Annotation of the result.
    codec : Codec
        How the result is stored.
    """

    name: str
    function: types.FunctionType
    reads: tuple[str, ...]
    retries: int
    retry_wait_s: float
    transient: tuple[type[Exception], ...]
    version: str
    parameters: tuple[Parameter, ...]
    returns: object
    codec: Codec = field(repr=False)

    @property
    def place(self) -> str:
        """File and line of the function."""
        return place(self.function)

    def takes(self, name: str) -> bool:
        """Whether a parameter has this name."""
        return any(one.name == name for one in self.parameters)


def step(
    function: StepFunction,
    *,
    reads: Sequence[str] = (),
    retries: int = 0,
    retry_wait_s: float = 1.0,
    transient: tuple[type[Exception], ...] = (OSError,),
    version: str = "1",
    name: str | None = None,
) -> Step:
    """Make a step of a function, with options.

    Parameters
    ----------
    function : callable
        A function at the top of a module, every parameter and the result annotated.
    reads : sequence of str
        Tables of the lake; needed exactly when the function takes `home`.
    retries, retry_wait_s, transient, version
        See `Step`. `StorageError` is an `OSError`.
    name : str, optional
        Default: the function's name. Parameters of later steps use it.

    Raises
    ------
    ConfigError
        The function or an option is not as said here; the message names step, parameter, file and line.

    Examples
    --------
    >>> def score(seed: int) -> float:
    ...     return seed / 2
    >>> step(score, retries=2).name
    'score'
    """
    if not isinstance(function, types.FunctionType):
        raise ConfigError(
            f"step {function!r}: is a {type(function).__name__}, expected a plain function. "
            "Write `def name(...)` at the top of a module and give that."
        )
    own = name or function.__name__
    where = f"step {own} ({place(function)})"
    if not own.isidentifier():
        raise ConfigError(f"{where}: is named {own!r}, expected the name of a function. Give name=...")
    if function.__closure__:
        held = ", ".join(function.__code__.co_freevars)
        raise ConfigError(
            f"{where}: uses {held} of the function around it, expected a function at the top of a module. "
            "Its result could not be told apart from that of other values: make it a parameter."
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ConfigError(f"{where}: is a coroutine or generator, expected a function that returns a value.")
    hints = _hints(function, where)
    parameters = tuple(_parameters(function, hints, where))
    if "return" not in hints or hints["return"] in (type(None), Any):
        given = "none" if "return" not in hints else str(hints["return"])
        raise ConfigError(
            f"{where}: annotation of the result is {given}, expected the type of a value that can be stored. "
            "A step that only does something returns a record of what it did."
        )
    _check_options(where, reads, retries, retry_wait_s, takes_home=any(p.name == "home" for p in parameters))
    return Step(
        own, function, tuple(reads), retries, retry_wait_s, transient, version, parameters,
        hints["return"], codec_of(hints["return"], where),
    )  # fmt: skip


def place(function: StepFunction) -> str:
    """File and line where a function begins."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _parameters(function: StepFunction, hints: dict[str, object], where: str) -> typing.Iterator[Parameter]:
    for one in inspect.signature(function).parameters.values():
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise ConfigError(
                f"{where}: parameter {one} has no name of its own, expected parameters that can be given by "
                "name (no *args, **kwargs or positional-only)."
            )
        if one.name not in hints:
            raise ConfigError(
                f"{where}: parameter {one.name} has no annotation, expected the type of what it gets "
                f"(`{one.name}: int`)."
            )
        yield Parameter(one.name, hints[one.name], one.default is inspect.Parameter.empty)


def _hints(function: StepFunction, where: str) -> dict[str, object]:
    try:
        return dict(typing.get_type_hints(function, include_extras=True))
    except (NameError, TypeError, AttributeError) as problem:
        raise ConfigError(
            f"{where}: an annotation cannot be read ({problem}), expected names that exist when the module "
            "runs. Import the type outside `if TYPE_CHECKING`."
        ) from problem


def _check_options(
    where: str, reads: Sequence[str], retries: int, retry_wait_s: float, *, takes_home: bool
) -> None:
    if isinstance(reads, str):
        raise ConfigError(f'{where}: reads is the text "{reads}", expected names: reads=("{reads}",).')
    for table in reads:
        if table not in {*EVENTS, *FACTS}:
            raise ConfigError(unknown_name(f"{where}, reads", "table", table, {*EVENTS, *FACTS}))
    if takes_home and not reads:
        raise ConfigError(
            f"{where}: takes home and declares no reads, expected the tables that it reads. "
            'Write step(f, reads=("plays",)).'
        )
    if reads and not takes_home:
        raise ConfigError(
            f"{where}: declares reads {', '.join(reads)} and has no parameter home, expected `home: Home` to "
            "read them with, or no reads."
        )
    if retries < 0:
        raise ConfigError(f"{where}: retries is {retries}, expected 0 or more.")
    if not retry_wait_s >= 0:
        raise ConfigError(f"{where}: retry_wait_s is {retry_wait_s}, expected seconds, 0 or more.")
