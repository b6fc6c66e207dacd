"""Leave-last-out: the last event of each member is the test, everything before it is for learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.errors import InputError
from matinee.learn.interactions import Interactions
from matinee.learn.splits.queries import Queries


@dataclass(frozen=True, slots=True)
class LeaveLastOut:
    """A split by member.

    Common in the literature, and optimistic: other members' events from after the test moment are
    learned from. Judge what members will meet by `global_time`.

    Attributes
    ----------
    train : Interactions
        All members and titles without the test events.
    test : Queries
        One per member with at least two events: the target is the last one.
    n_short_members : int
        Members with fewer than two events. They are not tested; their event stays in `train`.
    n_unseen_targets : int
        Test targets whose title has no event in `train`. They are tested, and usually missed.
    """

    train: Interactions
    test: Queries
    n_short_members: int
    n_unseen_targets: int


def leave_last_out(data: Interactions) -> LeaveLastOut:
    """Split off the last event of each member; of events at the same time, the later one in the file.

    Raises
    ------
    InputError
        No member has two events.

    References
    ----------
    Kang, McAuley (2018), Self-attentive sequential recommendation, doi:10.1109/ICDM.2018.00035; the
    leak: Ji et al. (2023), A critical study on data leakage, doi:10.1145/3569930.
    """
    lengths = data.histories.lengths
    tested = np.flatnonzero(lengths >= 2)
    if len(tested) == 0:
        raise InputError(
            f"leave_last_out: none of {data.n_members} members has two events, expected at least one. "
            "Give a longer log."
        )
    last = data.histories.age() == 0
    train = data.keep(~(last & np.repeat(lengths >= 2, lengths)))
    test = Queries.build(data.histories, tested.astype(np.int32), lengths[tested] - 1, lengths[tested])
    plays = np.bincount(train.histories.title, minlength=data.n_titles)
    return LeaveLastOut(train, test, int((lengths < 2).sum()), int((plays[test.target] == 0).sum()))
