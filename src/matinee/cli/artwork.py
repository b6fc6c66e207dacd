"""Images for titles: make candidates from a video."""

from __future__ import annotations

from cyclopts import App, Parameter

from matinee.cli.main import subcommands

artwork = App(
    name="artwork",
    help="Images for titles: make candidates from a video.\n\n"
    "Example: matinee artwork extract pilot.mp4 --title t12 --out candidates",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)
for _name, _module in subcommands("artwork").items():
    _function = _module.removeprefix("artwork_")
    artwork.command(f"matinee.cli.{_module}:{_function}", name=_name)
