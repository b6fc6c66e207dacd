"""axe-core on a page: https://github.com/dequelabs/axe-core, MPL-2.0, which is no part of this repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLACE = "MATINEE_AXE"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
GRAVE = ("serious", "critical")


def script() -> str:
    """The text of axe.min.js, or why the test is skipped."""
    named = os.environ.get(PLACE)
    if not named:
        pytest.skip(f"{PLACE} names no axe.min.js: npm pack axe-core@4.14.1, and unpack package/axe.min.js")
    return Path(named).read_text(encoding="utf-8")


def findings(page: Page, text: str) -> list[str]:
    """Serious and critical findings, one line for each place, with what is wrong there.

    Parameters
    ----------
    text : str
        See `script`. It is evaluated by the debugger, for which the page's policy does not hold.
    """
    page.evaluate(text)
    found: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations', 'incomplete']})", list(TAGS)
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']} ({one['impact']}) at {' '.join(map(str, place['target']))}: {place['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for place in one["nodes"]
    ]
