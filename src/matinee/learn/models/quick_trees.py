"""LightGBM's trees evaluated by bit vectors: for one list of candidates several times as fast as `predict`.

Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini (2015), "QuickScorer: a fast algorithm to rank
documents with additive ensembles of regression trees", SIGIR, doi 10.1145/2766462.2767733. Every node that
sends a row to the right strikes out the leaves below its left child; the leftmost leaf that is left is the
one. Nodes are ordered by feature and threshold, so that the false ones of a feature stand in front. Several
rows go through the nodes at once, which the processor does side by side, as in Lucchese, Nardini, Orlando,
Perego, Tonellotto, Venturini (2016), "Exploiting CPU SIMD extensions to speed-up document scoring with tree
ensembles", SIGIR, doi 10.1145/2911451.2914758.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.types import Scores, Times

MOST_LEAVES = 64
"""Leaves of a tree that fit into one word."""
TOGETHER = 16
"""Rows that go through the nodes at once."""


def _places(sequence: int, bits: int) -> NDArray[np.uint32]:
    """Position of the only 1 of a word, by the highest bits of its product with a de Bruijn sequence."""
    place = np.zeros(bits, np.uint32)
    for i in range(bits):
        place[((1 << i) * sequence & (1 << bits) - 1) >> (bits - bits.bit_length() + 1)] = i
    return place


_LONG, _SHORT = 0x03F79D71B4CB0A89, 0x077CB531
_PLACES = {64: _places(_LONG, 64), 32: _places(_SHORT, 32)}


@dataclass(frozen=True, slots=True)
class QuickTrees:
    """An ensemble, node by node.

    Attributes
    ----------
    ptr : ndarray of int64, shape (n_features + 1,)
        Nodes `ptr[f]:ptr[f + 1]` ask for feature f, by rising threshold.
    threshold : ndarray of float64, shape (n_nodes,)
        A value above it goes to the right.
    tree : ndarray of uint32, shape (n_nodes,)
    at_most : ndarray of float32, shape (n_nodes,)
        The largest float32 that does not go to the right.
    left_out : ndarray of uint32 or uint64, shape (n_nodes,)
        Zeros at the leaves below the left child; uint32 if no tree has more than 32 leaves.
    leaf : ndarray of float64, shape (n_trees, n_leaves)
    """

    ptr: Times
    threshold: NDArray[np.float64]
    at_most: NDArray[np.float32]
    tree: NDArray[np.uint32]
    left_out: NDArray[np.uint32] | NDArray[np.uint64]
    leaf: NDArray[np.float64]

    @staticmethod
    def of(model_text: str) -> QuickTrees | None:
        """Read LightGBM's text format; None for trees that this cannot evaluate.

        These are trees with more than 64 leaves, with categories, or that treat zero as missing.
        """
        trees = list(_trees(model_text))
        if not trees or any(len(t["leaf_value"]) > MOST_LEAVES for t in trees):
            return None
        nodes: list[tuple[int, float, int, int]] = []
        leaves = np.zeros((len(trees), max(len(t["leaf_value"]) for t in trees)))
        for number, tree in enumerate(trees):
            kinds = tree.get("decision_type", np.zeros(0)).astype(np.int64)
            if ((kinds & 1) != 0).any() or (((kinds >> 2) & 3) == 1).any():
                return None
            nodes += _strike(tree, number, leaves[number])
        nodes.sort(key=lambda node: node[:3])
        features = np.array([node[0] for node in nodes], np.int64)
        threshold = np.array([node[1] for node in nodes], np.float64)
        words = np.array([node[3] for node in nodes], np.uint64)
        return QuickTrees(
            np.searchsorted(features, np.arange(_n_features(model_text) + 1)).astype(np.int64),
            threshold,
            _rounded_down(threshold),
            np.array([node[2] for node in nodes], np.uint32),
            words.astype(np.uint32) if leaves.shape[1] <= 32 else words,
            leaves,
        )

    def score(self, features: Scores) -> NDArray[np.float64]:
        """Sum of the trees for each row, summed in LightGBM's order. No value may be NaN."""
        out = np.empty(len(features), np.float64)
        rows = np.ascontiguousarray(features, np.float32)
        if self.left_out.dtype == np.uint32:
            _score_short(rows, self.ptr, self.at_most, self.tree, self.left_out, self.leaf, _PLACES[32], out)
        else:
            _score_long(rows, self.ptr, self.at_most, self.tree, self.left_out, self.leaf, _PLACES[64], out)
        return out


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each value: float32 rows compare with both in the same way."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def _trees(text: str) -> Iterator[dict[str, NDArray[Any]]]:
    """Arrays of each tree by name."""
    wanted = {
        "split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value",
    }  # fmt: skip
    for block in text.split("\nTree=")[1:]:
        body = block.split("\n\n", 1)[0]
        lines = (line.split("=", 1) for line in body.splitlines() if "=" in line)
        yield {name: np.array(value.split(), np.float64) for name, value in lines if name in wanted}


def _n_features(text: str) -> int:
    (line,) = [
        line for line in text.split("\nTree=", 1)[0].splitlines() if line.startswith("max_feature_idx=")
    ]
    return int(line.split("=")[1]) + 1


def _strike(
    tree: dict[str, NDArray[Any]], number: int, leaf: NDArray[np.float64]
) -> list[tuple[int, float, int, int]]:
    """(feature, threshold, tree, mask) of each node; fills in the leaf values from left to right."""
    values = tree["leaf_value"]
    if len(values) == 1:
        leaf[0] = values[0]
        return []
    nodes: list[tuple[int, float, int, int]] = []
    seen = 0

    def walk(child: int) -> None:
        nonlocal seen
        if child < 0:
            leaf[seen] = values[~child]
            seen += 1
            return
        first = seen
        walk(int(tree["left_child"][child]))
        below = ((1 << (seen - first)) - 1) << first
        mask = ((1 << 64) - 1) ^ below
        nodes.append((int(tree["split_feature"][child]), float(tree["threshold"][child]), number, mask))
        walk(int(tree["right_child"][child]))

    walk(0)
    return nodes


@njit(cache=True)
def _strike_out(features, start, ptr, at_most, tree, left_out, values, left):  # type: ignore[no-untyped-def]
    """Leaves that are left of each tree for rows `start:start + TOGETHER`; rows beyond the last are 0."""
    ones = left.dtype.type(0xFFFFFFFFFFFFFFFF)
    left[:] = ones
    n = min(TOGETHER, len(features) - start)
    for f in range(len(ptr) - 1):
        highest = np.float32(-np.inf)
        for r in range(n):
            values[r] = features[start + r, f]
            highest = max(highest, values[r])
        for i in range(ptr[f], ptr[f + 1]):
            threshold, struck = at_most[i], left_out[i]
            if highest <= threshold:
                break
            t = tree[i]
            for r in range(TOGETHER):
                left[t, r] &= struck if values[r] > threshold else ones


@njit(cache=True)
def _score_short(features, ptr, at_most, tree, left_out, leaf, place, out):  # type: ignore[no-untyped-def]
    values = np.zeros(TOGETHER, np.float32)
    left = np.empty((len(leaf), TOGETHER), np.uint32)
    total = np.empty(TOGETHER, np.float64)
    for start in range(0, len(features), TOGETHER):
        _strike_out(features, start, ptr, at_most, tree, left_out, values, left)
        total[:] = 0.0
        for t in range(len(leaf)):
            for r in range(TOGETHER):
                lowest = np.uint32(left[t, r] & np.uint32(~left[t, r] + np.uint32(1)))
                total[r] += leaf[t, place[np.uint32(lowest * np.uint32(_SHORT)) >> np.uint32(27)]]
        for r in range(min(TOGETHER, len(features) - start)):
            out[start + r] = total[r]


@njit(cache=True)
def _score_long(features, ptr, at_most, tree, left_out, leaf, place, out):  # type: ignore[no-untyped-def]
    values = np.zeros(TOGETHER, np.float32)
    left = np.empty((len(leaf), TOGETHER), np.uint64)
    total = np.empty(TOGETHER, np.float64)
    for start in range(0, len(features), TOGETHER):
        _strike_out(features, start, ptr, at_most, tree, left_out, values, left)
        total[:] = 0.0
        for t in range(len(leaf)):
            for r in range(TOGETHER):
                lowest = left[t, r] & (~left[t, r] + np.uint64(1))
                total[r] += leaf[t, place[(lowest * np.uint64(_LONG)) >> np.uint64(58)]]
        for r in range(min(TOGETHER, len(features) - start)):
            out[start + r] = total[r]
