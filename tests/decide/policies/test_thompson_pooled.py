from __future__ import annotations

from matinee.decide.beliefs.memory import MemoryConfig
from matinee.decide.beliefs.pooled import PooledBelief
from matinee.decide.policies.thompson import ThompsonPolicy
from matinee.decide.question import Space
from matinee.testing.learning_policies import LearningPolicyContract


class TestPooledThompson(LearningPolicyContract):
    tolerance = 1 / 32  # a draw of 64 that changes sides by rounding

    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(PooledBelief(Space(context=("tv",), features=("face", "bright"))))


class TestHierarchicalThompson(LearningPolicyContract):
    tolerance = 1 / 32

    def learning_policy(self) -> ThompsonPolicy:
        return ThompsonPolicy(PooledBelief(Space(), memory=MemoryConfig(window_days=3)))
