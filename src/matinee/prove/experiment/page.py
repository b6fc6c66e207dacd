"""A readout as one page of HTML that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import jinja2

from matinee.observe.whole_file import write_whole
from matinee.prove.experiment.chart import COLOURS, chart
from matinee.prove.experiment.findings import (
    AfterStop,
    Comparison,
    GuardrailFinding,
    Look,
    Readout,
    SegmentFinding,
)
from matinee.types import format_at

TEMPLATE = "readout.html.jinja"


def page(readout: Readout, *, alpha: float = 0.05) -> str:
    """The page.

    Parameters
    ----------
    alpha : float
        Of the design; stands beside the other metrics.

    Notes
    -----
    Every text of the log and of the definition is escaped; a policy of the page forbids scripts and requests.
    """
    counts = [arm.units for arm in readout.arms] or [0]  # in an interleaving, all units see all arms
    source = files("matinee.prove.experiment").joinpath(TEMPLATE).read_text(encoding="utf-8")
    kinds = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    kinds.filters |= {
        "day": lambda at_us: format_at(at_us)[:10],
        "moment": lambda at_us: format_at(at_us)[:16].replace("T", " "),
        "whole": lambda n: f"{n:,}",
        "share": lambda value: f"{100 * value:.4g} %",
        "word": lambda text: text.replace(" ", ""),
        "figure": figure,
        "signed": signed,
        "lift": lift,
        "ends": ends,
        "shrunk": shrunk,
        "apart": _apart,
        "between": between,
    }
    return kinds.from_string(source).render(
        r=readout,
        drawing=chart(readout),
        colours=COLOURS,
        alpha=alpha,
        as_shares=all(one.lift is not None for one in readout.primary),
        total=max(counts) if readout.counts else sum(counts),
    )


def write_page(readout: Readout, path: Path, *, alpha: float = 0.05) -> int:
    """Write the page; returns its size in bytes.

    Raises
    ------
    StorageError
        The file cannot be written; one that was there before is untouched.
    """
    return write_whole(path, page(readout, alpha=alpha).encode())


def figure(value: float | None) -> str:
    """A number in four digits.

    Examples
    --------
    >>> figure(0.123456), figure(12345.6), figure(None)
    ('0.1235', '12,346', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def signed(value: float | None) -> str:
    """A share as percent with its sign.

    Examples
    --------
    >>> signed(0.0312), signed(-1.5), signed(None)
    ('+3.12 %', '-150.00 %', '-')
    """
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:+.2f} %"


def lift(one: Comparison) -> str:
    """The relative difference, or the plain one where the control's value is 0."""
    return signed(one.lift) if one.lift is not None else f"{one.difference:+.4g}"


def shrunk(one: Comparison) -> str:
    """The shrunken estimate, in the measure of `lift`."""
    if one.shrunk is None:
        return "-"
    return signed(one.shrunk) if one.lift is not None else f"{one.shrunk:+.4g}"


def between(one: AfterStop, value: float) -> str:
    """A figure after a stop, as a share or in the metric's own measure."""
    return signed(value) if one.share else f"{value:+.4g}"


def ends(one: Comparison | GuardrailFinding | SegmentFinding) -> str:
    """An interval."""
    if isinstance(one, Comparison) and one.lift is None:
        low, high = one.difference_low, one.difference_high
        return "unbounded" if low is None or high is None else f"{low:+.4g} to {high:+.4g}"
    if isinstance(one, GuardrailFinding) and one.lift is None:
        return "-"
    if one.low is None and one.high is None:
        return "unbounded"
    low_text = "below" if one.low is None else signed(one.low)
    return f"{low_text} to {'above' if one.high is None else signed(one.high)}"


def _apart(look: Look, arm: str) -> str:
    value, error = look.estimate.get(arm), look.error.get(arm)
    return "-" if value is None or not error else f"{value / error:+.2f}"
