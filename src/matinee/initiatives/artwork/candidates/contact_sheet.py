"""The page for the human who approves: every frame, its crops as they would be shown, and how it was chosen.

One file without any request to elsewhere. Ticking images and giving a name yields the manifest with
`approved_by` filled, made in the browser.
"""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from matinee.initiatives.artwork.candidates.config import ExtractConfig
from matinee.initiatives.artwork.candidates.manifest import COLUMNS
from matinee.initiatives.artwork.candidates.produce import Produced

TEMPLATE = "contact_sheet.html.jinja"
MEASURES = ("sharpness", "exposure", "colourfulness", "composition", "stillness")


def page(
    title_id: str,
    video: str,
    config: ExtractConfig,
    made: Produced,
    table: list[dict[str, Any]],
    work: Path,
    took_s: float,
) -> str:
    """The page as text.

    Parameters
    ----------
    table : list of dict
        Rows of the manifest, in the order of the candidates and their images.
    work : Path
        Folder of the small copies of the images, which go into the page.
    """
    source = files("matinee.initiatives.artwork.candidates").joinpath(TEMPLATE).read_text(encoding="utf-8")
    kinds = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    kinds.filters |= {"clock": clock, "short": short_clock}
    ids = iter(row["artwork_id"] for row in table)
    shown = [
        {
            "at_us": one.source_frame_us,
            "shot": one.shot + 1,
            "score": one.score,
            "measures": [(name, one.measures[name]) for name in MEASURES],
            "n_faces": one.n_faces,
            "preview": _inline(work / one.preview),
            "images": [
                {"id": next(ids), "made": image, "data": _inline(work / image.preview)}
                for image in one.images
            ],
        }
        for one in made.candidates
    ]
    return kinds.from_string(source).render(
        title_id=title_id,
        video=video,
        config=config,
        made=made,
        took_s=took_s,
        times_real=made.duration_s / took_s,
        frames=shown,
        columns=COLUMNS,
        rows=_script_safe(table),
    )


def clock(at_us: int) -> str:
    """Time in a film, to the millisecond.

    Examples
    --------
    >>> clock(3_725_040_000)
    '1:02:05.040'
    """
    seconds, rest = divmod(at_us, 1_000_000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest // 1000:03d}"


def short_clock(seconds: float) -> str:
    """Length of a film.

    Examples
    --------
    >>> short_clock(2700.2), short_clock(5.3)
    ('45 min 0 s', '5.3 s')
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _inline(path: Path) -> str:
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _script_safe(table: list[dict[str, Any]]) -> str:
    """JSON that may stand inside a script element whatever the title is called."""
    text = msgspec.json.encode(table).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
