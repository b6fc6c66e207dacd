from __future__ import annotations

from matinee.decide.policies.uniform import UniformPolicy
from matinee.testing.policies import PolicyContract


class TestUniformPolicy(PolicyContract):
    def policy(self) -> UniformPolicy:
        return UniformPolicy()
