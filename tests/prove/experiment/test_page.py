"""The page of a readout: whole, without requests, with every text escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from matinee.errors import StorageError
from matinee.prove.experiment.chart import chart
from matinee.prove.experiment.findings import (
    ArmUnits,
    Check,
    Comparison,
    CurvePoint,
    GuardrailFinding,
    Look,
    Readout,
    SegmentFinding,
)
from matinee.prove.experiment.page import page, write_page
from matinee.types import DAY_US

EVIL = '<script>alert("x")</script>'


def look(day: int, value: float) -> Look:
    return Look(
        at_us=day * DAY_US, until_us=day * DAY_US, fraction=day / 28, n={"old": 100, EVIL: 90},
        estimate={EVIL: value}, error={EVIL: 0.02}, bound={EVIL: 3.0}, verdict="go on",
    )  # fmt: skip


PRIMARY = Comparison(
    metric="plays", title=f"Plays {EVIL}", kind="mean", unit="plays", good="up", arm=EVIL, control=2.0,
    treated=2.2, lift=0.1, low=0.04, high=0.16, difference=0.2, difference_low=0.08, difference_high=0.32,
    error=0.04, z=5.0, p=None, interval="Repeated interval.", shrunk=0.08, n_treated=90, n_control=100,
    shows="better",
)  # fmt: skip
READOUT = Readout(
    verdict="ship", arm=EVIL, reasons=[f"It is better {EVIL}."], experiment=f"x{EVIL}", initiative="shop",
    owner=EVIL, hypothesis=EVIL, unit="member", analysis="spending", primary_metric="plays", started_us=0,
    until_us=14 * DAY_US, seen_us=14 * DAY_US, ends_us=28 * DAY_US, fraction=0.5,
    arms=[
        ArmUnits(name="old", answers="v1", share=0.5, units=100),
        ArmUnits(name=EVIL, answers=EVIL, share=0.5, units=90),
    ],
    primary=[PRIMARY],
    secondary=[msgspec.structs.replace(PRIMARY, lift=None, low=None, high=None, shrunk=None)],
    guardrails=[
        GuardrailFinding(
            metric="m", title=EVIL, arm=EVIL, margin=0.02, good="up", standing="broken", stops=True,
            lift=-0.1, low=None, high=-0.05, text=EVIL,
        )
    ],
    segments=[
        SegmentFinding(
            segment="device", value=EVIL, arm=EVIL, units=9, lift=0.1, shrunk=0.05, low=0.0, high=0.1,
        )
    ],
    curves=[CurvePoint(metric="retained_7d", arm=EVIL, day=7, units=9, share=0.5)],
    checks=[
        Check(name="sample ratio", finding="ok", text=EVIL),
        Check(name="late", finding="not run", text="-"),
    ],
    looks=[look(7, 0.05), look(14, 0.1)], stopped_arms=[EVIL],
)  # fmt: skip


class Reader(HTMLParser):
    """Collects tags, attributes and tags that stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "action", "onload")]
        if tag not in ("meta", "br", "line", "circle", "polygon", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle", "polygon", "polyline"):
            assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing() -> None:
    text = page(READOUT)
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.links == []
    assert "script" not in reader.tags
    assert not re.search(r"https?:|url\(|@import", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_every_text_is_escaped() -> None:
    text = page(READOUT)
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_the_verdict_stands_before_everything_else() -> None:
    text = page(READOUT)
    places = [
        text.index(part) for part in ('class="verdict ship"', "What decides", "sample ratio", "Guardrails")
    ]
    assert places == sorted(places)
    for part in ("+10.00 %", "+4.00 % to +16.00 %", "+8.00 %", "below to -5.00 %", "+0.08 to +0.32"):
        assert part in text


def test_a_page_without_estimates_says_so() -> None:
    bare = msgspec.structs.replace(
        READOUT, verdict="refused", arm=None, primary=[], secondary=[], guardrails=[], segments=[], curves=[],
        looks=[], ends_us=None,
    )  # fmt: skip
    text = page(bare)
    assert "No estimate." in text
    assert "<svg" not in text
    hidden = msgspec.structs.replace(bare, verdict="keep running", estimate_hidden=True)
    assert "Not shown" in page(hidden)


def test_the_chart_has_a_point_for_each_look() -> None:
    drawn = str(chart(READOUT))
    assert drawn.count("<circle") == 2
    assert drawn.count("<polygon") == 1
    one = str(chart(msgspec.structs.replace(READOUT, looks=[look(7, 0.05)])))
    assert (one.count("<circle"), one.count("<polygon")) == (1, 0)
    inside = [float(y) for y in re.findall(r'cy="([0-9.]+)"', drawn)]
    assert all(0 < y < 300 for y in inside)
    assert inside[0] > inside[1]  # the greater difference stands higher


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert write_page(READOUT, tmp_path / "out.html") == (tmp_path / "out.html").stat().st_size
    with pytest.raises(StorageError, match=r"out\.html: could not be written"):
        write_page(READOUT, tmp_path / "none" / "out.html")
