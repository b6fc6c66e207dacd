"""What contexts of decisions say."""

from __future__ import annotations

import pytest

from matinee.observe.lake.connection import connect
from matinee.observe.lake.contexts import IN_SHADOW, says


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ('{"shadow": true}', True),
        ('{"shadow":"true","arm":"b"}', True),
        ('{"shadow": false}', False),
        ('{"shadow": null}', False),
        ('{"shadow": "perhaps"}', False),
        ('{"shadow_of": "d1"}', False),
        ('{"arm": "shadow"}', False),
        ("{}", False),
        (None, False),
    ],
)
def test_only_what_is_said_to_be_so_is(context: str | None, expected: bool) -> None:
    with connect() as con:
        found = con.execute(f"SELECT {IN_SHADOW}, {says('kept_out')} FROM (SELECT ? AS context)", [context])
        assert found.fetchall() == [(expected, False)]
