"""Make artwork candidates from a video file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import note, print_json, print_table, progress, say
from matinee.cli.context import find_home
from matinee.errors import NotFoundError, unknown_name
from matinee.initiatives.artwork.candidates.config import SIZES, ExtractConfig, Limits

if TYPE_CHECKING:
    from matinee.initiatives.artwork.candidates.extract import Extraction
    from matinee.observe.home import Home


def extract(
    video: Path,
    *,
    title: str,
    out: Path | None = None,
    aspect: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    n: int = 12,
    title_text: str = "",
    language: str = "",
    font: Path | None = None,
    face_model: Path | None = None,
    format: Literal["webp", "avif"] = "webp",
    frames: Literal["auto", "all", "keyframes"] = "auto",
    time_limit: float = 1800.0,
    memory_mb: int = 4096,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Make images for a title from VIDEO: a folder with crops, a manifest and a contact sheet.

    Nothing is cleared by that, and nothing is registered. Look at contact-sheet.html, tick what may be shown,
    and import the list that it gives. Needs the extra `artwork`.

    Example: matinee artwork extract pilot.mp4 --title t12 --out candidates

    Example: matinee artwork extract pilot.mp4 --title t12 --aspect 2:3 --title-text Pilot --language en

    Parameters
    ----------
    video
        MP4, Matroska, WebM, AVI, MXF, MPEG-TS or MPEG-PS.
    title
        Id of the title that the images are for.
    out
        Folder to write; it must not exist. Default: artwork-TITLE in the current folder.
    aspect
        Aspect ratios: 2:3, 16:9, 1:1, 4:3. Default: all of them.
    n
        Frames to choose; each is cropped to every aspect ratio.
    title_text
        Words to draw on the images. Default: none.
    language
        Language of title_text, such as en or pt-BR.
    font
        TrueType or OpenType file for title_text; else Pillow's own, which has unaccented Latin letters.
    face_model
        ONNX model for OpenCV's FaceDetectorYN, which you supply. Faces are counted and kept inside crops;
        nobody is recognised.
    format
        webp or avif.
    frames
        What the first pass reads: all frames, keyframes only (fast), or auto: all up to three minutes.
    time_limit
        Seconds after which decoding is stopped.
    memory_mb
        Memory that decoding may take.
    home
        Service home; else MATINEE_HOME. If there is one, the title must be known in it.
    json
        Print machine-readable JSON.
    """
    from matinee.initiatives.artwork.candidates.extract import extract as make

    config = ExtractConfig(
        n=n, aspects=tuple(aspect or SIZES), format=format, title_text=title_text, language=language,
        font=str(font or ""), face_model=str(face_model or ""), passes=frames,
    )  # fmt: skip
    limits = Limits(wall_s=time_limit, cpu_s=max(1.0, 2 * time_limit), memory_mb=memory_mb)
    if home is not None or os.environ.get("MATINEE_HOME"):
        _check_title(find_home(home), title)
    folder = out or Path(f"artwork-{_file_name(title)}")
    with progress("Artwork", quiet=json) as report:
        done = make(video, title, folder, config, limits=limits, progress=report)
    if json:
        print_json(_as_json(done))
    else:
        _print(done, config)
    return 0


def _check_title(home: Home, title: str) -> None:
    from matinee.observe.lake.connection import connect
    from matinee.observe.lake.reader import open_facts

    with connect() as con:
        known: set[str] = set()
        if open_facts(con, home, "titles")["titles"]:
            found = con.execute("SELECT title_id FROM titles UNION SELECT series_id FROM titles").fetchall()
            known = {str(row[0]) for row in found if row[0] is not None}
    if title not in known:
        if not known:
            raise NotFoundError(
                f"{home.root}: has no titles, expected {title!r} among them. Import them first."
            )
        near = unknown_name(str(home.root), "title", title, known).split(" Known: ")[0]
        raise NotFoundError(f"{near} {len(known):,} titles are known there. Import it, or leave --home out.")


def _file_name(title: str) -> str:
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in title)
    return kept[:80] or "title"


def _as_json(done: Extraction) -> dict[str, object]:
    made = done.produced
    return {
        "folder": str(done.folder),
        "title_id": done.title_id,
        "artwork_ids": done.artwork_ids,
        "took_s": done.took_s,
        "times_real": done.times_real,
        "made": made,
    }


def _print(done: Extraction, config: ExtractConfig) -> None:
    made = done.produced
    rows = [
        (
            f"{i:02d}",
            f"{one.source_frame_us / 1e6:.2f} s",
            f"{one.score:.2f}",
            ", ".join(sorted({tag for image in one.images for tag in image.tags})),
        )
        for i, one in enumerate(made.candidates, 1)
    ]
    print_table(rows, ["image", "at", "score", "tags"])
    kind = "keyframes" if made.keyframes else "frames"
    say(
        f"{len(made.candidates)} of {config.n} frames from {made.n_shots:,} shots "
        f"({made.n_looked:,} {kind} read), {len(done.artwork_ids)} images, in {done.took_s:.1f} s: "
        f"{done.times_real:.1f} times real time."
    )
    if not made.text_checked:
        note("Text was not looked for: rapidocr-onnxruntime is not installed.")
    if made.fault_us is not None:
        note(
            f"The video is damaged, first at {made.fault_us / 1e6:.1f} s ({made.n_faults:,} complaints of "
            "ffmpeg): frames after such a place may be smeared. Fetch or export it again if they are."
        )
    if made.hdr:
        note("The video is HDR: its frames look flat. Give an SDR master for final artwork.")
    say(f"Nothing is cleared. Look at {done.folder / 'contact-sheet.html'} and approve there.")
