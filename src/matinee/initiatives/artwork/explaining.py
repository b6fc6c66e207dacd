"""Why an image: the taste and the tag that add most to its lift, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.initiatives.artwork.features import DEVICES
from matinee.initiatives.artwork.lift import Floats, Ints
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_tags import VOCABULARY

WORTH_SAYING = 0.01
"""Least lift that a taste must add to be told."""
PEOPLE = {"0": "without people", "1": "of one person", "2": "of two people", "3+": "of a group"}


@dataclass(frozen=True, slots=True)
class Reasons:
    """What each taste makes of each tag.

    Attributes
    ----------
    worth : ndarray of float64, shape (n_context, n_tags)
        Lift that a tag gains for each unit of a number of the context.
    shown : ndarray of float64, shape (n_images, n_tags)
        1 where an image has a tag that not all of its title's images have.
    liked : ndarray of float64, shape (n_images,)
        Lift for members taken together.
    people, pictures : tuple of str
        Words for the numbers of the context, and for the tags.
    """

    worth: Floats
    shown: Floats
    liked: Floats
    people: tuple[str, ...]
    pictures: tuple[str, ...]

    @staticmethod
    def of(model: ArtworkModel, art: Artworks) -> Reasons:
        """From a model that stands on these images."""
        tags = model.look.tags
        columns = [VOCABULARY.index(tag) for tag in tags if tag in VOCABULARY]
        shown = art.tags[:, columns].astype(np.float64) if columns else np.zeros((len(art), len(tags)))
        count = np.diff(art.indptr)
        title = np.repeat(np.arange(len(count)), count)
        total = np.zeros((len(count), shown.shape[1]))
        np.add.at(total, title, shown)
        shown = shown * (total[title] < count[title][:, None])
        lift = model.learner.lift
        return Reasons(
            model.look.of_tags(lift.coef)[1:],
            shown,
            lift.mean(model.learner.images),
            tuple(f"you watch much {genre}" for genre in model.genres)
            + tuple(f"you watch on {device}" for device in DEVICES),
            tuple(_picture(tag) for tag in tags),
        )

    def of_images(self, image: Ints, context: Floats, raw: Floats) -> list[str | None]:
        """A sentence for each image; None where there is nothing to say.

        Parameters
        ----------
        image : ndarray of int64, shape (n,)
            -1: none.
        context, raw : ndarray of float64, shape (n_context,)
            Less the usual, and as it is: only a taste that somebody has, and more than others, is a reason.
        """
        own = np.where((context > 0) & (raw > 0), context, 0.0)[:, None] * self.worth
        if not own.size:
            return [None] * len(image)
        best, who = own.max(axis=0), own.argmax(axis=0)
        gained = self.shown[np.maximum(image, 0)] * best
        tag = gained.argmax(axis=1)
        most = gained[np.arange(len(image)), tag]
        out: list[str | None] = []
        for i, (at, t, value) in enumerate(zip(image.tolist(), tag.tolist(), most.tolist(), strict=True)):
            if at < 0:
                out.append(None)
            elif value >= WORTH_SAYING:
                out.append(f"chosen because {self.people[int(who[t])]}: {self.pictures[t]}")
            elif float(self.liked[image[i]]) >= WORTH_SAYING:
                out.append("chosen because many members like this picture of it")
            else:
                out.append(None)
        return out


def _picture(tag: str) -> str:
    """Words for a tag.

    Examples
    --------
    >>> _picture("colour:dark"), _picture("people:1"), _picture("genre:horror")
    ('a dark picture', 'a picture of one person', 'a picture that looks like horror')
    """
    kind, _, value = tag.partition(":")
    words = {
        "colour": f"a {value} picture",
        "people": f"a picture {PEOPLE.get(value, value)}",
        "genre": f"a picture that looks like {value}",
        "emotion": "a picture without emotion" if value == "none" else f"a picture that shows {value}",
        "setting": f"a picture of the setting {value}",
        "text": "a picture with text" if value == "yes" else "a picture without text",
    }
    return words.get(kind, f"a picture with {tag}")
