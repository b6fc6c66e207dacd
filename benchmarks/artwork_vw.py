"""Streams of `artwork.py` through Vowpal Wabbit and MABWiser; run by the interpreter of their own
environment.

env/bin/python benchmarks/artwork_vw.py STREAM.npz OUT.npz "squarecb" [first impressions]
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

COSTS = "--cb_min_cost -1 --cb_max_cost 0"
OPTIONS = {
    "squarecb": f"--squarecb {COSTS}",
    "regcb": f"--regcbopt --mellowness 0.001 {COSTS}",
}


class Wabbit:
    """One Vowpal Wabbit: member taste x tags, and a weight of each image."""

    def __init__(self, stream: Any, name: str) -> None:
        import vowpalwabbit

        self.vw = vowpalwabbit.Workspace(
            f"--cb_explore_adf -q CA --ignore_linear C -b 20 --quiet {OPTIONS[name]}"
        )
        context, tags = stream["context"], stream["tags"]
        self.shared = [
            "shared |C " + " ".join(f"x{j}:{v:.3f}" for j, v in enumerate(one) if v > 0) for one in context
        ]
        self.action = [
            f"|A {' '.join(f't{j}' for j in np.flatnonzero(one))} |I i{i}" for i, one in enumerate(tags)
        ]
        self.n_images = int(stream["n_images"])

    def lines(self, member: int, title: int, label: tuple[int, float, float] | None = None) -> str:
        """A question in VW's text format; the label is (place, cost, probability)."""
        own = self.action[title * self.n_images : (title + 1) * self.n_images]
        if label is not None:
            own = own.copy()
            own[label[0]] = f"0:{label[1]}:{label[2]:.6f} {own[label[0]]}"
        return "\n".join([self.shared[member], *own])

    def answer(self, member: Any, title: Any) -> Any:
        """Probabilities of a batch."""
        found = np.array(
            [self.vw.predict(self.lines(m, t)) for m, t in zip(member.tolist(), title.tolist(), strict=True)]
        )
        return found / found.sum(1, keepdims=True)

    def learn(self, member: Any, title: Any, chosen: Any, reward: Any, p: Any) -> None:
        """Learn from a batch, impression by impression."""
        rows = zip(member.tolist(), title.tolist(), chosen.tolist(), reward.tolist(), p.tolist(), strict=True)
        for m, t, a, r, prob in rows:
            self.vw.learn(self.lines(m, t, (a, -float(r), prob)))


class LinTs:
    """MABWiser's linear Thompson sampling, one for each title over its images, with the member as context."""

    def __init__(self, stream: Any, _name: str) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        self.context = stream["context"]
        self.n_images = int(stream["n_images"])
        n_titles = len(stream["tags"]) // self.n_images
        self.arms = list(range(self.n_images))
        self.mabs = [MAB(self.arms, LearningPolicy.LinTS(alpha=0.1), seed=t) for t in range(n_titles)]
        self.fitted = np.zeros(n_titles, np.bool_)

    def answer(self, member: Any, title: Any) -> Any:
        """One draw for each impression, as 0 and 1."""
        out = np.full((len(title), self.n_images), 1.0 / self.n_images)
        for t in np.unique(title[self.fitted[title]]).tolist():
            rows = np.flatnonzero(title == t)
            got = self.mabs[t].predict(self.context[member[rows]])
            out[rows] = np.eye(self.n_images)[np.atleast_1d(got)]
        return out

    def learn(self, member: Any, title: Any, chosen: Any, reward: Any, _p: Any) -> None:
        """Learn from a batch, title by title."""
        for t in np.unique(title).tolist():
            rows = np.flatnonzero(title == t)
            fit = self.mabs[t].partial_fit if self.fitted[t] else self.mabs[t].fit
            fit(chosen[rows], reward[rows].astype(float), self.context[member[rows]])
            self.fitted[t] = True


def main() -> None:
    """Answer a batch, learn from it, go on; what it and the oracle brought beyond random, by batch."""
    with np.load(sys.argv[1]) as file:
        stream = {name: file[name] for name in file.files}
    name = sys.argv[3]
    n = min(int(sys.argv[4]) if len(sys.argv) > 4 else len(stream["title"]), len(stream["title"]))
    policy = LinTs(stream, name) if name == "lints" else Wabbit(stream, name)
    edges = np.linspace(0, len(stream["title"]), int(stream["batches"]) + 1).astype(int)
    edges = np.append(edges[edges < n], n)
    ours, best = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    given = np.zeros((len(stream["tags"]) // int(stream["n_images"]), int(stream["n_images"])))
    for b in range(len(edges) - 1):
        rows = slice(int(edges[b]), int(edges[b + 1]))
        member, title, mean = stream["member"][rows], stream["title"][rows], stream["mean"][rows]
        p = policy.answer(member, title)
        chosen = np.minimum((np.cumsum(p, 1) <= stream["draw"][rows, None]).sum(1), p.shape[1] - 1)
        at = np.arange(len(chosen))
        np.add.at(given, title, p)
        ours[b] = (p * mean).sum() - mean.mean(1).sum()
        best[b] = mean.max(1).sum() - mean.mean(1).sum()
        policy.learn(member, title, chosen, stream["reward"][rows][at, chosen], p[at, chosen])
    np.savez(sys.argv[2], ours=ours, best=best, given=given)


if __name__ == "__main__":
    main()
