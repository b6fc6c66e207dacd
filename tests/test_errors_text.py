"""Messages say a value, not the name of a variable in braces; nothing is swallowed in silence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "matinee"
PLACEHOLDER = re.compile(r"\{[A-Za-z_][\w.\[\]()]*(?:![rsa])?(?::[^{}]*)?\}")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def raised(tree: ast.Module) -> Iterator[ast.Raise]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None)


def plain_texts(node: ast.AST) -> Iterator[ast.Constant]:
    """Literal texts, without the literal parts of f-strings."""
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from plain_texts(child)


def test_no_message_lacks_its_f() -> None:
    wrong = [
        f"{path}:{text.lineno} {text.value!r}"
        for path, tree in trees()
        for node in raised(tree)
        for text in plain_texts(node)
        if PLACEHOLDER.search(str(text.value))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_bare_not_implemented_error() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in raised(tree)
        if node.exc is not None and ast.unparse(node.exc).startswith("NotImplementedError")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_error_is_raised_without_a_text() -> None:
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in trees()
        for node in raised(tree)
        if isinstance(node.exc, ast.Call) and not node.exc.args and "Error" in ast.unparse(node.exc.func)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_exception_is_swallowed_whole() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(part, ast.Pass) for part in node.body)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_work_is_left_undone() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    wrong = [
        f"{path}:{number} {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert not wrong, "\n".join(wrong)
