"""The images that tiles can show: those of the wanted shape, as of a moment."""

from __future__ import annotations

import numpy as np

from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.home import Home
from matinee.types import Mask


def load_images(home: Home, at_us: int) -> Artworks:
    """All images that are known at a moment, ordered by title and id."""
    return Artworks.load(home, at_us)


def usable(art: Artworks, config: ArtworkConfig) -> Mask:
    """Images of the wanted shape."""
    if not config.aspect:
        return np.ones(len(art), np.bool_)
    return np.asarray(art.aspects == config.aspect, np.bool_)
