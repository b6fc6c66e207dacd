"""What rankers learn from: lists of candidates with what was watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.learn.interactions import Histories
from matinee.types import Index, Mask, Scores


@dataclass(frozen=True, slots=True)
class Examples:
    """Lists of candidates with what was watched.

    Attributes
    ----------
    features : ndarray of float32, shape (n_lists, n_candidates, n_features)
    relevant : ndarray of bool, shape (n_lists, n_candidates)
    paused : ndarray of bool, shape (n_lists,)
        Lists of members who came back after a pause.
    """

    features: Scores
    relevant: Mask
    paused: Mask


@dataclass(frozen=True, slots=True)
class Aside:
    """Lists kept out of the ranker's examples to choose the weight of the extra model on.

    Attributes
    ----------
    histories : Histories
    title : ndarray of int32, shape (n_lists, n_candidates)
    features : ndarray of float32, shape (n_lists, n_candidates, n_features)
    relevant : ndarray of bool, shape (n_lists, n_candidates)
    """

    histories: Histories
    title: Index
    features: Scores
    relevant: Mask


def some(examples: Examples, lists: Mask) -> Examples:
    """Only some of the lists."""
    return Examples(examples.features[lists], examples.relevant[lists], examples.paused[lists])


def first_rows(parts: list[Scores], n: int) -> Scores:
    """The first n rows of arrays that stand one after the other."""
    found: list[Scores] = []
    for part in parts:
        found.append(part[:n])
        n -= len(found[-1])
    return np.concatenate(found)
