"""Images for titles: a table with their facts, or a folder of images named or foldered by title."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from matinee.errors import InputError, unknown_name
from matinee.observe.catalogue.image_header import SUFFIXES
from matinee.observe.importers.artwork_rows import prepare
from matinee.observe.importers.fields import ARTWORK
from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table
from matinee.observe.lake.connection import quoted

MANIFESTS = ("manifest.csv", "manifest.parquet", "manifest.ndjson")
OTHER_NAMES = {"start": "from", "end": "until"}
"""Columns that may be named otherwise."""
LISTS = ("tags", "likeness", "territories")
BETWEEN = "--"
"""Stands between the title and the rest in the name of an image file that is in no folder of its title."""


def parts(path: Path, scratch: Path) -> list[Part]:
    """One table (CSV, Parquet or NDJSON), or a folder of images with or without a manifest."""
    if not path.is_dir():
        return [_part(Table.open(path), path.parent)]
    manifest = next((path / name for name in MANIFESTS if (path / name).is_file()), None)
    if manifest is not None:
        return [_part(Table.open(manifest), path)]
    return [_part(_listed(path, scratch), path)]


def _part(table: Table, root: Path) -> Part:
    """A table whose files are named from a folder."""
    known = {field.name for field in ARTWORK}
    values: dict[str, str] = {}
    for column, sql_type in table.columns.items():
        name = OTHER_NAMES.get(column, column)
        if name not in known:  # a clearance that is misspelt and passed over would be one that is missing
            where = f"{table.named}, line 1" if table.format == "csv" else table.named
            raise InputError(unknown_name(where, "column", column, known) + " Nothing was written.")
        if name in values:
            raise InputError(
                f'{table.named}: column "{name}" stands twice, also as "{column}". Leave one out. '
                "Nothing was written."
            )
        values[name] = quoted(column)
        if name in LISTS and sql_type == "VARCHAR" and table.format == "csv":
            values[name] = f"replace({quoted(column)}, ';', '|')"
    return Part("artwork", table, values, prepare=partial(prepare, root=root))


def _listed(folder: Path, scratch: Path) -> Table:
    """A table of the images of a folder: `TITLE/any.webp`, `TITLE.webp` or `TITLE--any.webp`.

    Raises
    ------
    InputError
        There is no image, or two would have the same id.
    """
    seen: dict[str, str] = {}
    target = scratch / "folder.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["artwork_id", "title_id", "file"])
        for path in _images(folder):
            inside = path.relative_to(folder)
            artwork_id = BETWEEN.join([*inside.parts[:-1], path.stem])
            title_id = inside.parts[0] if len(inside.parts) > 1 else path.stem.split(BETWEEN)[0]
            if artwork_id in seen:
                raise InputError(
                    f'{path}: its id would be "{artwork_id}", which is that of {seen[artwork_id]}. '
                    "Rename one. Nothing was written."
                )
            seen[artwork_id] = inside.as_posix()
            out.writerow([artwork_id, title_id, inside.as_posix()])
    if not seen:
        raise InputError(
            f"{folder}: no image in it, expected files named TITLE.webp or TITLE--NAME.webp, or in folders "
            f"named by title, or a {MANIFESTS[0]}. Known formats: {', '.join(SUFFIXES)}."
        )
    return Table.open(target, named=str(folder))


def _images(folder: Path) -> Iterator[Path]:
    known = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in known and path.is_file() and not path.name.startswith("."):
            yield path


IMPORTER = Importer(
    "artwork", "Images for titles, from a table or a folder; each is shown when it is cleared.", parts
)
