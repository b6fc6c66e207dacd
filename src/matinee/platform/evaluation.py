"""What every initiative's evaluation says, in one form: figures with intervals, ours minus each baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, NotFoundError, StorageError

EVALUATION_FILE = "evaluation.json"
EVALUATION_FORMAT = 1


class Metric(msgspec.Struct, frozen=True):
    """What a figure means.

    Attributes
    ----------
    name : str
        Key of the figures.
    label : str
        As it stands in tables; the unit is in it.
    better : {"higher", "lower"}
    digits : int
        After the point, in tables.
    """

    name: str
    label: str
    better: Literal["higher", "lower"] = "higher"
    digits: int = 4


class Figure(msgspec.Struct, frozen=True):
    """A mean with its 95 % interval over `n` units. For a difference `p` is the corrected p-value."""

    mean: float
    low: float
    high: float
    n: int
    p: float | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) for x in (self.mean, self.low, self.high)):
            raise InputError(
                f"figure: {self.mean} [{self.low}, {self.high}], expected finite numbers. Leave out a metric "
                "that is not defined."
            )

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Result of judging an initiative by what happened after a moment that its models have not seen.

    Attributes
    ----------
    initiative : str
    cut_us : int
        The models learned from what came before; they are judged by what came after.
    metrics : list of Metric
        The first is the primary one: gates and the portfolio look at it.
    ours : str
        Name of our maker in `figures`.
    baseline : str
        Name of the declared baseline in `figures`.
    figures : dict of maker to dict of metric to Figure
    differences : dict of maker to dict of metric to Figure
        Ours minus it on the same units.
    groups : dict of "name=value" to Figure
        Primary metric of ours in each declared group of units.
    apart : dict of heading to dict of maker to dict of metric to Figure
        Units that are reported apart, such as those without a history.
    notes : list of str
        What a reader must know: what was left out, how it was judged.
    details : dict
        Whatever else the initiative reports; printed with --json.
    """

    initiative: str
    cut_us: int
    metrics: list[Metric]
    ours: str
    baseline: str
    figures: dict[str, dict[str, Figure]]
    differences: dict[str, dict[str, Figure]] = {}
    groups: dict[str, Figure] = {}
    apart: dict[str, dict[str, dict[str, Figure]]] = {}
    notes: list[str] = []
    details: dict[str, Any] = {}
    format: int = EVALUATION_FORMAT

    def __post_init__(self) -> None:
        for role, name in (("ours", self.ours), ("baseline", self.baseline)):
            if name not in self.figures:
                raise InputError(
                    f'{self.initiative}: {role} is "{name}", expected one of the makers that were measured: '
                    f"{', '.join(self.figures)}."
                )
        if not self.metrics or self.metrics[0].name not in self.figures[self.ours]:
            raise InputError(
                f"{self.initiative}: the primary metric has no figure of {self.ours}, expected one."
            )

    @property
    def primary(self) -> Metric:
        """The metric that gates look at."""
        return self.metrics[0]

    @property
    def value(self) -> Figure:
        """Primary metric of ours."""
        return self.figures[self.ours][self.primary.name]

    @property
    def lift(self) -> Figure | None:
        """Ours minus the baseline in the primary metric, above 0 when ours is better; None if not paired."""
        found = self.differences.get(self.baseline, {}).get(self.primary.name)
        if found is None or self.primary.better == "higher":
            return found
        return Figure(-found.mean, -found.high, -found.low, found.n, found.p)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation with the primary metric of every unit, so that two of them can be compared in pairs.

    Attributes
    ----------
    report : Evaluation
    unit_ids : ndarray of str, shape (n_units,)
    values : ndarray of float64, shape (n_units,)
        Primary metric of ours for each unit; NaN where it is not defined.

    Raises
    ------
    InputError
        There are more values than units, or fewer.
    """

    report: Evaluation
    unit_ids: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, "U1"))
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))

    def __post_init__(self) -> None:
        if len(self.unit_ids) != len(self.values):
            raise InputError(
                f"{self.report.initiative}: {len(self.unit_ids)} unit_ids and {len(self.values)} values, "
                "expected a value for each unit."
            )

    def save(self, folder: Path) -> None:
        """Write evaluation.json and two .npy files."""
        folder.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(self.report, enc_hook=_plain), indent=2)
        (folder / EVALUATION_FILE).write_bytes(text)
        np.save(folder / "unit_ids.npy", np.asarray(self.unit_ids, dtype=np.str_), allow_pickle=False)
        np.save(folder / "values.npy", np.asarray(self.values, np.float64), allow_pickle=False)

    @staticmethod
    def load(folder: Path) -> Evaluated:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError
            The folder holds no evaluation.
        StorageError
            A file is damaged, or from another version.
        """
        path = folder / EVALUATION_FILE
        if not path.is_file():
            raise NotFoundError(
                f"{folder}: no {EVALUATION_FILE} here, expected an evaluation. Evaluate again."
            )
        try:
            report = msgspec.json.decode(path.read_bytes(), type=Evaluation)
            unit_ids = np.load(folder / "unit_ids.npy", allow_pickle=False)
            values = np.load(folder / "values.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError, msgspec.MsgspecError) as problem:
            raise StorageError(f"{path}: cannot be read ({problem}). Evaluate again.") from problem
        if report.format != EVALUATION_FORMAT:
            raise StorageError(
                f"{path}: format is {report.format}, expected {EVALUATION_FORMAT}. Evaluate again."
            )
        return Evaluated(report, unit_ids, values)


def _plain(value: object) -> Any:
    """Numpy values as plain ones; msgspec knows dataclasses and structs."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"evaluation: {type(value).__name__} is not a plain value, expected numbers and text.")
