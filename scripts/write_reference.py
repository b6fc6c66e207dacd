"""Write docs/reference/commands.md and settings.md from the commands and settings themselves.

Run it after a new command, option or setting: `make docs`. A test compares the pages with the real ones.
"""

from __future__ import annotations

import inspect
import typing
from pathlib import Path

import docstring_parser
from cyclopts import App

from matinee import settings
from matinee.cli.context import sections
from matinee.cli.init import defaults, template, toml
from matinee.cli.main import build, commands

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NO_VALUE = (None, inspect.Parameter.empty)


def commands_page() -> str:
    """All commands with their options, as Markdown."""
    parts = [
        "# Commands\n",
        "Written by `scripts/write_reference.py` from the commands; do not edit.\n",
        "Exit codes: 0 done; 1 failed, or a check said no; 2 bad input, and nothing was written. `--debug` "
        "(or MATINEE_DEBUG=1) prints the trace of an error. With `--json`, standard output is one JSON "
        "document and an error is an object with `error` and `exit_code` on standard error.\n",
    ]
    app = build()
    for name in commands():
        found = app[name]
        subs = {sub: found[sub] for sub in found if not sub.startswith("-")}
        for sub, target in subs.items() or {"": found}.items():
            parts.append(_command(f"matinee {name} {sub}".rstrip(), target))
    return "\n".join(parts)


def settings_page() -> str:
    """All settings, as Markdown."""
    parts = [
        "# Settings\n",
        "Written by `scripts/write_reference.py` from the settings; do not edit.\n",
        "Order of precedence: default, then `matinee.toml` of the home, then the environment "
        "(`MATINEE_SECTION__KEY`), then an option of a command. `matinee config show` prints each value and "
        "where it came from.\n",
    ]
    for section, config in sections().items():
        words = settings.describe(config)
        parts += [f"## [{section}]\n", "| key | default | meaning |", "|---|---|---|"]
        parts += [f"| `{key}` | `{toml(value)}` | {words[key]} |" for key, value in defaults(config).items()]
        parts.append("")
    parts += ["## The file that `matinee init` writes\n", "```toml", template().rstrip(), "```", ""]
    return "\n".join(parts)


def _command(name: str, app: App) -> str:
    words = inspect.getdoc(app.default_command) or ""
    meanings = {p.arg_name: p.description or "" for p in docstring_parser.parse(words).params}
    text = words.split("\nParameters\n")[0].rstrip()
    lines = [f"## {name}\n", _examples_as_code(text), "", "| option | default | meaning |", "|---|---|---|"]
    for argument in app.assemble_argument_collection():
        kind = argument.field_info.kind
        shown = argument.names[0]
        if kind is not inspect.Parameter.KEYWORD_ONLY:
            shown = shown.removeprefix("--").replace("-", "_").upper()
        default = argument.field_info.default
        value = "required" if argument.required else "" if default in NO_VALUE else f"`{_plain(default)}`"
        choices = typing.get_args(argument.hint) if typing.get_origin(argument.hint) is typing.Literal else ()
        help_text = meanings.get(argument.field_info.name, "").replace("|", "\\|").replace("\n", " ")
        if choices:
            help_text += " One of: " + ", ".join(f"`{choice}`" for choice in choices) + "."
        lines.append(f"| `{shown}` | {value} | {help_text} |")
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _examples_as_code(text: str) -> str:
    lines = text.split("\n")
    plain = [line for line in lines if not line.startswith("Example: ")]
    examples = [line.removeprefix("Example: ") for line in lines if line.startswith("Example: ")]
    while plain and not plain[-1].strip():
        plain.pop()
    kept = "\n".join(line for i, line in enumerate(plain) if line.strip() or plain[i - 1].strip())
    return kept + "\n\n```sh\n" + "\n".join(examples) + "\n```"


def main() -> None:
    """Write both pages."""
    (FOLDER / "commands.md").write_text(commands_page(), encoding="utf-8")
    (FOLDER / "settings.md").write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
