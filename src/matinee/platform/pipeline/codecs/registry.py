"""Which codec stores which type. The first that knows an annotation is taken."""

from __future__ import annotations

from collections.abc import Callable

from matinee.errors import ConfigError
from matinee.platform.pipeline.annotations import spell
from matinee.platform.pipeline.codecs.array import array_codec
from matinee.platform.pipeline.codecs.base import Codec
from matinee.platform.pipeline.codecs.composite import mapping_codec, optional_codec, record_codec
from matinee.platform.pipeline.codecs.plain import plain_codec
from matinee.platform.pipeline.codecs.saved import saved_codec
from matinee.platform.pipeline.codecs.table import table_codec
from matinee.platform.pipeline.codecs.text import text_codec


def find_codec(annotation: object) -> Codec | None:
    """Codec of a type, or None if values of it cannot be stored."""
    for known in CODECS:
        found = known(annotation)
        if found is not None:
            return found
    return None


CODECS: tuple[Callable[[object], Codec | None], ...] = (
    text_codec,
    table_codec,
    saved_codec,
    plain_codec,
    array_codec,
    lambda annotation: record_codec(annotation, find_codec),
    lambda annotation: mapping_codec(annotation, find_codec),
    lambda annotation: optional_codec(annotation, find_codec),
)


def codec_of(annotation: object, where: str) -> Codec:
    """Codec of the result of a step.

    Raises
    ------
    ConfigError
        No codec stores this type.
    """
    try:
        found = find_codec(annotation)
    except ConfigError as problem:
        raise ConfigError(f"{where}: {problem}") from None
    if found is None:
        raise ConfigError(
            f"{where}: returns {spell(annotation)}, which cannot be stored. Expected plain data, a numpy "
            "array, text or bytes, a Table (Parquet), a class with save(folder) and a static load(folder), "
            "a dataclass or dict[str, ...] of these, or one of them | None."
        )
    return found
