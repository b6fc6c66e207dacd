"""Imports follow the loop, initiatives leave each other alone, and one file reads the wall clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "matinee"
ORDER = [
    "errors",
    "types",
    "settings",
    "observe",
    "world",
    "learn",
    "decide",
    "prove",
    "platform",
    "initiatives",
    "serve",
    "console",
    "cli",
    "testing",
]
BENEATH = {"observe", "learn", "decide", "prove", "platform", "settings"}
"""What initiatives stand on. A template is text of an initiative yet to be named, and has no name in it."""
NOUNS = {"artwork"}
"""Initiatives named after a thing of the domain, which everybody may name: an image is a fact of a title."""
CLOCK_FILES = {"observe/clock.py"}
CLOCK_CALLS = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.date.today",
}
OPTIONAL = {"torch", "implicit", "lightgbm", "plotly", "pyspark", "redis", "psycopg", "optuna", "PIL", "cv2"}
"""Packages that are imported where they are used, so that a command that does not need them starts fast."""


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}: write the full name"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def part_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_every_folder_has_its_place_in_the_order() -> None:
    for path, _ in trees():
        assert part_of(path) in [*ORDER, "__init__", "__main__"], f"{path}: give it a place in ORDER"


def test_no_file_imports_from_a_later_folder() -> None:
    wrong = []
    for path, tree in trees():
        own = part_of(path)
        if own in ("__init__", "__main__"):
            continue
        for name, line in imported(tree):
            if not name.startswith("matinee."):
                continue
            other = name.split(".")[1]
            if other in ORDER and ORDER.index(other) > ORDER.index(own):
                wrong.append(f"{path}:{line} ({own}) imports {name} ({other})")
    assert not wrong, "\n".join(wrong)


def test_initiatives_never_use_each_other() -> None:
    wrong = []
    for path, tree in trees():
        if part_of(path) != "initiatives" or len(path.parts) < 3:
            continue
        for name, line in imported(tree):
            if name.startswith("matinee.initiatives.") and name.split(".")[2] != path.parts[1]:
                wrong.append(f"{path}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_what_initiatives_stand_on_names_none_of_them() -> None:
    names = {one.name for one in entry_points(group="matinee.initiatives")} - NOUNS
    assert names, "no initiative is installed: install the package again"
    word = re.compile(rf"(?<![a-z])({'|'.join(sorted(names))})(?![a-z])", re.IGNORECASE)
    wrong = []
    for path, tree in trees():
        if part_of(path) not in BENEATH:
            continue
        texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            said = ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
                said = node.value
            elif isinstance(node, ast.Name | ast.Attribute | ast.alias | ast.FunctionDef | ast.ClassDef):
                said = getattr(node, "id", "") or getattr(node, "attr", "") or getattr(node, "name", "")
            if found := word.search(said):
                wrong.append(f"{path}:{getattr(node, 'lineno', 0)} names {found[0]}")
    assert not wrong, "\n".join(wrong) + "\nTake it from the initiative's declaration."


def test_only_the_clock_reads_the_wall_clock() -> None:
    wrong = []
    for path, tree in trees():
        if path.as_posix() in CLOCK_FILES:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCK_CALLS:
                wrong.append(f"{path}:{node.lineno} calls {ast.unparse(node.func)}")
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                names = {alias.name for alias in node.names} & {"time", "time_ns"}
                wrong += [f"{path}:{node.lineno} imports {name} from time" for name in names]
    assert not wrong, "\n".join(wrong) + "\nUse matinee.observe.clock."


def test_optional_and_heavy_packages_are_imported_where_they_are_used() -> None:
    wrong = []
    for path, tree in trees():
        for node in tree.body:  # the top level only
            names = [name.split(".")[0] for name, _ in imported(node)] if _is_import(node) else []
            wrong += [f"{path}:{node.lineno} imports {name}" for name in names if name in OPTIONAL]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_stored_as_a_pickle() -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in trees()
        for name, line in imported(tree)
        if name.split(".")[0] in ("pickle", "joblib", "dill", "cloudpickle", "shelve")
    ]
    assert not wrong, "\n".join(wrong)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)
