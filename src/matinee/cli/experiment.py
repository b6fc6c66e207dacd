"""Try versions against each other on members: write down, start, ramp, read, stop."""

from __future__ import annotations

import importlib

from cyclopts import App, Parameter

from matinee.cli.main import subcommands

experiment = App(
    name="experiment",
    help="Try versions against each other on members.\n\n"
    "Example: matinee experiment new art-2 --initiative homepage --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)
for _name, _module in subcommands("experiment").items():
    # Their files import what is heavy inside of their functions, so all of them are read in a moment.
    _function = getattr(
        importlib.import_module(f"matinee.cli.{_module}"), _module.removeprefix("experiment_")
    )
    experiment.command(_function, name=_name)
