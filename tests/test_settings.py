from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from matinee import settings
from matinee.cli.context import sections
from matinee.errors import ConfigError


@pytest.fixture(autouse=True)
def only_toy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "every_section" not in request.node.name:
        monkeypatch.setattr(settings, "SECTIONS", {"toy": "nowhere:ToyConfig"})


@dataclass(frozen=True)
class ToyConfig:
    """Settings of a toy.

    Attributes
    ----------
    epochs : int, above 0
        How often the log is read.
    learning_rate : float, above 0
        Size of one step.
    now : "wall" or "last_event"
    names : list of str
    """

    epochs: int = 3
    learning_rate: float = 0.1
    now: Literal["wall", "last_event"] = "wall"
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ConfigError(f"Toy: epochs is {self.epochs}, expected a number above 0.")


def file(folder: Path, text: str) -> Path:
    path = folder / "matinee.toml"
    path.write_text(text)
    return path


def test_default_without_a_file() -> None:
    assert settings.load(None, "toy", ToyConfig, environ={}) == ToyConfig()
    assert settings.load(Path("missing.toml"), "toy", ToyConfig, environ={}) == ToyConfig()


def test_precedence_default_file_environment_option(tmp_path: Path) -> None:
    path = file(tmp_path, "[toy]\nepochs = 4\nlearning_rate = 1\n")
    environ = {"MATINEE_TOY__LEARNING_RATE": "2.5", "MATINEE_TOY__NOW": "last_event", "MATINEE_HOME": "x"}
    found = settings.explain(path, "toy", ToyConfig, environ=environ, options={"now": "wall", "names": None})
    assert [(s.key, s.value, s.source) for s in found] == [
        ("epochs", 4, str(path)),
        ("learning_rate", 2.5, "MATINEE_TOY__LEARNING_RATE"),
        ("now", "wall", "option"),
        ("names", (), "default"),
    ]


def test_a_list_from_the_environment() -> None:
    config = settings.load(None, "toy", ToyConfig, environ={"MATINEE_TOY__NAMES": '["a", "b"]'})
    assert config.names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[toy]\nepoch = 3\n", 'unknown key "epoch". Did you mean "epochs"?'),
        ("[toi]\nepochs = 3\n", 'unknown section "toi". Did you mean "toy"?'),
        ("[toy]\nepochs = 'x'\n", "[toy] epochs is 'x', expected a whole number."),
        ("[toy]\nepochs = true\n", "[toy] epochs is True, expected a whole number."),
        ("[toy]\nnow = 'later'\n", "[toy] now is 'later', expected one of 'wall', 'last_event'."),
        ("epochs = 3\n", "epochs = 3 stands outside a section"),
        ("[toy\n", "not valid TOML"),
        ("[toy]\nepochs = 0\n", "Toy: epochs is 0, expected a number above 0."),
    ],
)
def test_refused_with_file_key_value_and_expectation(tmp_path: Path, text: str, words: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        settings.load(path, "toy", ToyConfig, environ={})
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_wrong_type_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"MATINEE_TOY__EPOCHS: \[toy\] epochs is 'many', expected a whole"):
        settings.load(None, "toy", ToyConfig, environ={"MATINEE_TOY__EPOCHS": "many"})


def test_descriptions_come_from_the_docstring() -> None:
    words = settings.describe(ToyConfig)
    assert words["epochs"] == "int, above 0. How often the log is read."
    assert words["now"] == '"wall" or "last_event".'


def test_every_section_has_a_default_and_a_description_for_each_key() -> None:
    for section, config in sections().items():
        described = settings.describe(config)
        for setting in settings.explain(None, section, config, environ={}):
            assert described.get(setting.key), f"[{section}] {setting.key} has no description"
