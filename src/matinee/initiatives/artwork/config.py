"""Settings of artwork: how boldly it decides, what every image keeps, how long a member keeps an image."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError

NAME = "artwork"


@dataclass(frozen=True, slots=True)
class ArtworkConfig:
    """Section [artwork].

    Attributes
    ----------
    pages : text
        Name under which the pages are logged that carry the images.
    page_log : text
        Name under which the service logged pages with images drawn at random before Matinee chose them.
    aspect : text
        Shape of the images that tiles show; "" for any.
    holdout : float, 0 to 0.5
        Share of members that get each cleared image alike, for ever, so that the worth of choosing stays
        known.
    holdout_salt : text
        Which members those are; a new salt draws others. Change it only to begin a new measurement.
    keep_unproven : float, 0.5 to 1
        Share of its fair one (1 / images) that no image goes below until images are proven to differ.
    keep_proven : float, above 0, at most 0.5
        The same afterwards: the exploration floor.
    alpha : float, above 0, below 0.5
        Probability of taking it for proven that images differ when they do not, ever.
    boldness : float, above 0
        1: images come as often as they are believed to be the best; above: the best one more often.
    half_life_days : float, above 0
        After so many days an impression counts half.
    variety : float, 0 to 1
        Lift that an image loses if all images above it on the page have its style.
    sticky_days : float, above 0
        A member keeps the image of a title so long, unless what is believed changes.
    rank : int, 1 or more
        Numbers that stand for the tags and the embedding of an image.
    min_impressions : int, 100 or more
        Fewest logged impressions with an image drawn at random to learn from.
    """

    pages: str = "homepage"
    page_log: str = "pages"
    aspect: str = ""
    holdout: float = 0.02
    holdout_salt: str = "artwork-1"
    keep_unproven: float = 0.5
    keep_proven: float = 0.05
    alpha: float = 0.02
    boldness: float = 12.0
    half_life_days: float = 60.0
    variety: float = 0.05
    sticky_days: float = 14.0
    rank: int = 24
    min_impressions: int = 2_000

    def __post_init__(self) -> None:
        bounds = {
            "holdout": (0.0, 0.5),
            "keep_unproven": (0.5, 1.0),
            "keep_proven": (1e-3, 0.5),
            "alpha": (1e-9, 0.499),
            "boldness": (1e-3, 1e3),
            "half_life_days": (0.1, 1e6),
            "variety": (0.0, 1.0),
            "sticky_days": (0.01, 1e5),
            "rank": (1, 200),
            "min_impressions": (100, float("inf")),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"artwork: {name} is {value}, expected {low:g} to {high:g}. Set [artwork] {name} so."
                )
