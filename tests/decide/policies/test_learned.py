from __future__ import annotations

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.beliefs.beta import BetaBelief
from matinee.decide.beliefs.pooled import PooledBelief
from matinee.decide.policies.epsilon_greedy import EpsilonGreedyConfig, EpsilonGreedyPolicy
from matinee.decide.policies.learned import LearnedPolicy
from matinee.decide.policies.softmax import SoftmaxConfig, SoftmaxPolicy
from matinee.decide.policies.uniform import UniformPolicy
from matinee.decide.question import Question, Space
from matinee.testing.bandits import Bandit
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene"), context=("tv",))


class TestEpsilonGreedyOverArms(LearningPolicyContract):
    def learning_policy(self) -> LearnedPolicy:
        return LearnedPolicy(ArmsBelief(SPACE), EpsilonGreedyPolicy(EpsilonGreedyConfig(0.1)))


class TestSoftmaxOverPooled(LearningPolicyContract):
    finds = 0.5

    def learning_policy(self) -> LearnedPolicy:
        belief = PooledBelief(Space(features=("bright",)))
        return LearnedPolicy(belief, SoftmaxPolicy(SoftmaxConfig(temperature=0.1)))


class TestUniformOverBeta(LearningPolicyContract):
    finds = 0.3  # it learns, and does not act on it

    def learning_policy(self) -> LearnedPolicy:
        return LearnedPolicy(BetaBelief(SPACE), UniformPolicy())


def test_what_a_uniform_policy_logged_serves_a_greedy_one():
    bandit = Bandit(SPACE)
    policy = LearnedPolicy(ArmsBelief(SPACE), EpsilonGreedyPolicy(EpsilonGreedyConfig(0.03)))
    policy.refit(bandit.batch(300))
    assert policy.probabilities(bandit.question(5)).round(6).tolist() == [0.01, 0.01, 0.98]
    assert policy.probabilities(Question(SPACE.actions, bandit.question(5).context)).argmax() == 2
