"""Rows of images, checked together with their files and with what is known, and merged with it.

A file says nothing about what it leaves empty. Approving and withdrawing are acts of their own, and the same
file again undoes neither: see `artwork_clearance`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from matinee.errors import InputError, NotFoundError
from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.catalogue.artwork_files import ImageFile, keep, look_at
from matinee.observe.catalogue.artwork_store import Row, image_rows, stage_images, write_time
from matinee.observe.catalogue.artwork_tags import SINGLE, TAGS, VOCABULARY, unknown_tags
from matinee.observe.importers.artwork_clearance import (
    LIMITS,
    OPTION,
    RefusedError,
    approved_once,
    held,
    overridden,
    standing,
)
from matinee.observe.importers.part import Prepared, Preparing
from matinee.observe.importers.staging import NOTHING, SKIP_HINT, Staged, append_rejects
from matinee.observe.importers.table import Located
from matinee.observe.lake.connection import quoted
from matinee.observe.lake.facts import facts
from matinee.observe.lake.manifest import parquet
from matinee.types import format_at

ALWAYS_GIVEN = (
    "approved_by", "approved_us", "withdrawn_us", "withdrawn_by", "withdrawn_why", "file", "format",
    "width_px", "height_px", "aspect", "is_default",
)  # fmt: skip
"""Where a row leaves one of these empty, what is known stays; others are emptied if the file has the
column."""
LISTS = ("tags", "likeness", "territories")
WRITERS = 16
"""Files that are written at once: each waits for the disk twice, and those waits overlap."""


def prepare(given: Preparing, *, root: Path) -> Prepared:
    """Check every row, keep the files, and make the view `staged` of whole rows of the table `artwork`.

    Parameters
    ----------
    root : Path
        Folder that the column `file` is meant from; nothing outside of it is read.

    Raises
    ------
    InputError
        A row is bad and `on_error` is "fail": nothing was kept.
    StorageError
        The disk is full.
    """
    con, columns = given.con, given.staged.columns
    found = con.execute(f"SELECT row_no, {', '.join(map(quoted, columns))} FROM staged ORDER BY row_no")
    rows = [dict(zip(("row_no", *columns), row, strict=True)) for row in found.fetchall()]
    checks = _Checks(given, root, rows)
    good: list[Row] = []
    bad: dict[int, str] = {}
    for row in rows:
        try:
            good.append(checks.checked(row))
        except RefusedError as problem:
            bad[row["row_no"]] = str(problem)
            if given.strictness.on_error == "fail":
                raise InputError(f"{_where(given, row)}: {problem} {SKIP_HINT} {NOTHING}") from None
    if bad and given.strictness.rejects is not None:
        places = given.table.locate(bad)
        lines = [(places.get(n, Located(n + 1, "")), reason) for n, reason in bad.items()]
        append_rejects(given.strictness.rejects, given.table.named, lines)
    if not given.dry_run:
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda one: keep(given.home, *one), checks.files.values()))
    stage_images(con, given.write, good, "staged")
    staged = Staged(len(good), given.staged.n_rejected + len(bad), tuple(facts(TABLE)))
    return Prepared(staged, write_time(given.write.before.of(TABLE), given.now_us), checks.notes(good))


class _Checks:
    """Looks at one row after the other.

    Attributes
    ----------
    files : dict of str to (Path, ImageFile)
        Files of the rows that were good, by the name that they are kept under.
    """

    def __init__(self, given: Preparing, root: Path, rows: Sequence[Row]) -> None:
        self.given, self.root = given, root
        self.files: dict[str, tuple[Path, ImageFile]] = {}
        self.columns = set(given.staged.columns)
        self.present = image_rows(given.con, given.write)
        self.titles = _known_titles(given, {row["title_id"] for row in rows})
        self._row_of: dict[str, int] = {}
        self._width = self._embedding_width({row["artwork_id"] for row in rows})
        self._changed: set[str] = set()
        self._held: set[str] = set()
        self._once = approved_once(given)

    def checked(self, row: Row) -> Row:
        """The whole row as it will be.

        Raises
        ------
        RefusedError
            Something is wrong with it, or with its file.
        """
        artwork_id, old = row["artwork_id"], self.present.get(row["artwork_id"])
        self._check_ids(row, old)
        self._check_times(row)
        tags = self._tags(row)
        self._check_embedding(row)
        source = self._source(row, old)
        image = None if source is None else self._image(row, source)
        if source is not None and image is not None:
            self.files[image.name] = (source, image)
        self._row_of[artwork_id] = row["row_no"]
        if row.get("embedding"):
            self._width = len(row["embedding"])
        return self._merged(row, old, image, tags)

    def notes(self, good: Sequence[Row]) -> tuple[str, ...]:
        """What the person who imports should know."""
        out = []
        if self._changed:
            out.append(
                f"{len(self._changed)} images have other pixels than before: their approval no longer holds "
                f"({', '.join(sorted(self._changed)[:5])})."
            )
        if self._held:
            out.append(
                f"{len(self._held)} images keep narrower limits than the file says "
                f"({', '.join(sorted(self._held)[:5])}). {OPTION} takes those of the file."
            )
        named = {one: row["artwork_id"] for row in good for one in row["territories"]}
        known = _known_territories(self.given)
        unknown = sorted(set(named) - known)
        if known and unknown:
            near = difflib.get_close_matches(unknown[0].upper(), sorted(known), n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            out.append(
                f'territories holds "{unknown[0]}" (image {named[unknown[0]]}){others}, which no title and '
                f"no member of this home has: nobody sees the image there.{hint}"
            )
        waiting = [row for row in good if not row["approved_by"] or row["withdrawn_us"] is not None]
        if waiting:
            out.append(
                f"{len(waiting):,} of {len(good):,} images are not cleared and are not shown: approve them "
                "with matinee artwork approve."
            )
        return tuple(out)

    def _check_ids(self, row: Row, old: Row | None) -> None:
        artwork_id, title_id = row["artwork_id"], row["title_id"]
        if artwork_id in self._row_of:
            place = self.given.table.locate([self._row_of[artwork_id]])[self._row_of[artwork_id]]
            raise RefusedError(
                f'artwork_id is "{artwork_id}", expected an id that stands once in the file; line '
                f"{place.line} has it too."
            )
        if old is not None and old["title_id"] != title_id:
            raise RefusedError(
                f'title_id is "{title_id}", expected "{old["title_id"]}", for which the artwork_id '
                f'"{artwork_id}" stands already. Give the image another id.'
            )
        if title_id not in self.titles:
            raise RefusedError(
                f'title_id is "{title_id}", expected a title of this home. Import the titles first.'
            )

    def _check_times(self, row: Row) -> None:
        start_us, end_us, now_us = row.get("start_us"), row.get("end_us"), self.given.now_us
        if start_us is not None and end_us is not None and end_us <= start_us:
            raise RefusedError(
                f"until is {format_at(end_us)}, expected a time after {format_at(start_us)} (from): the "
                "window is empty."
            )
        for column, name in (("approved_us", "approved_at"), ("withdrawn_us", "withdrawn_at")):
            if (row.get(column) or now_us) > now_us:
                raise RefusedError(
                    f"{name} is {format_at(row[column])}, expected a time not after {format_at(now_us)}, "
                    "which is now by the clock of this home."
                )

    def _tags(self, row: Row) -> list[str]:
        tags = {tag.lower() for tag in row.get("tags") or ()}
        unknown = unknown_tags(sorted(tags))
        if unknown:
            kind, near = unknown[0].partition(":")[0], difflib.get_close_matches(unknown[0], VOCABULARY, n=1)
            if kind in TAGS:
                some = ", ".join(f"{kind}:{value}" for value in TAGS[kind])
                raise RefusedError(f'tags holds "{unknown[0]}", expected one of {some}.')
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise RefusedError(
                f'tags holds "{unknown[0]}", expected a tag of the vocabulary (matinee artwork tags).{hint}'
            )
        for kind in SINGLE:
            several = sorted(tag for tag in tags if tag.startswith(f"{kind}:"))
            if len(several) > 1:
                raise RefusedError(f"tags holds {' and '.join(several)}, expected one of them.")
        return sorted(tags, key=VOCABULARY.index)

    def _check_embedding(self, row: Row) -> None:
        given = row.get("embedding")
        if given and self._width and len(given) != self._width:
            raise RefusedError(
                f"embedding has {len(given)} numbers, expected {self._width} as the other images have. To "
                "change the embedding, give that of every image in one import."
            )

    def _embedding_width(self, renewed: set[str]) -> int:
        """Length of the embeddings that stay; 0 without one."""
        kept = (row for one, row in self.present.items() if one not in renewed and row["embedding"])
        return len(next(kept, {"embedding": ()})["embedding"])

    def _source(self, row: Row, old: Row | None) -> Path | None:
        """Path of the row's file; None where the file that is known stays."""
        name = row.get("file")
        if name is None:
            if old is None:
                raise RefusedError("file is empty, expected the path of the image: this artwork_id is new.")
            return None
        path = self.root / str(name)
        try:
            inside = path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):  # a loop of links, or no name that a file can have
            inside = False
        if not inside:
            raise RefusedError(f'file is "{name[:80]}", expected a path inside of {self.root.resolve()}.')
        return path

    def _image(self, row: Row, path: Path) -> ImageFile:
        """The file, looked at; what the row says of it has to be true."""
        try:
            image = look_at(path)
        except (InputError, NotFoundError) as problem:
            raise RefusedError(str(problem)) from None
        for column, expected in (("width_px", image.width_px), ("height_px", image.height_px)):
            if row.get(column) not in (None, expected):
                raise RefusedError(f"{column} is {row[column]}, expected {expected} as {path.name} has it.")
        said = (row.get("format") or image.format).lower()
        if said not in (image.format, {"jpeg": "jpg"}.get(image.format)):
            raise RefusedError(f'format is "{row["format"]}", expected {image.format} as {path.name} has it.')
        sides = f"{image.width_px} x {image.height_px} pixels"
        if row.get("aspect") is not None and not image.fits(row["aspect"]):
            raise RefusedError(
                f"aspect is {row['aspect']}, expected {image.aspect or 'another one'}: {path.name} has "
                f"{sides}."
            )
        if image.aspect is None:
            raise RefusedError(
                f"{path.name} has {sides}, expected one of the aspects 2:3, 16:9, 1:1, 4:3. Crop it."
            )
        return image

    def _merged(self, row: Row, old: Row | None, image: ImageFile | None, tags: list[str]) -> Row:
        """What is known, with what the file says about it."""
        out = dict.fromkeys(facts(TABLE)) | (old or {})
        approved = old is not None and old["approved_by"] and row.get("approved_by") is None
        stays = {*ALWAYS_GIVEN, *(LIMITS if approved else ())}
        for column in self.columns - {"tags"}:
            if row[column] is not None or column not in stays:
                out[column] = row[column]
        if "tags" in self.columns:
            out["tags"] = tags
        if image is not None:
            out |= {"file": image.name, "format": image.format, "aspect": image.aspect}
            out |= {"width_px": image.width_px, "height_px": image.height_px}
        out |= {column: out[column] or [] for column in LISTS} | {"is_default": bool(out["is_default"])}
        same = old is not None and old["file"] == out["file"]
        if row.get("approved_by") is None:
            if old is not None and old["approved_by"] and not same:
                self._changed.add(row["artwork_id"])
                out |= {"approved_by": None, "approved_us": None}
        elif row.get("approved_us") is None:
            kept = same and old is not None and old["approved_by"] == row["approved_by"]
            out["approved_us"] = old["approved_us"] if kept and old is not None else self.given.now_us
        return out if old is None else self._decided(row, old, out, same)

    def _decided(self, row: Row, old: Row, new: Row, same: bool) -> Row:
        """With the decisions that stand, unless the import goes before them."""
        if self.given.override_clearance:
            return overridden(row, old, new, now_us=self.given.now_us)
        once = row["artwork_id"] in self._once
        out = standing(old, new, same_pixels=same, once=once)
        if held(new, out):
            self._held.add(row["artwork_id"])
        return out


def _known_titles(given: Preparing, wanted: set[str]) -> set[str]:
    """Those of these titles that the home knows: by their facts, as a series of episodes, or by plays."""
    con, before = given.con, given.write.before
    queries = {"titles": ("title_id", "series_id"), "plays": ("title_id",)}
    known: set[str] = set()
    for table, columns in queries.items():
        files = before.of(table)
        missing = sorted(wanted - known)
        if not files or not missing:
            continue
        source = parquet(given.write.lake, files)
        for column in columns:
            try:
                found = con.execute(
                    f"SELECT DISTINCT {column} FROM {source} WHERE {column} IN (SELECT unnest(?::VARCHAR[]))",
                    [missing],
                )
            except duckdb.BinderException:  # no file has the column
                continue
            known |= {row[0] for row in found.fetchall()}
    return known


def _known_territories(given: Preparing) -> set[str]:
    """Those that windows of titles or members name; upper and lower case are not the same."""
    found: set[str] = set()
    for table in ("availability", "members"):
        files = given.write.before.of(table)
        if files:
            source = parquet(given.write.lake, files)
            rows = given.con.execute(f"SELECT DISTINCT territory FROM {source} WHERE territory IS NOT NULL")
            found |= {row[0] for row in rows.fetchall()}
    return found


def _where(given: Preparing, row: Row) -> str:
    """The row's place in the file, for a message."""
    table = given.table
    if Path(table.named).is_dir():  # there is no table: the row is a file
        return str(Path(table.named) / row["file"])
    line = table.locate([row["row_no"]]).get(row["row_no"], Located(row["row_no"] + 1, "")).line
    return f"{table.named}, {'row' if table.format == 'parquet' else 'line'} {line}"
