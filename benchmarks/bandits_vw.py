"""One stream of `bandits.py` through Vowpal Wabbit; run by the interpreter of its own environment.

vw/bin/python benchmarks/bandits_vw.py STREAM.npz CHOSEN.npy "--squarecb"
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import vowpalwabbit


def lines(stream: Any, i: int, label: tuple[int, float, float] | None = None) -> str:
    """One question in VW's text format; the label is (place, cost, probability)."""
    context = " ".join(f"x{j}:{value:.6f}" for j, value in enumerate(stream["context"][i]))
    out = [f"shared |C {context}"]
    for k, action in enumerate(stream["action"][i]):
        seen = f"0:{label[1]}:{label[2]:.6f} " if label is not None and label[0] == k else ""
        features = " ".join(f"f{j}:{value:.6f}" for j, value in enumerate(stream["features"][i, k]))
        out.append(f"{seen}|A a{action} {features}")
    return "\n".join(out)


def main() -> None:
    """Answer a portion of questions, learn from it, go on."""
    with np.load(sys.argv[1]) as given:
        stream = {name: given[name] for name in given.files}
    vw = vowpalwabbit.Workspace(f"--cb_explore_adf -q CA --quiet {sys.argv[3]}")
    n, portion = len(stream["draw"]), int(stream["portion"])
    chosen = np.empty(n, np.int64)
    for first in range(0, n, portion):
        rows = range(first, min(first + portion, n))
        p = np.empty(n)
        for i in rows:
            given_p = np.array(vw.predict(lines(stream, i)))
            edges = np.cumsum(given_p)
            chosen[i] = min(int((edges <= stream["draw"][i] * edges[-1]).sum()), len(edges) - 1)
            p[i] = given_p[chosen[i]]
        for i in rows:
            vw.learn(lines(stream, i, (int(chosen[i]), -stream["reward"][i, chosen[i]], p[i])))
    vw.finish()
    np.save(sys.argv[2], chosen)


if __name__ == "__main__":
    main()
