"""Show the settings: each value and where it came from."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App, Parameter

from matinee import settings
from matinee.cli.console import print_json, print_table
from matinee.cli.context import find_home, own_values, sections
from matinee.cli.init import toml
from matinee.errors import NotFoundError
from matinee.observe.home import Home
from matinee.settings import Setting

config = App(
    name="config",
    help="Look at the settings.\n\nExample: matinee config show --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)


@config.command
def show(*, home: Path | None = None, json: bool = False) -> int:
    """Print every setting, its value, and where the value came from.

    The order of precedence: default, then matinee.toml, then the environment (MATINEE_SECTION__KEY), then
    an option of a command. Without a home the file is left out.

    Example: matinee config show --home shop --json

    Parameters
    ----------
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    rows = everything(home)
    if json:
        print_json([{"section": s.section, "key": s.key, "value": s.value, "source": s.source} for s in rows])
    else:
        print_table(
            [(f"[{s.section}]", s.key, toml(s.value), s.source) for s in rows],
            ["section", "key", "value", "from"],
            left=4,
        )
    return 0


def everything(home: Path | None) -> list[Setting]:
    """All settings, in the order of the sections."""
    where: Home | None
    try:
        where = find_home(home)
    except NotFoundError:
        if home is not None:
            raise
        where = None
    path = where.settings if where else None
    values = own_values(where)
    settings.read_file(path)
    return [
        setting
        for section, config in sections(where).items()
        for setting in settings.explain(path, section, config, values=values.get(section))
    ]
