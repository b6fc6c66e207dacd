"""An SVG is let in when it is a still picture; what runs, loads or multiplies is refused by name."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.observe.catalogue.images import svg

from matinee.observe.catalogue.image_header import Header, UnreadableImageError
from matinee.observe.catalogue.svg_check import MAX_DRAWN, read_svg


def grown(kind: str, attribute: str) -> str:
    """A few parts, each of which draws the one before ten times."""
    parts = [f'<{kind} id="p0"><rect/></{kind}>']
    for i in range(6):
        inside = f'<rect {attribute}="url(#p{i})"/>' * 10
        parts.append(f'<{kind} id="p{i + 1}">{inside}</{kind}>')
    return "".join(parts) + f'<rect {attribute}="url(#p6)"/>'


HARMLESS = (
    '<defs><linearGradient id="g"/><g id="p"><circle r="3"/></g></defs>'
    '<style>.a { fill: url(#g); font: 700 12px "Georgia" }</style>'
    '<rect class="a" style="fill: url(#g)" fill="url(#g)"/><use href="#p"/><use xlink:href="#p"/>'
    "<text>Tom &amp; J&#233;r&#244;me</text>"
)
REFUSED = {
    "<script>": "<script>alert(1)</script>",
    "<SCRIPT>": "<SCRIPT/>",
    "<foreignObject>": "<foreignObject><div/></foreignObject>",
    "<div>": '<div xmlns="http://www.w3.org/1999/xhtml"/>',
    "<set>": '<set attributeName="href" to="javascript:alert(1)"/>',
    "<animate>": "<animate/>",
    "a script .onload": '<rect onload="alert(1)"/>',
    "a script .onclick": '<rect ONCLICK="alert(1)"/>',
    "outside of itself .href": '<image href="https://example.org/a.png"/>',
    "outside of itself .href=.data": '<image xlink:href="data:image/png;base64,AAAA"/>',
    "outside of itself .href=.java": '<a href="javascript:alert(1)"/>',
    "outside of itself .fill": '<rect fill="url(http://example.org/a.svg#b)"/>',
    "outside of itself .style": "<rect style=\"background: URL( '//example.org/a')\"/>",
    "a style that refers": "<style>@import 'https://example.org/a.css';</style>",
    "a style that": "<style>.a { fill: \\75rl(//example.org) }</style>",
    "a style that holds <style>": "<style><style/>@import 'https://example.org/a.css';</style>",
    "a style that holds <g>": "<style>@import 'https://example.org/a.css';<g/></style>",
    "outside of itself .clip": "<rect clip=\"image('x.png')\"/>",
    "outside of itself .mask": "<rect mask=\"image-set('x.png' 1x)\"/>",
    "<use> elements inside each other": '<g id="a"><rect/></g><g id="b"><use href="#a"/></g><use href="#b"/>'
    '<g id="c"><use href="#b"/></g>',
    "more than 200 <use>": '<rect id="r"/>' + '<use href="#r"/>' * 201,
    "elements, or 60": "<g>" * 70 + "</g>" * 70,
    "more than 20,000 elements": "<g/>" * 20_001,
    "<marker>": '<marker id="m"/>',
    "<annotation>": '<annotation xmlns="http://www.w3.org/1998/Math/MathML"/>',
    "draws .* elements when": grown("pattern", "fill"),
    "draws .* elements .* more than": grown("mask", "mask"),
    "draws 1,\\d+,\\d+ elements": '<filter id="f">'
    + "<feBlend/>" * 20
    + "</filter>"
    + '<rect filter="url(#f)"/>' * 800,
    "in a circle .#[ab]": '<pattern id="a"><rect fill="url(#b)"/></pattern>'
    '<mask id="b"><g mask="url(#a)"/></mask>',
    "in a circle .#c": '<g id="c"><rect fill="url(#c)"/></g>',
    "a style that moves": "<style>@-webkit-keyframes a { to { x: 1 } }</style>",
    "a style that moves something": '<rect style="animation-name: a"/>',
    "moves something, expected": '<rect style="-webkit-transition: all 1s"/>',
    "with variables": "<style>.a { fill: var(--a) }</style>",
    "uses a variable": '<rect fill="VAR(--a)"/>',
    "outside of itself .fill=.-moz-element": '<rect fill="-moz-element(#a)"/>',
    "a filter with numoctaves": '<filter><feTurbulence numOctaves="99"/></filter>',
    "a filter with stddeviation": '<filter><feGaussianBlur stdDeviation="1 1e9"/></filter>',
    "a filter with radius=.nan": '<filter><feMorphology radius="nan"/></filter>',
    "well-formed": "<rect",
    "undefined entity": "<text>&lol;</text>",
}


def test_a_picture_is_let_in_with_its_size() -> None:
    assert read_svg(svg(HARMLESS)) == Header("svg", 320, 180)
    sized = svg(HARMLESS).replace(b"viewBox", b'width="640px" height="360" viewBox')
    assert read_svg(b"\xef\xbb\xbf<?xml version='1.0'?>" + sized) == Header("svg", 640, 360)


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_more_than_a_picture_is_refused(words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        read_svg(svg(REFUSED[words]))


def test_declarations_are_refused_before_they_can_grow() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    with pytest.raises(UnreadableImageError, match="DOCTYPE"):
        read_svg(svg("<text>&b;</text>", start=bomb))
    with pytest.raises(UnreadableImageError, match="DOCTYPE"):
        read_svg(svg(start='<!DOCTYPE svg SYSTEM "http://example.org/svg.dtd">'))
    with pytest.raises(UnreadableImageError, match="processing instruction"):
        read_svg(svg(start='<?xml-stylesheet href="a.css"?>'))


def test_it_has_to_be_an_svg_of_a_size() -> None:
    for data, words in (
        (b"<html/>", "is no SVG"),
        (b"<svg/>", "is no SVG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "does not tell its size"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 -5 nan"/>', "does not tell its size"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 5">' + b" " * 1_000_000, "bytes, more"),
    ):
        with pytest.raises(UnreadableImageError, match=words):
            read_svg(data)


def test_only_encodings_that_everybody_reads_alike() -> None:
    for encoding in ("UTF-8", "us-ascii"):
        assert read_svg(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + svg(HARMLESS))
    for encoding in ("cp037", "windows-1252", "UTF-7"):
        with pytest.raises(UnreadableImageError, match=r"encoding|well-formed"):
            read_svg(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + svg())


def test_a_style_sheet_may_hold_for_every_element() -> None:
    grid = '<pattern id="p">' + "<rect/>" * 500 + "</pattern>"
    assert read_svg(svg(grid + '<rect style="fill: url(#p)"/>' * 50))
    with pytest.raises(UnreadableImageError, match="draws"):
        read_svg(svg(grid + "<style>rect { fill: url(#p) }</style>"))


# What may stand in a picture, and what must not, put together at random.
NAMES = st.sampled_from("abcd")
SPACES = st.sampled_from(["", " ", "\n", "\t"])
HOSTILE_ATTRIBUTES = st.one_of(
    st.builds("on{}".format, st.sampled_from(["load", "Click", "ERROR"])).map(lambda one: f'{one}="x()"'),
    st.builds(
        '{}="{}{}"'.format,
        st.sampled_from(["href", "xlink:href", "src", "xml:base"]),
        SPACES,
        st.sampled_from(
            ["http://x", "//x", "data:image/png;base64,A", "JavaScript:x()", "x.svg#a", "", "&#104;ttp://x"]
        ),
    ),
    st.builds(
        '{}="{}({}{}{}"'.format,
        st.sampled_from(["fill", "style", "mask", "filter", "clip-path", "cursor"]),
        st.sampled_from(["url", "URL", "Url", "&#117;rl", "a: url", "image-set", "src"]),
        SPACES,
        st.sampled_from(["", "'", "&quot;"]),
        st.sampled_from(["http://x)", "//x)", "data:,x)", "x.svg#a)"]),
    ),
)
HOSTILE_ELEMENTS = st.sampled_from(
    [
        "<script/>",
        "<foreignObject/>",
        "<ForeignObject/>",
        "<q:script xmlns:q='x'/>",
        "<style>@import 'x';</style>",
        "<animate/>",
        "<iframe/>",
        "<style>a{b:u\\72l(x)}</style>",
        "<style>a{b:url(//x)}</style>",
        "<?x y?>",
    ]
)
PLAIN = st.one_of(
    st.builds('<rect fill="url({}#{})"/>'.format, SPACES, NAMES),
    st.builds("<g mask=\"url('#{}')\"/>".format, NAMES),
    st.builds('<image href="#{}"/>'.format, NAMES),
    st.just('<path d="M0 0L1 1"/>'),
    st.just("<text>url(http://example.org) &lt;script&gt;</text>"),
)


def nested(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(parts, max_size=4).map("".join)
    named = st.sampled_from(["g", "pattern", "mask", "clipPath", "defs"])
    return st.one_of(
        st.builds("<g>{}</g>".format, inside),
        st.builds(lambda kind, name, body: f'<{kind} id="{name}">{body}</{kind}>', named, NAMES, inside),
    )


TREES = st.recursive(PLAIN, nested, max_leaves=25)


@given(TREES, TREES, st.one_of(HOSTILE_ELEMENTS, HOSTILE_ATTRIBUTES.map("<rect {}/>".format)))
@settings(max_examples=80)
def test_whatever_stands_around_it_something_hostile_is_refused(before: str, after: str, bad: str) -> None:
    for body in (before + bad + after, f"<g><defs>{before}{bad}</defs>{after}</g>"):
        with pytest.raises(UnreadableImageError):
            read_svg(svg(body))


def let_in(data: bytes) -> bool:
    try:
        return read_svg(data).format == "svg"
    except UnreadableImageError:
        return False


@given(st.lists(TREES, max_size=6).map("".join))
@settings(max_examples=80)
def test_what_is_let_in_ends_and_draws_little(body: str) -> None:
    data = svg(body)
    root = ElementTree.fromstring(data)
    named: dict[str, ElementTree.Element] = {}
    for one in root.iter():
        named.setdefault(one.get("id", ""), one)

    def drawn(one: ElementTree.Element, depth: int = 0) -> int:
        if depth > 300:
            raise RecursionError
        found = 1
        for name, value in one.attrib.items():
            target = (
                named.get(value.partition("#")[2].strip("') ")) if "#" in value and name != "id" else None
            )
            found += 0 if target is None else drawn(target, depth + 1)
            if found > MAX_DRAWN:
                return found
        for child in one:
            found += drawn(child, depth + 1)
            if found > MAX_DRAWN:
                return found
        return found

    if let_in(data):
        assert drawn(root) <= MAX_DRAWN


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 30))
@settings(max_examples=80)
def test_damage_is_refused_by_name_or_harmless(noise: bytes, at: int, cut: int) -> None:
    data = svg(HARMLESS)
    assert let_in(data[:at] + noise + data[at + cut :]) in (True, False)
