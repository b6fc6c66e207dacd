"""Evaluations: one form, refused when a figure is missing, the same after a trip through files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.platform.gates.candidates import evaluated

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric


def test_the_first_metric_is_the_primary_one() -> None:
    report = evaluated(0.7, complaints=0.1).report
    assert report.primary.name == "worth"
    assert report.value.mean == 0.7
    assert report.lift == Figure(0.1, 0.05, 0.15, 100)
    assert str(report.lift) == "0.1000 [0.0500, 0.1500]"


def test_lift_is_above_zero_when_ours_is_better() -> None:
    lower = evaluated(lift=(-0.1, -0.15, -0.05), better="lower").report.lift
    assert lower == Figure(0.1, 0.05, 0.15, 100)
    assert evaluated(lift=None).report.lift is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ours": "tyo"}, 'toy: ours is "tyo", expected one of the makers that were measured: toy, old'),
        ({"baseline": "none"}, 'toy: baseline is "none"'),
        ({"metrics": []}, "the primary metric has no figure of toy"),
        ({"metrics": [Metric("clicks", "clicks")]}, "the primary metric has no figure of toy"),
    ],
)
def test_a_report_without_its_figures_is_refused(changes: dict[str, Any], text: str) -> None:
    given = msgspec.structs.asdict(evaluated().report)
    with pytest.raises(InputError) as failure:
        Evaluation(**{**given, **changes})
    assert text in str(failure.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="expected finite numbers"):
        Figure(value, 0.0, 1.0, 3)
    with pytest.raises(InputError, match="expected finite numbers"):
        Figure(0.5, 0.0, value, 3)


def test_it_is_the_same_after_a_trip_through_files(tmp_path: Path) -> None:
    made = evaluated(values=[0.5, np.nan, 1.0], groups={"kids=yes": Figure(0.1, 0.0, 0.2, 9)})
    details = msgspec.structs.replace(made.report, details={"array": np.arange(3), "one": np.float64(0.5)})
    Evaluated(details, made.unit_ids, made.values).save(tmp_path / "e")
    read = Evaluated.load(tmp_path / "e")
    assert read.report.details == {"array": [0, 1, 2], "one": 0.5}
    assert msgspec.structs.replace(read.report, details={}) == made.report
    assert read.unit_ids.tolist() == ["m0", "m1", "m2"]
    np.testing.assert_array_equal(read.values, made.values)


def test_values_and_units_are_as_many() -> None:
    with pytest.raises(InputError, match="toy: 2 unit_ids and 3 values, expected a value for each unit"):
        evaluated(values=[1, 2, 3], units=["a", "b"])


def test_what_is_gone_damaged_or_of_another_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no evaluation\.json here"):
        Evaluated.load(tmp_path)
    evaluated(values=[1.0]).save(tmp_path)
    path = tmp_path / "evaluation.json"
    good = path.read_text()
    path.write_text(good.replace('"format": 1', '"format": 9'))
    with pytest.raises(StorageError, match=r"format is 9, expected 1\. Evaluate again"):
        Evaluated.load(tmp_path)
    path.write_text(good[:50])
    with pytest.raises(StorageError, match="cannot be read"):
        Evaluated.load(tmp_path)
    path.write_text(good)
    (tmp_path / "values.npy").write_bytes(b"x")
    with pytest.raises(StorageError, match="cannot be read"):
        Evaluated.load(tmp_path)


def test_values_that_python_alone_knows_are_refused(tmp_path: Path) -> None:
    made = evaluated()
    odd = msgspec.structs.replace(made.report, details={"model": object()})
    with pytest.raises(TypeError, match="object is not a plain value"):
        Evaluated(odd).save(tmp_path)
