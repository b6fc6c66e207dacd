"""Whether a frame shows text (titles, credits, subtitles, signs): asked of RapidOCR where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from matinee.initiatives.artwork.candidates.picture import Picture, resized

WIDTH = 736
SURE = 0.6
"""Confidence from which words count."""
LEAST_LETTERS = 2
"""One letter is as often a texture."""
PACKAGE = "rapidocr_onnxruntime"


def text_finder() -> Callable[[Picture], bool] | None:
    """Function that says whether a picture shows text; None where no recogniser is installed.

    Notes
    -----
    `pip install rapidocr-onnxruntime` brings its models with it and asks no network. Without it nothing is
    said about text: frames are neither dropped nor tagged for it.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    module = importlib.import_module(PACKAGE)
    reader = module.RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def shows_text(picture: Picture) -> bool:
        found, _ = reader(resized(picture, WIDTH), use_cls=False)
        return any(
            float(sure) >= SURE and sum(c.isalnum() for c in words) >= LEAST_LETTERS
            for _, words, sure in found or ()
        )

    return shows_text
