"""Images for titles: find candidates, clear them, take them back, and see who was shown which."""

from __future__ import annotations

from cyclopts import App, Parameter

from matinee.cli.main import subcommands
from matinee.errors import InputError
from matinee.observe.home import Home

artwork = App(
    name="artwork",
    help="Images for titles: find candidates, clear them, take them back, and see who was shown which.\n\n"
    "They come in with matinee import artwork PATH.\n\n"
    "Example: matinee artwork list --title t12 --uncleared --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)
for _name, _module in subcommands("artwork").items():
    _function = _module.removeprefix("artwork_")
    artwork.command(f"matinee.cli.{_module}:{_function}", name=_name)


def act_us(home: Home, at: str | None) -> int:
    """When an act takes place: `--at`, else now as the servers of the home read it, if one ever ran."""
    from matinee.observe.home_clock import home_clock
    from matinee.serve.moment import FILE, FOLDER, Moment

    if at is None and (home.work / FOLDER / FILE).exists():
        return Moment.open(home).now_us
    return home_clock(home, at).now_us


def some_ids(act: str, ids: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of a command line.

    Raises
    ------
    InputError
        There is none.
    """
    if not ids:
        raise InputError(
            f"matinee artwork {act}: no id is given, expected those of images: matinee artwork list."
        )
    return ids
