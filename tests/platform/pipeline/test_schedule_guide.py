"""The examples of the guide are valid, and name steps that exist, in an order that holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from matinee.initiatives.homepage.training import TRAIN

GUIDE = Path(__file__).parents[3] / "docs" / "howto" / "schedule-a-pipeline.md"
TEXT = GUIDE.read_text(encoding="utf-8")
STEPS = [one.name for one in TRAIN.steps]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_python_examples_are_valid_and_name_every_step_in_order() -> None:
    examples = blocks("python")
    assert len(examples) == 2
    for example in examples:
        texts = [
            node.value
            for node in ast.walk(ast.parse(example))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert {*STEPS} <= {*texts}
        assert any("--run-id" in text for text in texts)


def test_the_yaml_example_names_every_step_with_what_it_needs() -> None:
    (example,) = blocks("yaml")
    assert "\t" not in example
    assert re.findall(r"value: (\w+)", example) == STEPS
    (needs,) = re.findall(r"dependencies: \[(.*)\]", example)
    assert {name.strip().replace("-", "_") for name in needs.split(",")} == {*TRAIN.inputs(TRAIN["trained"])}
    for flag in ("--step", "--run-id", "--home"):
        assert flag in example


def test_the_yaml_example_is_read_by_a_yaml_parser() -> None:
    yaml = pytest.importorskip("yaml", reason="no YAML parser is installed")
    (example,) = blocks("yaml")
    workflow = yaml.safe_load(example)
    assert workflow["spec"]["workflowSpec"]["entrypoint"] == "train"
    names = [one["name"] for one in workflow["spec"]["workflowSpec"]["templates"]]
    assert names == ["train", "step"]


def test_cron_lines_escape_their_percent_signs() -> None:
    (example,) = blocks("cron")
    assert not re.search(r"(?<!\\)%", example)
