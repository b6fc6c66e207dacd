"""What can be said of an image: a closed list of tags, so that what is learned of one holds for others."""

from __future__ import annotations

from collections.abc import Iterable

TAGS: dict[str, tuple[str, ...]] = {
    "people": ("0", "1", "2", "3+"),
    "emotion": ("joy", "fear", "anger", "calm", "sad", "none"),
    "genre": (
        "action", "adventure", "animation", "children", "comedy", "crime", "documentary", "drama", "fantasy",
        "history", "horror", "music", "musical", "mystery", "noir", "reality", "romance", "science-fiction",
        "sport", "thriller", "war", "western",
    ),
    "setting": (
        "indoor", "city", "home", "nature", "road", "space", "stage", "village", "water", "abstract",
    ),
    "text": ("yes", "no"),
    "colour": ("warm", "cold", "dark", "bright", "muted", "vivid"),
}  # fmt: skip
"""Kind -> its values. A tag is written "kind:value"; an image may carry several of a kind. `genre` is what
the image looks like, whatever the title is; `people` how many it shows; `emotion` what their faces or bearing
say, "none" where there is nobody."""

VOCABULARY: tuple[str, ...] = tuple(f"{kind}:{value}" for kind, values in TAGS.items() for value in values)
"""Every tag, in the order of the columns of `Artworks.tags`. Another version may have more of them, so what
is learned about a tag is kept under its name."""

SINGLE = ("people", "text")
"""Kinds of which an image carries one value at most."""

_PLACE = {tag: i for i, tag in enumerate(VOCABULARY)}


def unknown_tags(tags: Iterable[str]) -> list[str]:
    """Those that are not in the vocabulary, in their order.

    Examples
    --------
    >>> unknown_tags(["people:2", "people:4"])
    ['people:4']
    """
    return [tag for tag in tags if tag not in _PLACE]


def tag_places(tags: Iterable[str]) -> list[int]:
    """Columns of known tags; unknown ones (of a newer version) are left out.

    Examples
    --------
    >>> tag_places(["people:1", "people:4"])
    [1]
    """
    return [_PLACE[tag] for tag in tags if tag in _PLACE]
