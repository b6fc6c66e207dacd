"""Fingerprint of the code that a step runs: its function and all that it uses of our own and its package.

Bytecode is compared, so comments and formatting do not matter, and what counts is what would run. Followed
are the functions, classes, constants and imports that a function names, in the package or folder of the step
and in `matinee`. Other packages count with their version. What is reached by other ways (names put together
at run time, files that are read) is not seen: raise the version of the step for these.
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from matinee.errors import MatineeError
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.platform.pipeline.annotations import placeless
from matinee.platform.pipeline.digest import digest

OWN = "matinee"
WORD = re.compile(r"[A-Za-z_]\w*")
SKIPPED = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__slots__", "__firstlineno__",
    "__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__", "__dataclass_params__",
    "__match_args__", "__classdictcell__", "__hash__", "_is_protocol", "__protocol_attrs__",
    "__non_callable_proto_members__", "__msgspec_cache__",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digest of a step's code.

    Attributes
    ----------
    digest : str
        64 hexadecimal digits.
    parts : dict of str to str
        Each function, class, constant and package that was followed, with 12 digits of its own content.
    """

    digest: str
    parts: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    """One followed thing: its own content, and the names of what it uses."""

    content: str = ""
    uses: dict[str, None] = field(default_factory=dict)


class CodeReader:
    """Follows code from steps; what several steps share is read once.

    Parameters
    ----------
    functions : iterable of function
        Their packages and folders are followed.
    """

    def __init__(self, functions: Iterable[types.FunctionType]) -> None:
        self.tops = {OWN}
        self.folders: set[Path] = set()
        for function in functions:
            self.tops.add(function.__module__.partition(".")[0])
            folder = Path(function.__code__.co_filename).parent
            if folder.name not in ("site-packages", "dist-packages"):
                self.folders.add(folder)
        self._nodes: dict[str, _Node] = {}
        self._ids: dict[str, object] = {}
        self._closures: dict[types.FunctionType, str] = {}

    def fingerprint(self, function: types.FunctionType) -> Fingerprint:
        """Digest of a function and all it uses."""
        start = self._function(function)
        found: dict[str, str] = {}
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = self._nodes[name].content
                waiting += self._nodes[name].uses
        parts = dict(sorted(found.items()))
        own = parts.pop(start)
        text = "\n".join([own, *(f"{name} {content}" for name, content in parts.items())])
        return Fingerprint(hashlib.sha256(text.encode()).hexdigest(), {start: own, **parts})

    def functions(self, function: types.FunctionType) -> Iterator[types.FunctionType]:
        """Every plain function that is reached, without the methods of classes."""
        for name in self.fingerprint(function).parts:
            found = self._ids.get(name)
            if isinstance(found, types.FunctionType) and found.__qualname__ == found.__name__:
                yield found

    def tables(self, function: types.FunctionType) -> set[str]:
        """Tables of the lake that a function names, in its own text or in a constant of its module."""
        found = {*_texts(function.__code__)}
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, tuple | list | set | frozenset):
                found |= {one for one in value if isinstance(one, str)}
        return found & {*EVENTS, *FACTS}

    def _node(self, name: str, thing: object) -> tuple[_Node, bool]:
        """Node of a name, and whether it is new."""
        if name in self._nodes:
            return self._nodes[name], False
        self._nodes[name] = _Node()
        self._ids[name] = thing
        return self._nodes[name], True

    def _function(self, function: types.FunctionType) -> str:
        name = placeless(f"{function.__module__}.{function.__qualname__}")
        held = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        if held and function not in self._closures:  # one text can make several functions: tell them apart
            self._closures[function] = name
            self._closures[function] = f"{name} {_short(self._token(held, _Node()))}"
        name = self._closures.get(function, name)
        node, new = self._node(name, function)
        if not new:
            return name
        code = function.__code__
        tokens = [_code_token(code, skip_doc=function.__doc__)]
        tokens += [
            self._token(one, node) for one in (function.__defaults__, function.__kwdefaults__, held) if one
        ]
        node.content = _short("\n".join(tokens))
        self._names({*_names(code), *_annotation_names(function)}, function.__globals__, node)
        self._imports(code, node)
        return name

    def _class(self, kind: type) -> str:
        name = placeless(f"{kind.__module__}.{kind.__qualname__}")
        node, new = self._node(name, kind)
        if not new:
            return name
        tokens = [self._token(base, node) for base in kind.__bases__]
        tokens += [f"{key}: {value}" for key, value in _annotations(kind).items()]
        around = vars(sys.modules.get(kind.__module__, types))
        self._names(set(_words(_annotations(kind))), around, node)
        for key, value in vars(kind).items():
            if key == "__dataclass_fields__":
                tokens += [self._token((f.name, f.default, f.default_factory), node) for f in value.values()]
            elif key not in SKIPPED and not _is_generated(value) and not _is_note(key, value):
                tokens.append(f"{key} = {self._token(value, node)}")
        node.content = _short("\n".join(tokens))
        return name

    def _names(self, names: set[str], around: Mapping[str, Any], node: _Node) -> None:
        for name in sorted(names):
            if name not in around or name.startswith("__"):
                continue
            value = around[name]
            if isinstance(value, types.ModuleType):
                self._module(value, names, node)
            elif isinstance(value, types.FunctionType | type):
                self._token(value, node)
            else:
                label = placeless(f"{around.get('__name__', '')}:{name}")
                constant, new = self._node(label, value)
                if new:
                    constant.content = _short(self._token(value, constant))
                node.uses[label] = None

    def _module(self, module: types.ModuleType, names: set[str], node: _Node) -> None:
        if self._follows(module.__name__, getattr(module, "__file__", None)):
            self._names(names & set(vars(module)), vars(module), node)
        else:
            self._package(module.__name__, node)

    def _imports(self, code: types.CodeType, node: _Node) -> None:
        """Follow imports inside a function; what is not installed counts by its name."""
        for imported, names in _imported(code):
            if not self._follows(imported, _file_of(imported)):
                self._package(imported, node)
                continue
            try:
                module = importlib.import_module(imported)
            except (ImportError, MatineeError):
                self._package(imported, node)
            else:
                self._module(module, names, node)

    def _package(self, module: str, node: _Node) -> None:
        top = module.partition(".")[0]
        if top not in sys.stdlib_module_names:
            label = f"package {top}"
            package, new = self._node(label, None)
            if new:
                package.content = _version(top)
            node.uses[label] = None

    def _follows(self, module: str, file: str | None) -> bool:
        if module.partition(".")[0] in self.tops:
            return True
        return file is not None and any(Path(file).is_relative_to(folder) for folder in self.folders)

    def _token(self, value: object, node: _Node, depth: int = 0) -> str:
        """What a value says, as text; functions and classes in it are followed."""
        if isinstance(value, types.FunctionType | type):
            file = sys.modules.get(value.__module__)
            if self._follows(value.__module__, getattr(file, "__file__", None)):
                found = self._class(value) if isinstance(value, type) else self._function(value)
                node.uses[found] = None
            else:
                self._package(value.__module__, node)
            return f"{value.__module__}.{value.__qualname__}"
        if value is None or isinstance(value, bool | int | float | complex | str | bytes | PurePath):
            return repr(value)
        if depth > 20:
            return type(value).__qualname__
        inner = functools.partial(self._token, node=node, depth=depth + 1)
        if isinstance(value, enum.Enum):
            return f"{inner(type(value))}.{value.name}"
        if isinstance(value, types.ModuleType):
            self._module(value, set(), node)
            return f"module {value.__name__}"
        if isinstance(value, Mapping):
            return str(sorted(f"{inner(key)}: {inner(one)}" for key, one in value.items()))
        if isinstance(value, set | frozenset):
            return str(sorted(map(inner, value)))
        if isinstance(value, tuple | list):
            return str([inner(one) for one in value])
        if isinstance(value, np.ndarray | np.generic):
            return digest(value)
        if isinstance(value, re.Pattern):
            return f"{value.pattern!r} {value.flags}"
        for wrapped in _wrapped(value):
            return f"{type(value).__qualname__} {inner(wrapped)}"
        return (
            f"{inner(type(value))} {inner(_state(value))}" if self._is_own(type(value)) else str(type(value))
        )

    def _is_own(self, kind: type) -> bool:
        return self._follows(kind.__module__, getattr(sys.modules.get(kind.__module__), "__file__", None))


def _code_token(code: types.CodeType, *, skip_doc: str | None = None) -> str:
    """Bytecode and constants, without file, line numbers and the docstring."""
    constants = [
        _code_token(one) if isinstance(one, types.CodeType) else _constant(one)
        for position, one in enumerate(code.co_consts)
        if not (position == 0 and skip_doc is not None and isinstance(one, str))
    ]
    return repr((
        code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_flags,
        code.co_argcount, code.co_kwonlyargcount, code.co_exceptiontable,
    ))  # fmt: skip


def _constant(value: object) -> str:
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(_constant, value))}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return repr(value)


def _names(code: types.CodeType) -> Iterator[str]:
    """Names that a function and the functions in it look up."""
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from _names(one)


def _texts(code: types.CodeType) -> Iterator[str]:
    """Texts that a function writes, also those in a tuple."""
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from _texts(one)
        else:
            yield from (text for text in (one if isinstance(one, tuple) else (one,)) if isinstance(text, str))


def _imported(code: types.CodeType) -> Iterator[tuple[str, set[str]]]:
    """Modules that a function imports when it runs, each with the names it may use of them."""
    names = set(_names(code))
    for one in dis.get_instructions(code):
        if one.opname == "IMPORT_NAME" and one.argval:
            yield str(one.argval), names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _imported(inner)


def _annotation_names(function: types.FunctionType) -> Iterator[str]:
    """Names in the annotations: methods of the values that a function gets are code that it runs."""
    yield from _words(_annotations(function))


def _annotations(thing: Any) -> dict[str, str]:
    try:
        found = inspect.get_annotations(thing)
    except NameError:
        return {}
    return {key: one if isinstance(one, str) else inspect.formatannotation(one) for key, one in found.items()}


def _words(annotations: Mapping[str, str]) -> Iterator[str]:
    for text in annotations.values():
        yield from WORD.findall(text)


def _wrapped(value: Any) -> Iterator[object]:
    """The function inside a decorator's object."""
    if isinstance(value, functools.partial):
        yield (value.func, value.args, value.keywords)
    elif isinstance(value, types.MethodType):
        yield (value.__func__, value.__self__)
    elif isinstance(value, property):
        yield (value.fget, value.fset)
    elif isinstance(value, functools.cached_property):
        yield value.func
    else:
        for name in ("__func__", "__wrapped__", "py_func"):  # static methods, caches, numba
            inner = inspect.getattr_static(value, name, None)
            if inner is not None:
                yield getattr(value, name)
                return


def _state(value: object) -> dict[str, object]:
    names = {name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())}
    held = {name: getattr(value, name) for name in names if hasattr(value, name) and name != "__weakref__"}
    return held | getattr(value, "__dict__", {})


def _is_generated(value: object) -> bool:
    """Methods that `dataclass` wrote, and the descriptors of slots."""
    if isinstance(value, types.FunctionType):
        return bool(inspect.unwrap(value).__code__.co_filename == "<string>")
    return isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)


def _is_note(key: str, value: object) -> bool:
    """What other libraries write on a class while the program runs, such as the `__slotnames__` of `copy`."""
    return key.startswith("__") and not callable(value)


def _file_of(module: str) -> str | None:
    """File of a module's top package, which is not imported for it."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    return None if spec is None else spec.origin


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _version(package: str) -> str:
    version = getattr(sys.modules.get(package), "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return "not installed" if package not in sys.modules else "no version"


def _short(text: str) -> str:
    return hashlib.sha256(placeless(text).encode("utf-8", "surrogatepass")).hexdigest()[:12]
