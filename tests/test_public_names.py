"""The few names at the top of the package, and the first thing a reader sees of each file."""

from __future__ import annotations

import ast
from pathlib import Path

import matinee
from matinee import errors

SOURCE = Path(__file__).parent.parent / "src" / "matinee"
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}


def test_names_at_the_top() -> None:
    assert sorted(matinee.__all__) == ["__version__"]


def test_one_tree_of_errors() -> None:
    drawn = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert sorted(drawn) == [
        "ConfigError",
        "InputError",
        "MatineeError",
        "MissingExtraError",
        "NotFittedError",
        "NotFoundError",
        "StorageError",
        "VerdictError",
    ]
    for name, error in drawn.items():
        assert issubclass(error, errors.MatineeError)
        assert name in (errors.__doc__ or "")


def test_every_file_says_in_its_first_line_what_it_is() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(SOURCE)} has no docstring"


def test_no_file_or_folder_is_a_drawer_for_everything() -> None:
    found = [path for path in SOURCE.rglob("*") if path.stem.strip("_") in FORBIDDEN_NAMES]
    assert not found
