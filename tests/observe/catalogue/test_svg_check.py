"""An SVG is let in when it is a still picture; what runs, loads or multiplies is refused by name."""

from __future__ import annotations

import pytest
from tests.observe.catalogue.images import svg

from matinee.observe.catalogue.image_header import Header, UnreadableImageError
from matinee.observe.catalogue.svg_check import read_svg

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
