"""The command line: finds the commands in this folder, one per file, and runs the one that was asked for.

A command is a file whose name is the command's (`import_.py` for words that Python reserves) and which holds
a function, or a cyclopts `App` with sub-commands, of the same name. The first line of the file's docstring
stands in `matinee --help`. The sub-commands of `x.py` may stand in files `x_*.py` beside it. Nothing but the
chosen file is imported, so starting up stays fast.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError, UnusedCliTokensError

from matinee import __version__
from matinee.cli.console import EXIT_BAD_INPUT, guarded, report_error
from matinee.errors import InputError, unknown_name

FRAME = {"main", "console", "context", "demo_server", "download"}
"""Files here that are not commands."""
EPILOGUE = (
    "Exit codes: 0 done, 1 failed or a check said no, 2 bad input (nothing was written). "
    "Every command takes --json, and --debug for the trace of an error."
)


def commands() -> dict[str, str]:
    """Name of each command and the file's module, in alphabetical order.

    Examples
    --------
    >>> commands()["import"]
    'import_'
    """
    modules = _modules()
    return {
        _name(module): module
        for module in modules
        if module not in FRAME and not any(module.startswith(f"{group}_") for group in modules)
    }


def subcommands(group: str) -> dict[str, str]:
    """Name of each sub-command of a group that has a file of its own, and the file's module.

    Examples
    --------
    >>> subcommands("experiment")["list"]
    'experiment_list_'
    """
    start = f"{group}_"
    return {_name(module.removeprefix(start)): module for module in _modules() if module.startswith(start)}


def _modules() -> list[str]:
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [module for module in found if not module.startswith("_")]


def _name(module: str) -> str:
    return module.rstrip("_").replace("_", "-")


def headline(module: str) -> str:
    """First line of a command file's docstring, read without importing the file."""
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").split("\n", 1)[0]


def build(chosen: str | None = None) -> App:
    """The application. The help of the `chosen` command is the whole docstring of its function."""
    app = App(
        name="matinee",
        help="The machine-learning platform of a streaming service.",
        help_epilogue=EPILOGUE,
        version=__version__,
        # A command has no --version but its own: `rollback X --version V` must not print ours and end well.
        version_flags=() if chosen in commands() else ("--version",),
        default_parameter=Parameter(negative=()),
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
        print_error=False,
        exit_on_error=False,
        result_action="return_value",
    )
    for name, module in commands().items():
        line = None if name == chosen else headline(module)
        app.command(f"matinee.cli.{module}:{module}", name=name, help=line)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    tokens = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in tokens or os.environ.get("MATINEE_DEBUG", "") not in ("", "0")
    tokens = [token for token in tokens if token != "--debug"]
    json = "--json" in tokens
    chosen = tokens[0] if tokens else None
    if chosen is not None and not chosen.startswith("-") and chosen not in commands():
        report_error(unknown_name("matinee", "command", chosen, commands()), EXIT_BAD_INPUT, json=json)
        return EXIT_BAD_INPUT
    return guarded(lambda: _run(tokens, chosen), json=json, debug=debug)


def _run(tokens: list[str], chosen: str | None) -> object:
    app = build(chosen)
    try:
        run, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as problem:
        problem.verbose = False
        where = " ".join(["matinee", *(problem.command_chain or ())])
        raise InputError(f"{where}: {_words(problem)} See {where} --help.") from None
    return run(*bound.args, **bound.kwargs)


def _words(problem: CycloptsError) -> str:
    if isinstance(problem, UnusedCliTokensError):
        extra = " ".join(problem.unused_tokens or [])
        return f'too many arguments: "{extra}" was not expected.'
    return " ".join(str(problem).split())


if __name__ == "__main__":
    sys.exit(main())
