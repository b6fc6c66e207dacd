"""What was made, as a table that `matinee import artwork` reads: CSV, and JSON with the measures."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import msgspec

COLUMNS = (
    "artwork_id", "title_id", "file", "format", "width_px", "height_px", "aspect", "language", "tags",
    "source_frame_us", "is_default", "approved_by", "approved_at", "likeness", "territories", "from", "until",
)  # fmt: skip
"""Columns of manifest.csv. Those from is_default on are left empty: nothing is cleared, and what a person
said before about an image stays when the file is imported."""
HEAD = 1 << 20


def fingerprint(video: Path) -> str:
    """Eight characters that tell a video from another: of its size and its first megabyte."""
    with video.open("rb") as stream:
        head = stream.read(HEAD)
    return hashlib.sha256(f"{video.stat().st_size}:".encode() + head).hexdigest()[:8]


def rows(title_id: str, mark: str, config: dict[str, Any], made: dict[str, Any]) -> list[dict[str, Any]]:
    """One row an image, in the order of the contact sheet.

    Parameters
    ----------
    mark : str
        `fingerprint` of the video: the same video gives the same ids again.
    config, made : dict
        `ExtractConfig` and `Produced` as plain data.
    """
    out = []
    for candidate in made["candidates"]:
        at_us = candidate["source_frame_us"]
        for image in candidate["images"]:
            aspect = image["aspect"].replace(":", "x")
            told = hashlib.sha256(f"{config['title_text']}|{config['language']}|{config['format']}".encode())
            kind = f"-{told.hexdigest()[:4]}" if config["title_text"] or config["format"] != "webp" else ""
            out.append(
                dict.fromkeys(COLUMNS, "")
                | {
                    "artwork_id": f"{title_id}-{mark}-{at_us // 1000}-{aspect}{kind}",
                    "title_id": title_id,
                    "file": image["file"],
                    "format": config["format"],
                    "width_px": image["width_px"],
                    "height_px": image["height_px"],
                    "aspect": image["aspect"],
                    "language": config["language"] if config["title_text"] else "",
                    "tags": image["tags"],
                    "source_frame_us": at_us,
                }
            )
    return out


def write_csv(path: Path, table: list[dict[str, Any]]) -> None:
    """Write rows; labels are separated by "|"."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(row[name]) for name in COLUMNS] for row in table)


def write_json(path: Path, table: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """Write rows and what is known of the video and the frames."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode({**about, "artwork": table}), indent=2) + b"\n")


def _cell(value: object) -> object:
    return "|".join(map(str, value)) if isinstance(value, list) else value
