"""Candidates of artwork from a video file: images, a manifest without clearance, and a contact sheet.

The folder appears whole or not at all: everything is made in a hidden folder beside it, which is renamed at
the end. This process never decodes the video; `sandbox.py` says who does.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from matinee.errors import InputError, StorageError
from matinee.initiatives.artwork.candidates import contact_sheet, manifest
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.containers import container
from matinee.initiatives.artwork.candidates.faces import check_model
from matinee.initiatives.artwork.candidates.produce import Candidate, Produced, check_packages
from matinee.initiatives.artwork.candidates.sandbox import run_worker

MANIFEST, DETAILS, SHEET = "manifest.csv", "manifest.json", "contact-sheet.html"
NAME = re.compile(r"\d\d-[a-z0-9]+(\.preview)?\.(webp|avif)")
MAGIC = {".webp": (b"RIFF", b"WEBP"), ".avif": (b"ftyp", b"avif")}
"""Words in the first 16 bytes of what the worker wrote."""

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was written.

    Attributes
    ----------
    folder : Path
        Holds the images, manifest.csv, manifest.json and contact-sheet.html.
    times_real : float
        Seconds of video per second of work.
    """

    folder: Path
    title_id: str
    produced: Produced
    artwork_ids: tuple[str, ...]
    took_s: float
    times_real: float


def extract(
    video: Path,
    title_id: str,
    out: Path,
    config: ExtractConfig | None = None,
    *,
    limits: Limits | None = None,
    progress: Report = lambda _step, _share: None,
) -> Extraction:
    """Make candidates of artwork from a video.

    Parameters
    ----------
    title_id : str
        Whom the images are for.
    out : Path
        Folder to write; it must not exist.

    Raises
    ------
    NotFoundError
        There is no such video.
    InputError
        The video, face model or font cannot be used, the video is beyond the limits, or `out` exists. Nothing
        was written.
    MissingExtraError
        The extra `artwork` is not installed.
    StorageError
        The disk is full or the folder cannot be written.
    """
    began = time.monotonic()
    config, limits = config or ExtractConfig(), limits or Limits()
    check_packages()
    container(video)
    _check_given(title_id, config)
    _check_out(out)
    work = _work_folder(out)
    try:
        job = {"video": str(video.absolute()), "config": msgspec.to_builtins(_absolute(config))}
        answer = run_worker(job, work, what=str(video), limits=limits, progress=progress)
        made = _checked(answer, work, str(video))
        took_s = time.monotonic() - began
        table = _describe(video, title_id, config, made, work, took_s)
        _publish(work, out, made)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    ids = tuple(str(row["artwork_id"]) for row in table)
    return Extraction(out, title_id, made, ids, took_s, made.duration_s / took_s)


def _check_given(title_id: str, config: ExtractConfig) -> None:
    if not title_id or not title_id.isprintable() or len(title_id) > 200:
        raise InputError(f'artwork: title is "{title_id}", expected the id of a title (1 to 200 characters).')
    if config.face_model:
        check_model(Path(config.face_model))
    if config.font and not Path(config.font).is_file():
        raise InputError(
            f"{config.font}: there is no such file, expected a TrueType or OpenType font (--font)."
        )


def _check_out(out: Path) -> None:
    if out.exists() or out.is_symlink():
        raise InputError(
            f"{out}: exists already, expected a new folder. Nothing was written. Give another --out."
        )
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: the folder {out.absolute().parent} does not exist. Make it first.")


def _work_folder(out: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    except OSError as problem:
        raise StorageError(f"{out}: {problem.strerror}. Make its folder writable.") from problem


def _absolute(config: ExtractConfig) -> ExtractConfig:
    """The same with paths that do not depend on the folder the worker stands in."""
    return replace(
        config,
        font=str(Path(config.font).absolute()) if config.font else "",
        face_model=str(Path(config.face_model).absolute()) if config.face_model else "",
    )


def _checked(answer: dict[str, Any], work: Path, what: str) -> Produced:
    """The worker's answer, believed only as far as it can be checked: it has seen what strangers made.

    Raises
    ------
    InputError
        The answer has not its form, or names a file that is none of its images.
    """
    try:
        made = msgspec.convert(answer, Produced)
    except msgspec.ValidationError as problem:
        raise InputError(f"{what}: the process that decodes it gave a broken answer ({problem}).") from None
    named = [made_file for one in made.candidates for made_file in _files(one)]
    for name in named:
        path = work / name
        good = NAME.fullmatch(name) and not path.is_symlink() and path.is_file()
        if not good or not _is_image(path):
            raise InputError(f'{what}: the process that decodes it wrote "{name}", expected an image.')
    return made


def _files(candidate: Candidate) -> list[str]:
    return [candidate.preview, *(name for image in candidate.images for name in (image.file, image.preview))]


def _is_image(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(16)
    return all(word in head for word in MAGIC[path.suffix])


def _describe(
    video: Path, title_id: str, config: ExtractConfig, made: Produced, work: Path, took_s: float
) -> list[dict[str, Any]]:
    """Write the manifest and the contact sheet into the work folder; returns the rows of the manifest."""
    plain = msgspec.to_builtins(made)
    given = msgspec.to_builtins(config)
    table = manifest.rows(title_id, manifest.fingerprint(video), given, plain)
    about = {
        "title_id": title_id,
        "video": video.name,
        "took_s": round(took_s, 3),
        "asked": given,
        "made": plain,
    }
    manifest.write_csv(work / MANIFEST, table)
    manifest.write_json(work / DETAILS, table, about)
    page = contact_sheet.page(title_id, video.name, config, made, table, work, took_s)
    (work / SHEET).write_text(page, encoding="utf-8")
    return table


def _publish(work: Path, out: Path, made: Produced) -> None:
    """Leave only what belongs there, and give the folder its name."""
    wanted = {MANIFEST, DETAILS, SHEET} | {image.file for one in made.candidates for image in one.images}
    for path in work.iterdir():
        if path.name in wanted:
            path.chmod(0o644)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    work.chmod(0o755)
    _check_out(out)  # somebody may have made it meanwhile
    try:
        work.rename(out)
    except OSError as problem:
        raise StorageError(f"{out}: {problem.strerror}. Nothing was written.") from problem
