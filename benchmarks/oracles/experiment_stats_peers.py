"""Statistics of experiments by tea-tasting and gsdesign; run by the interpreter of their own environment.

    .matinee-cache/tea-tasting/bin/python benchmarks/oracles/experiment_stats_peers.py DATA.npz ASKED.json

Needs tea-tasting==1.14.0 and gsdesign==0.1.5. DATA holds columns arm, y, d, x, c with one value a unit;
ASKED holds counts of units, figures of a power calculation and information of looks. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def fixed_horizon(data: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    import pyarrow as pa
    import tea_tasting as tt

    experiment = tt.Experiment(
        variant="arm",
        mean=tt.Mean("y", use_t=True, equal_var=False),
        mean_cuped=tt.Mean("y", covariate="x", use_t=True, equal_var=False),
        ratio=tt.RatioOfMeans("y", "d", use_t=True, equal_var=False),
        ratio_cuped=tt.RatioOfMeans("y", "d", "x", "c", use_t=True, equal_var=False),
    )
    result = experiment.analyze(pa.table(data), control=0)
    return {name: result[name]._asdict() for name in ("mean", "mean_cuped", "ratio", "ratio_cuped")}


def sample_ratio(counts: list[list[int]]) -> list[float]:
    import pyarrow as pa
    import tea_tasting as tt

    found = []
    for control, treated in counts:
        table = pa.table({"arm": [0] * control + [1] * treated})
        exact = "binom" if control + treated < 1000 else "norm"
        result = tt.Experiment(variant="arm", srm=tt.SampleRatio(method=exact, correction=False)).analyze(
            table, control=0
        )
        found.append(result["srm"].pvalue)
    return found


def units(power: dict[str, float]) -> float:
    """Units of both arms by the normal distribution."""
    import tea_tasting as tt
    from tea_tasting.aggr import Aggregates

    metric = tt.Mean(
        "y", alpha=power["alpha"], power=power["power"], rel_effect_size=power["effect"], use_t=False
    )
    aggregates = Aggregates(count_=1_000, mean_={"y": power["mean"]}, var_={"y": power["variance"]}, cov_={})
    return metric.solve_power_from_aggregates(aggregates, "n_obs")[0].n_obs


def spending(information: list[float], alpha: float) -> list[float]:
    """Two-sided bounds of the O'Brien-Fleming kind, from gsdesign's integration."""
    import numpy as np
    from gsdesign import h1, hupdate
    from scipy.optimize import brentq
    from scipy.stats import norm

    r = 128
    spent = [2 * norm.sf(norm.isf(alpha / 4) / np.sqrt(min(t, 1.0))) for t in information]
    bounds = [float(norm.isf(spent[0]))]
    grid = h1(r=r, theta=0.0, info=information[0], a=-bounds[0], b=bounds[0])
    for k in range(1, len(information)):
        now, before = information[k], information[k - 1]

        def above(b: float, grid: Any = grid, now: float = now, before: float = before) -> float:
            return float(hupdate(r, 0.0, now, b, np.inf, 0.0, before, grid)[2].sum())

        bounds.append(
            float(brentq(lambda b, k=k: above(b) - (spent[k] - spent[k - 1]), 0.5, 9.0, xtol=1e-12))
        )
        grid = hupdate(r, 0.0, now, -bounds[-1], bounds[-1], 0.0, before, grid)
    return bounds


def main() -> None:
    import numpy as np

    data = {name: column.tolist() for name, column in np.load(sys.argv[1]).items()}
    asked = json.loads(Path(sys.argv[2]).read_text())
    found = {
        "fixed": fixed_horizon(data),
        "sample_ratio": sample_ratio(asked["counts"]),
        "units": units(asked["power"]),
        "spending": [spending(one, 0.05) for one in asked["information"]],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
