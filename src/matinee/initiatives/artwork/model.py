"""What artwork has learned, as files: sums for each image, and how to read members and images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matinee.errors import StorageError
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.evidence import Evidence
from matinee.initiatives.artwork.expected import Expected
from matinee.initiatives.artwork.features import DEVICES, Look, Tastes, context_of, devices_of
from matinee.initiatives.artwork.learning import Learner
from matinee.initiatives.artwork.lift import Floats, Images, LiftSums, fit_lift
from matinee.initiatives.artwork.log import ImageLog
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.observe.catalogue.artwork import Artworks


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The JSON beside the arrays.

    Attributes
    ----------
    artwork_ids, title_ids : tuple of str
        Images, and their titles, in the order of the arrays.
    genres, devices : tuple of str
        Numbers of the context.
    tags : tuple of str
        Of `Look`, with the width of the embedding.
    spreads, evidence : tuple of float
    n, searched, n_plays : int
    common, log_most, day : float
    learned_us : int
        Latest page that was learned from.
    """

    artwork_ids: tuple[str, ...]
    title_ids: tuple[str, ...]
    genres: tuple[str, ...]
    devices: tuple[str, ...]
    tags: tuple[str, ...]
    width: int
    spreads: tuple[float, float, float]
    evidence: tuple[float, ...]
    n: int
    searched: int
    n_plays: int
    common: float
    log_most: float
    day: float
    learned_us: int
    format: int = 1


@dataclass(frozen=True, slots=True)
class ArtworkModel:
    """A learner, with the names of what stands at its positions.

    Attributes
    ----------
    artwork_ids, title_ids : tuple of str
    genres : tuple of str
    look : Look
    usual : ndarray of float64, shape (n_context,)
        Mean context of the log: a member who is like it has the lifts of everybody.
    learner : Learner
    learned_us : int
    """

    artwork_ids: tuple[str, ...]
    title_ids: tuple[str, ...]
    genres: tuple[str, ...]
    look: Look
    usual: Floats
    learner: Learner
    learned_us: int

    @staticmethod
    def fit(log: ImageLog, art: Artworks, tastes: Tastes, config: ArtworkConfig) -> ArtworkModel:
        """Learn from a whole log."""
        look = Look.learn(art, config.rank)
        context = context_of(log.shares, devices_of(log.device.tolist()))
        usual = context.mean(axis=0) if len(context) else np.zeros(len(tastes.genres) + len(DEVICES))
        portion, kept = log.portion(art, usual, log.again(config.sticky_days))
        learner = Learner.fit(look.images(art), art.indptr, len(usual), config, portion)
        return ArtworkModel(
            tuple(map(str, art.artwork_ids)),
            tuple(map(str, art.titles)),
            tastes.genres,
            look,
            usual,
            learner,
            int(log.at_us[kept].max()) if kept.any() else -1,
        )

    def on(self, art: Artworks) -> ArtworkModel:
        """The same knowledge about the images of another moment."""
        images, titles = tuple(map(str, art.artwork_ids)), tuple(map(str, art.titles))
        looks = self.look.images(art)
        if images == self.artwork_ids and np.array_equal(looks.features, self.learner.images.features):
            return self
        learner = self.learner.moved(
            looks,
            art.indptr,
            _places(self.artwork_ids, images),
            _places(self.title_ids, titles),
        )
        return replace(self, artwork_ids=images, title_ids=titles, learner=learner)

    def under(self, config: ArtworkConfig) -> ArtworkModel:
        """The same knowledge under some settings."""
        return replace(self, learner=replace(self.learner, config=config))

    def updated(self, log: ImageLog, art: Artworks) -> ArtworkModel:
        """Learn from the impressions of a log that are later than what was learned.

        The log has to begin `sticky_days` before, so that plays of draws that were learned are known again.
        """
        one = self.on(art)
        later = log.at_us > self.learned_us
        again = log.again(self.learner.config.sticky_days)[later]
        portion, _ = log.rows(later).portion(art, self.usual, again)
        if not len(portion):
            return one
        return replace(one, learner=one.learner.learned(portion), learned_us=int(log.at_us.max()))

    def save(self, folder: Path) -> None:
        """Write it as .npy and JSON."""
        at = self.learner
        file = ModelFile(
            artwork_ids=self.artwork_ids,
            title_ids=self.title_ids,
            genres=self.genres,
            devices=DEVICES,
            tags=self.look.tags,
            width=self.look.width,
            spreads=at.lift.spreads,
            evidence=at.evidence.log_capital,
            n=at.sums.n,
            searched=at.searched,
            n_plays=at.evidence.n_plays,
            common=at.expected.common,
            log_most=at.evidence.log_most,
            day=at.day if np.isfinite(at.day) else -1e12,
            learned_us=self.learned_us,
        )
        save_arrays(
            folder, file,
            seen=at.sums.seen, gained=at.sums.gained, noise=at.sums.noise, usual=self.usual,
            basis=self.look.basis, examined=at.expected.examined, rate=at.expected.rate,
            near=at.expected.near, features=at.images.features, title=at.images.title, start=at.start,
        )  # fmt: skip

    @staticmethod
    def load(folder: Path) -> ArtworkModel:
        """Read what `save` wrote; the settings are the defaults until `under`.

        Raises
        ------
        NotFoundError, StorageError
            There is no model, or it is damaged.
        """
        file, arrays = load_arrays(folder, ModelFile)
        if file.devices != DEVICES or len(arrays["seen"]) != len(file.artwork_ids):
            raise StorageError(
                f"{folder}: devices are {', '.join(file.devices)} and images {len(file.artwork_ids)}, "
                f"expected "
                f"{', '.join(DEVICES)} and {len(arrays['seen'])}. Train the model again."
            )
        images = Images(arrays["title"], arrays["features"])
        sums = LiftSums(arrays["seen"], arrays["gained"], arrays["noise"], file.n)
        learner = Learner(
            images,
            arrays["start"],
            ArtworkConfig(),
            Expected(arrays["examined"], arrays["rate"], arrays["near"], file.common),
            sums,
            fit_lift(images, sums, start=file.spreads, search=False),
            Evidence(file.evidence, file.log_most, file.n_plays),
            file.day,
            file.searched,
        )
        look = Look(file.tags, file.width, arrays["basis"])
        return ArtworkModel(
            file.artwork_ids, file.title_ids, file.genres, look, arrays["usual"], learner, file.learned_us
        )


def _places(old: tuple[str, ...], new: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    place = {name: i for i, name in enumerate(new)}
    return np.array([place.get(name, -1) for name in old], np.int64)
