"""Say in which arm of an experiment members are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError

SHOWN = 20
"""Most members that are printed one by one."""


def assign(
    name: str,
    *,
    members: Path | None = None,
    member: Annotated[list[str] | None, Parameter(negative=())] = None,
    out: Path | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print or write the arm of each member, by the share that the experiment has now.

    Arms follow from ids alone, so this is what a server says too; only who is eligible is judged there. No
    arm: the member is not in the experiment; "holdout": in none, ever; "both": of an interleaving.

    Example: matinee experiment assign art-2 --member m1 --member m2 --home shop

    Example: matinee experiment assign art-2 --members members.csv --out arms.csv --home shop

    Parameters
    ----------
    name
        A started experiment.
    members
        File with a column member_id.
    member
        One member; give it several times.
    out
        File to write member_id, arm and kept_out to: .csv or .parquet.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    import numpy as np

    from matinee import settings
    from matinee.learn.reading import read_member_ids
    from matinee.observe.table_file import check_place, table_format, write_table
    from matinee.platform.lifecycle.assigning import assigned
    from matinee.platform.lifecycle.experimenting import check_unchanged
    from matinee.platform.lifecycle.project import open_registry
    from matinee.prove.experiment.config import ExperimentsConfig

    if (members is None) == (not member):
        raise InputError(
            "matinee experiment assign: expected members to ask about, from --members FILE or by --member "
            "ID, and not both."
        )
    if out is not None:
        table_format(out)
        check_place(out)
    where = find_home(home)
    ids = list(dict.fromkeys(member)) if member else read_member_ids(members or Path())
    with open_registry(where) as registry:
        row = registry.experiments.read(name)
    check_unchanged(where, row)
    config = settings.load(where.settings, "experiments", ExperimentsConfig)
    found = assigned(where, row, ids, holdout=config.holdout)
    if out is not None:
        columns = {"member_id": found.member_id, "arm": found.arm, "kept_out": found.kept_out}
        write_table(out, {key: np.asarray(values) for key, values in columns.items()})
    lines = list(zip(found.member_id, found.arm, found.kept_out.tolist(), strict=True))
    if json:
        each = [{"member_id": one, "arm": arm, "kept_out": kept} for one, arm, kept in lines]
        print_json({"counts": found.counts, **({"out": str(out)} if out else {"members": each})})
        return 0
    if out is None and len(lines) <= SHOWN:
        print_table([(one, arm or "-", "yes" if kept else "") for one, arm, kept in lines],
                    ["member", "arm", "kept out"], left=3)  # fmt: skip
        return 0
    print_table([(arm or "-", f"{n:,}") for arm, n in found.counts.items()], ["arm", "members"])
    say(f"Wrote {len(lines):,} members to {out}." if out else "Write them to a file with --out.")
    return 0
