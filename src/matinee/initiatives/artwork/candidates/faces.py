"""Where faces are, with a detector whose model file the operator gives. Nobody is recognised.

Kept of a face: that it counts as one, and its box while the crops are made. No landmarks, no embedding, no
picture of it goes anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matinee.errors import InputError
from matinee.initiatives.artwork.candidates.picture import Box, Picture, resized

WIDTH = 640
SURE = 0.75
"""Confidence from which a face counts."""
LEAST_HEIGHT = 0.05
"""Of the picture: smaller faces are a crowd, not people who are shown."""

Finder = Callable[[Picture], list[Box]]


def check_model(path: Path) -> None:
    """Refuse a file that is no ONNX model, before anything is decoded."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file, expected an ONNX model (--face-model).")
    if path.suffix.lower() != ".onnx":
        raise InputError(f'{path}: ends in "{path.suffix}", expected .onnx for OpenCV\'s FaceDetectorYN.')


def face_finder(model: Path) -> Finder:
    """Function that gives the boxes of the faces in a picture, the largest first.

    Raises
    ------
    InputError
        OpenCV cannot read the model as a FaceDetectorYN (YuNet).
    """
    import cv2

    check_model(model)
    try:
        detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), SURE)
    except cv2.error as problem:
        said = " ".join(str(problem).split())[-160:]
        raise InputError(f"{model}: OpenCV cannot read it as a FaceDetectorYN model ({said}).") from None

    def find(picture: Picture) -> list[Box]:
        small = resized(picture, WIDTH)
        height, width = small.shape[:2]
        detector.setInputSize((width, height))
        try:
            _, found = detector.detect(small)
        except cv2.error as problem:
            said = " ".join(str(problem).split())[-160:]
            raise InputError(f"{model}: does not work as a FaceDetectorYN model ({said}).") from None
        rows = [] if found is None else [[float(value) for value in row[:4]] for row in found]
        return from_pixels(rows, width, height)

    return find


def from_pixels(rows: list[list[float]], width: int, height: int) -> list[Box]:
    """Boxes inside the picture, the largest first; those too small to be people who are shown are left out.

    Examples
    --------
    >>> from_pixels([[10, 10, 2, 2], [-10, 0, 60, 50]], 100, 100)
    [Box(x=0.0, y=0.0, width=0.5, height=0.5)]
    """
    boxes = []
    for x, y, across, down in rows:
        left, top = max(0.0, x / width), max(0.0, y / height)
        right, bottom = min(1.0, (x + across) / width), min(1.0, (y + down) / height)
        if bottom - top >= LEAST_HEIGHT and right > left:
            boxes.append(Box(left, top, right - left, bottom - top))
    return sorted(boxes, key=lambda box: -box.width * box.height)
