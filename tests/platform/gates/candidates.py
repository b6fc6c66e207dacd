"""Candidates and evaluations whose figures a test chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.platform.gates.gate import Candidate


def evaluated(
    mean: float = 0.5,
    lift: tuple[float, float, float] | None = (0.1, 0.05, 0.15),
    *,
    better: Literal["higher", "lower"] = "higher",
    groups: dict[str, Figure] | None = None,
    values: Any = (),
    units: Any = None,
    cut_us: int = 0,
    **figures: float,
) -> Evaluated:
    """Ours at `mean`, the baseline "old", their difference (mean, low, high), other metrics by name."""
    metric = Metric("worth", "worth of a decision", better)
    ours = {"worth": Figure(mean, mean - 0.01, mean + 0.01, 100)}
    ours |= {name: Figure(value, value, value, 100) for name, value in figures.items()}
    report = Evaluation(
        initiative="toy",
        cut_us=cut_us,
        metrics=[metric],
        ours="toy",
        baseline="old",
        figures={"toy": ours, "old": {"worth": Figure(0.4, 0.3, 0.5, 100)}},
        differences={} if lift is None else {"old": {"worth": Figure(*lift, n=100)}},
        groups=groups or {},
    )
    values = np.asarray(values, np.float64)
    names = [f"m{i}" for i in range(len(values))] if units is None else units
    return Evaluated(report, np.asarray(names, np.str_), values)


def candidate(**changes: Any) -> Candidate:
    """A candidate without a fault, changed."""
    given: dict[str, Any] = {
        "initiative": "toy",
        "tier": 4,
        "version": "v2",
        "folder": Path(),
        "home": Home(Path()),
        "data": "home",
        "evaluation": evaluated(),
        "released": None,
        "released_evaluation": None,
        "approver": None,
        "latency_budget_ms": 1_000.0,
        "unit_ids": ("m1", "nobody"),
        "at_us": 0,
        "open": lambda: lambda unit_id, turn: False,
        "load_in_fresh_process": lambda: None,
        "feature_skew": lambda: None,
    }
    return Candidate(**{**given, **changes})
