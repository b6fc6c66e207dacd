"""Remove a person from what pipelines stored, from records of runs and from the registry."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Table, Text, or_, select, type_coerce, update

from matinee.errors import NotFoundError, StorageError
from matinee.observe.erasure.files import replace_file
from matinee.observe.erasure.words import Person
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated, Evaluation
from matinee.platform.pipeline.codecs.saved import SavedCodec
from matinee.platform.pipeline.prune import prune
from matinee.platform.pipeline.scratch import in_use, scratch
from matinee.platform.pipeline.workspace import Workspace
from matinee.platform.registry import schema
from matinee.platform.registry.models import EvaluationRow
from matinee.platform.registry.registry import Registry

RECORDS = ("runs", "cache", "watch")
"""Folders of `Home.work` with text in which an error may have named a member."""
TEXTS: tuple[tuple[Table, str], ...] = (
    (schema.run, "error"),
    (schema.run, "config"),
    (schema.step, "error"),
    (schema.alert, "text"),
    (schema.evaluation, "figures"),
    (schema.experiment, "result"),
)
"""Columns of the registry that hold words of programs."""
NO_LIMIT = 1_000_000


def erase_results(home: Home, registry: Registry, person: Person, *, dry_run: bool) -> dict[str, int]:
    """Remove results of pipelines, and the units of a person from evaluations; their figures stay.

    Every result that is no evaluation is removed: it was computed from tables that have changed, so no run
    would find it again.

    Raises
    ------
    StorageError
        A run is going on, which may hold what it read; nothing was removed.
    """
    space = Workspace(home.work)
    if not dry_run and in_use(space.scratch):
        raise StorageError(
            f"{space.root}: a run is going on, which has read what is to be erased. Wait until it is done "
            "and erase again: what was done stays done."
        )
    kept, changed = set(), 0
    for row in _evaluations(registry):
        folder = home.root / row.folder
        try:
            judged = Evaluated.load(folder)
        except (NotFoundError, StorageError):
            continue  # its files are gone, or damaged: removed with the other results
        clean = _without(judged, person)
        if clean is None:
            kept.add(folder.parent.name)
            continue
        changed += 1
        if dry_run:
            kept.add(folder.parent.name)
            continue
        with scratch(space.scratch) as place:
            name = space.store.put(clean, SavedCodec(Evaluated), place)
        registry.models.moved(row.id, space.store.folder(name).relative_to(home.root).as_posix())
        kept.add(name)
    done = prune(space, kept, dry_run=dry_run)
    return {"results": len(done.removed) - (0 if dry_run else changed), "evaluations": changed}


def erase_records(home: Home, registry: Registry, person: Person, *, dry_run: bool) -> dict[str, int]:
    """Cover the id in records of runs and in the registry; returns how many of each named it."""
    out = {"records": 0, "registry": 0}
    if not person.words:
        return out
    for path in (one for name in RECORDS for one in sorted((home.work / name).rglob("*.json"))):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if person.in_text(text):
            out["records"] += 1
            if not dry_run:
                covered = person.covered(text).encode("utf-8", "surrogateescape")
                replace_file(path, lambda fresh, data=covered: fresh.write_bytes(data))  # type: ignore[misc]
    for table, column in TEXTS:
        out["registry"] += _cover_column(registry, table, column, person, dry_run=dry_run)
    return out


def _evaluations(registry: Registry) -> list[EvaluationRow]:
    names = [one.name for one in registry.initiatives.all()]
    rows = [row for name in names for row in registry.models.evaluations(name, limit=NO_LIMIT)]
    return [row for row in rows if row.folder]


def _without(judged: Evaluated, person: Person) -> Evaluated | None:
    """The evaluation without a person, or None if they are not in it."""
    theirs = np.isin(judged.unit_ids, person.ids) if len(judged.unit_ids) else np.zeros(0, np.bool_)
    text = msgspec.json.encode(judged.report).decode()
    if not theirs.any() and not person.in_text(text):
        return None
    report = msgspec.json.decode(person.covered(text), type=Evaluation)
    return Evaluated(report, judged.unit_ids[~theirs], judged.values[~theirs])


def _cover_column(registry: Registry, table: Table, name: str, person: Person, *, dry_run: bool) -> int:
    column: Any = type_coerce(table.c[name], Text)
    named = or_(*(column.contains(one, autoescape=True) for one in person.words))
    with registry.database.transaction() as con:
        if con.dialect.name == "sqlite":
            con.exec_driver_sql("PRAGMA secure_delete = ON")
        found = [row[0] for row in con.execute(select(column).where(named).distinct())]
        texts = [text for text in found if person.in_text(text)]
        n = 0
        for text in texts:
            same = column == text
            n += len(con.execute(select(column).where(same)).all())
            if not dry_run:
                con.execute(update(table).where(same).values({name: type_coerce(person.covered(text), Text)}))
    return n
