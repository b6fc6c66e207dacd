"""Which changes of the code run a step again, and which do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.platform.pipeline.modules import pipeline_of, states, write_and_import

from matinee.platform.pipeline.code import CodeReader
from matinee.platform.pipeline.plan import plan
from matinee.platform.pipeline.runner import run
from matinee.platform.pipeline.workspace import Workspace

HELPERS = """
WEIGHT = 2
LIMITS = {"low": 1, "high": 9}
def weigh(x: int) -> int:
    return inner(x) * WEIGHT
def inner(x: int) -> int:
    '''What it does.'''
    return x + 1
def unused(x: int) -> int:
    return x
class Model:
    def __init__(self, x: int) -> None:
        self.x = x
    def score(self) -> int:
        return self.x + 1
"""
STEPS = """
import helpers_of_a_test as helpers
from helpers_of_a_test import LIMITS, Model, weigh
def first(seed: int) -> int:
    return weigh(seed)
def second(seed: int) -> int:
    return Model(seed).score() if seed < LIMITS["high"] else 0
def third(second: int) -> int:
    return helpers.inner(second)
def fourth(seed: int) -> int:
    from helpers_of_a_test import inner
    return [inner(i) for i in range(seed)][-1]
"""
NAMES = ("first", "second", "third", "fourth")


def rerun(tmp_path: Path, old: str = "", new: str = "", *, in_steps: bool = False) -> set[str]:
    """Steps that run again after an edit."""
    workspace = Workspace(tmp_path / "work")
    again: dict[str, str] = {}
    for edited in (False, True):
        texts = [HELPERS, STEPS]
        if edited:
            assert old in texts[in_steps]
            texts[in_steps] = texts[in_steps].replace(old, new)
        write_and_import(tmp_path, "helpers_of_a_test", texts[0])
        module = write_and_import(tmp_path, "steps_of_a_test", texts[1])
        done = run(pipeline_of(module, *NAMES), {"seed": 3}, workspace=workspace, now=lambda: 0)
        again = states(done.record)
    return {name for name, state in again.items() if state == "ran"}


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("", "", set()),
        ("x + 1\ndef unused", "x + 5 - 4\ndef unused", {"first", "third", "fourth"}),
        ("WEIGHT = 2", "WEIGHT = 1 + 2", {"first"}),
        ('"high": 9', '"high": 8', {"second"}),
        ("self.x + 1", "self.x + 2", {"second", "third"}),
        ("self.x + 1", "1 + self.x", {"second"}),
        ("What it does.", "What it does, told better.", set()),
        ("def unused", "# a comment\n\n\ndef unused", set()),
        ("return x\n", "return x + 7\n", set()),
    ],
)
def test_an_edit_of_a_helper_runs_again_what_uses_it(
    tmp_path: Path, old: str, new: str, again: set[str]
) -> None:
    assert rerun(tmp_path, old, new) == again


def test_an_edit_of_a_step_runs_it_again_and_what_takes_another_result_from_it(tmp_path: Path) -> None:
    assert rerun(tmp_path, "else 0", "else 1", in_steps=True) == {"second"}
    other = tmp_path / "other"
    other.mkdir()
    assert rerun(other, ".score()", ".score() + 1", in_steps=True) == {"second", "third"}


def test_the_plan_names_the_code_that_changed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    write_and_import(tmp_path, "helpers_of_a_test", HELPERS)
    module = write_and_import(tmp_path, "steps_of_a_test", STEPS)
    run(pipeline_of(module, *NAMES), {"seed": 3}, workspace=workspace, now=lambda: 0)
    write_and_import(tmp_path, "helpers_of_a_test", HELPERS.replace("self.x + 1", "self.x + 2"))
    module = write_and_import(tmp_path, "steps_of_a_test", STEPS)
    planned = plan(pipeline_of(module, *NAMES), {"seed": 3}, workspace=workspace)
    assert [(one.name, one.cached, one.why) for one in planned.steps] == [
        ("first", True, ""),
        ("second", False, "code changed: helpers_of_a_test.Model.score"),
        ("third", False, "second runs"),
        ("fourth", True, ""),
    ]


@pytest.mark.slow
def test_the_fingerprint_is_the_same_in_another_process() -> None:
    code = (
        "from matinee.learn.reading import load_catalogue, interactions_from_home as i\n"
        "from matinee.learn.recommenders.two_stage import TwoStage\n"
        "from matinee.platform.pipeline.code import CodeReader\n"
        "r = CodeReader([i]); f = r.fingerprint(load_catalogue)\n"
        "print(f.digest, r.fingerprint(i).digest, r.fingerprint(TwoStage.fit).digest, len(f.parts))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1
    assert int(told.pop().split()[-1]) > 20


def test_methods_of_what_a_step_is_given_are_code_that_it_runs(tmp_path: Path) -> None:
    text = "from helpers_of_a_test import Model\ndef use(m: Model | None = None) -> int:\n    return 1\n"
    digests = []
    for body in (HELPERS, HELPERS.replace("self.x + 1", "self.x + 2")):
        write_and_import(tmp_path, "helpers_of_a_test", body)
        module = write_and_import(tmp_path, "steps_of_a_test", text)
        digests.append(CodeReader([module.use]).fingerprint(module.use).digest)
    assert digests[0] != digests[1]


def test_a_step_names_packages_by_their_version() -> None:
    def uses_numpy(seed: int) -> int:
        import numpy as np

        return int(np.int64(seed))

    parts = CodeReader([uses_numpy]).fingerprint(uses_numpy).parts
    assert parts["package numpy"].count(".") >= 1


def test_functions_made_by_one_function_are_told_apart(tmp_path: Path) -> None:
    text = (
        "def make(n: int):\n    def inner(x: int) -> int:\n        return x + n\n    return inner\n"
        "one, two = make(1), make(2)\n"
        "def use(seed: int) -> int:\n    return one(seed) + two(seed)\n"
    )
    digests = set()
    for body in (text, text.replace("make(2)", "make(3)"), text.replace("make(1)", "make(4)")):
        module = write_and_import(tmp_path, "steps_of_a_test", body)
        digests.add(CodeReader([module.use]).fingerprint(module.use).digest)
    assert len(digests) == 3


def test_notes_of_other_libraries_on_a_class_do_not_count() -> None:
    import copy

    before = CodeReader([uses_a_class]).fingerprint(uses_a_class).digest
    copy.deepcopy(Noted())  # writes __slotnames__
    assert "__slotnames__" in vars(Noted)
    assert CodeReader([uses_a_class]).fingerprint(uses_a_class).digest == before


class Noted:
    def __init__(self) -> None:
        self.value = 1


def uses_a_class(seed: int) -> int:
    return Noted().value + seed
