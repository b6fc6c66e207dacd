from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.batch import Batch
from matinee.decide.beliefs.beta import BetaBelief, BetaBeliefConfig
from matinee.decide.question import Question, Space, Stack
from matinee.errors import ConfigError, InputError

SPACE = Space(("a", "b"))


def test_by_hand():
    belief = BetaBelief(SPACE, BetaBeliefConfig(successes=1.0, failures=3.0))
    belief.learn(Batch(("a", "a", "a", "b"), np.array([1.0, 0.25, 0.0, 1.0]), np.full(4, 0.5)))
    assert (belief.a_.tolist(), belief.b_.tolist()) == ([2.25, 2.0], [4.75, 3.0])
    stack = Stack.of([Question(SPACE.actions)])
    assert belief.mean(stack) == pytest.approx([2.25 / 7, 0.4])
    assert belief.sd(stack)[1] == pytest.approx(np.sqrt(0.4 * 0.6 / 6))
    assert belief.n_counting == pytest.approx(4)


def test_what_it_is_not_made_for_is_refused():
    with pytest.raises(InputError, match=r"Batch, row 2: reward is 3.0, expected 0 to 1 for a Beta belief"):
        BetaBelief(SPACE).learn(Batch(("a", "b"), np.array([1.0, 3.0]), np.ones(2)))
    with pytest.raises(ConfigError, match=r"Take PooledBelief"):
        BetaBelief(Space(("a", "b"), features=("bright",)))
    with pytest.raises(ConfigError, match=r"BetaBelief: failures is 0, expected a number above 0"):
        BetaBeliefConfig(failures=0)
