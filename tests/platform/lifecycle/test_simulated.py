"""The simulated service inside a home: which moments it knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import home_with_plays

from matinee.errors import InputError
from matinee.observe.lake.reader import last_event_us
from matinee.platform.lifecycle.simulated import check_moment


def test_a_moment_before_the_first_event_is_named_with_those_that_can_be_asked_for(tmp_path: Path) -> None:
    stands_in = home_with_plays(tmp_path)
    last = last_event_us(stands_in)
    assert last is not None
    check_moment(stands_in, last)
    with pytest.raises(
        InputError, match=r"time is 1970-01-01T00:00:00Z, expected one after its first play: from"
    ):
        check_moment(stands_in, 0)
