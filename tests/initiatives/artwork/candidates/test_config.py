from __future__ import annotations

from typing import Any

import pytest

from matinee.errors import ConfigError
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n": 0}, "n is 0, expected 1 to 60"),
        ({"aspects": ()}, "aspects is empty"),
        ({"aspects": ("2:3", "3:2")}, 'unknown aspect ratio "3:2".'),
        ({"aspects": ("1:1", "1:1")}, "expected each once"),
        ({"format": "png"}, 'unknown format "png"'),
        ({"title_text": "x" * 121, "language": "en"}, "has 121 characters, expected at most 120"),
        ({"title_text": "a\nb", "language": "en"}, "on one line"),
        ({"title_text": "  ", "language": "en"}, "is blank"),
        ({"title_text": "Heat"}, "Say which language"),
        ({"language": "en"}, "expected both"),
    ],
)
def test_wrong_wishes_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match="artwork: ") as problem:
        ExtractConfig(**given)
    assert said in str(problem.value)


def test_limits_are_above_zero() -> None:
    with pytest.raises(ConfigError, match="memory_mb is -1, expected a number above 0"):
        Limits(memory_mb=-1)
