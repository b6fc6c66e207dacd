"""Every public model, recommender and policy runs through the contract suite of its kind."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import matinee.decide.policies
import matinee.decide.wrappers
import matinee.learn.models
import matinee.learn.recommenders
from matinee.decide.learning import LearningPolicy
from matinee.decide.policy import Policy
from matinee.learn.models.base import Scorer
from matinee.testing.learning_policies import LearningPolicyContract
from matinee.testing.policies import PolicyContract
from matinee.testing.scorers import ScorerContract

TESTS = Path(__file__).parent
PACKAGES = {
    Scorer: (matinee.learn.models, matinee.learn.recommenders),
    Policy: (matinee.decide.policies,),
    LearningPolicy: (matinee.decide.policies, matinee.decide.wrappers),
}
SUITES: dict[type, type] = {
    Scorer: ScorerContract,
    Policy: PolicyContract,
    LearningPolicy: LearningPolicyContract,
}
FACTORY = {Scorer: "scorer", Policy: "policy", LearningPolicy: "learning_policy"}
"""Method of the suite whose return annotation names the component that is tested."""
EXCLUDED: dict[str, str] = {
    "Scorer": "the contract itself",
    "TwoStage": "abstract: what NextTitle and Window share; both are covered",
    "SasRecScorer": "torch trains for seconds: tests/learn/models/test_sasrec.py checks its promises",
    "BeliefPolicy": "abstract: what all policies around a belief share",
    "Wrapper": "abstract: passes everything on",
    "Narrowing": "abstract: what wrappers share that forbid actions",
}
FEWEST = {Scorer: 8, Policy: 5, LearningPolicy: 9}
"""Components covered or excluded when this was last counted; it may grow, not fall."""


def components(kind: type) -> set[str]:
    """Public classes of a kind, found in the files of their packages."""
    found: set[str] = set()
    for package in PACKAGES[kind]:
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            found |= {
                name
                for name, value in vars(module).items()
                if isinstance(value, type)
                and issubclass(value, kind)
                and value.__module__ == module.__name__
                and not name.startswith("_")
            }
    return found


def covered(kind: type) -> set[str]:
    """Names that the contract subclasses in tests/ give as what their factory returns."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and SUITES[kind].__name__ in map(ast.unparse, node.bases):
                assert node.name.startswith("Test"), f"{path.name}: {node.name} is not collected by pytest"
                found |= {
                    ast.unparse(part.returns)
                    for part in node.body
                    if isinstance(part, ast.FunctionDef)
                    and part.name == FACTORY[kind]
                    and part.returns is not None
                }
    return found


@pytest.mark.parametrize("kind", SUITES)
def test_every_component_is_covered_or_excluded_with_a_reason(kind: type) -> None:
    missing = components(kind) - covered(kind) - set(EXCLUDED)
    assert not missing, f"{missing}: subclass {SUITES[kind].__name__} in a test, or say in EXCLUDED why not"


@pytest.mark.parametrize("kind", SUITES)
def test_no_fewer_components_than_before(kind: type) -> None:
    assert len(components(kind) & covered(kind)) >= FEWEST[kind]


def test_nothing_is_both_covered_and_excluded_and_each_exclusion_has_a_reason() -> None:
    for kind in SUITES:
        assert not covered(kind) & set(EXCLUDED)
    known = {"Scorer", *(name for kind in SUITES for name in components(kind))}
    assert set(EXCLUDED) <= known, "an exclusion of something that is no more"
    assert all(len(reason) > 10 for reason in EXCLUDED.values())


def test_suites_are_what_the_audit_reads() -> None:
    for kind, suite in SUITES.items():
        assert FACTORY[kind] in vars(suite)
        assert sum(name.startswith("test_") for name in vars(suite)) >= 7
